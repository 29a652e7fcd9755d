"""The trace that an execution leaves in a packet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution_orchestration_core.model import ExecutionReport

__all__ = ["add_execution_trace"]


def add_execution_trace(external: Mapping[str, Any] | None, report: ExecutionReport) -> dict[str, Any]:
    """A new ``dict``: what is in ``external``, and over it the seven ``exec.*`` keys of ``report``.

    >>> add_execution_trace({"now_ms": 5}, ExecutionReport(skipped_count=1))["exec.skipped_count"]
    1
    """
    return {**(external or {}), **report.to_external_dict()}
