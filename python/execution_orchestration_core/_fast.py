"""What the extension has the interpreter do, because the interpreter does it faster: it knows where fields stand."""

from __future__ import annotations

from typing import Any

from execution_orchestration_core.model import ExecutionAttempt, ExecutionReport, ExecutionStatus
from execution_orchestration_core.policies import RetryPolicy

#: The pauses that the engine computes itself; callers may have others in a class of their own.
BACKOFF = RetryPolicy.backoff_ms

_new: Any = object.__new__


def policy_fields(policy: Any) -> tuple[Any, ...]:
    """All that an execution reads of a policy, to be compared with what it was before."""
    retry = policy.retry
    timeout = policy.timeout
    idempotency = policy.idempotency
    return (
        retry.max_retries,
        retry.initial_backoff_ms,
        retry.max_backoff_ms,
        retry.backoff_multiplier,
        timeout.timeout_per_action_ms,
        timeout.max_total_time_ms,
        idempotency.enabled,
        idempotency.key_generator,
        policy.max_concurrency,
        type(retry).backoff_ms,
    )


def report_of(
    attempts: list[ExecutionAttempt],
    total_latency_ms: int,
    success_count: int,
    failed_count: int,
    skipped_count: int,
    denied_count: int,
    fail_closed: bool,
    native: Any,
) -> ExecutionReport:
    """A report with these fields, and the full one behind it."""
    report: ExecutionReport = _new(ExecutionReport)
    report.attempts = attempts
    report.total_latency_ms = total_latency_ms
    report.success_count = success_count
    report.failed_count = failed_count
    report.skipped_count = skipped_count
    report.denied_count = denied_count
    report.fail_closed = fail_closed
    report._native = native
    return report


def attempt_of(
    action: Any,
    status: ExecutionStatus,
    attempt_number: int,
    latency_ms: int,
    error_type: str | None,
    error_code: str | None,
    idempotency_key: str | None,
) -> ExecutionAttempt:
    """An attempt with these fields."""
    attempt: ExecutionAttempt = _new(ExecutionAttempt)
    attempt.action = action
    attempt.status = status
    attempt.attempt_number = attempt_number
    attempt.latency_ms = latency_ms
    attempt.error_type = error_type
    attempt.error_code = error_code
    attempt.error_message = None
    attempt.idempotency_key = idempotency_key
    return attempt
