"""The entry: one approved decision in, one report out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from failstop._native import execute, use_engine

__all__ = ["ActionExecutor", "execute", "use_engine"]

ActionExecutor = Callable[[Any, dict[str, Any]], tuple[bool, str | None]]
"""What carries an action out: called with the action and the context, it says whether it did, and if not why."""
