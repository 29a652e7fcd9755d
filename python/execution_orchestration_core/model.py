"""What is planned, what was tried, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from failstop._native import Report

__all__ = ["ExecutionAttempt", "ExecutionPlan", "ExecutionReport", "ExecutionStatus"]


class ExecutionStatus(str, Enum):
    """How an attempt or an execution ended. Equal to its word: ``ExecutionStatus.FAILED == "failed"``."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    DENIED = "denied"


@dataclass
class ExecutionAttempt:
    """One call of the executor."""

    action: Any
    """The very object that the decision had as its action."""

    status: ExecutionStatus

    attempt_number: int
    """Counts from 0."""

    latency_ms: int
    """Milliseconds from the executor's start to its end, or to where it was given up."""

    error_type: str | None = None
    """The class of an exception (``"ValueError"``), ``"executor_rejected"``, or ``None`` after a success."""

    error_code: str | None = None
    """A stable word: ``"executor_failed"``, ``"execution_exception"``, ``"timeout"``, ... or ``None``."""

    error_message: str | None = None
    """Always ``None``: error texts of others can hold secrets. There for those who name it."""

    idempotency_key: str | None = None
    """The key of the execution, where it has one."""


@dataclass
class ExecutionPlan:
    """What an execution may do. Times in milliseconds."""

    actions: list[Any]
    max_retries: int
    max_total_time_ms: int
    timeout_per_action_ms: int
    idempotency_enabled: bool = False


class _Traced:
    """Where a report keeps the full one behind it: not in its ``__dict__``, which has the fields alone."""

    __slots__ = ("__weakref__", "_native")

    _native: Report


@dataclass
class ExecutionReport(_Traced):
    """How the execution of one decision ended.

    ``success_count`` and ``failed_count`` count attempts, ``skipped_count`` and ``denied_count`` count actions.
    """

    attempts: list[ExecutionAttempt] = field(default_factory=list)
    """All of them, in order, those included that were followed by another."""

    total_latency_ms: int = 0
    success_count: int = 0
    failed_count: int = 0
    skipped_count: int = 0
    denied_count: int = 0

    fail_closed: bool = False
    """Whether it ended because something was not known: an exception, a timeout, a gate that could not be read."""

    @property
    def native(self) -> Report | None:
        """The full report behind one that ``execute`` made, with its outcome and reason; else ``None``.

        It is no field: comparison, ``repr``, ``dataclasses.asdict``, copies and pickles leave it out.
        """
        return getattr(self, "_native", None)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def to_external_dict(self) -> dict[str, Any]:
        """The seven ``exec.*`` trace keys for a packet's ``external``, with integers and one ``bool``.

        >>> ExecutionReport(denied_count=1).to_external_dict()["exec.denied_count"]
        1
        """
        return {
            "exec.total_latency_ms": self.total_latency_ms,
            "exec.success_count": self.success_count,
            "exec.failed_count": self.failed_count,
            "exec.skipped_count": self.skipped_count,
            "exec.denied_count": self.denied_count,
            "exec.fail_closed": self.fail_closed,
            "exec.attempt_count": len(self.attempts),
        }
