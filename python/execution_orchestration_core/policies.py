"""Policies: how often, how long, how far apart, under which key.

They are plain data and may be changed at any time before a call. Nothing is checked here:
:func:`execution_orchestration_core.orchestrator.execute` refuses what is out of range, with
:class:`failstop.errors.UsageError` of code ``policy_invalid`` that names the field and its range.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ExecutionPolicy", "IdempotencyPolicy", "RetryPolicy", "TimeoutPolicy"]


@dataclass
class RetryPolicy:
    """How often an attempt is repeated, and after how long.

    >>> [RetryPolicy().backoff_ms(attempt_number) for attempt_number in range(8)]
    [0, 100, 200, 400, 800, 1600, 3200, 5000]
    """

    max_retries: int = 3
    """Attempts after the first, 0 to 100."""

    initial_backoff_ms: int = 100
    """Milliseconds before the first retry."""

    max_backoff_ms: int = 5000
    """Milliseconds that no wait between attempts exceeds."""

    backoff_multiplier: float = 2.0
    """By how much each wait is longer than the one before."""

    def backoff_ms(self, attempt_number: int) -> int:
        """The wait before this attempt, in whole milliseconds; attempts count from 0, and the first has none.

        Where the power is too large to compute, the answer is ``max_backoff_ms``.
        """
        if attempt_number == 0 or self.initial_backoff_ms == 0:
            return 0
        try:
            # A float even if the multiplier was given as an integer: powers of integers have no bound.
            delay_ms = int(self.initial_backoff_ms * float(self.backoff_multiplier) ** (attempt_number - 1))
        except OverflowError:
            return self.max_backoff_ms
        return min(delay_ms, self.max_backoff_ms)


@dataclass
class TimeoutPolicy:
    """How long an attempt and the whole execution may take."""

    timeout_per_action_ms: int = 5000
    """Milliseconds for one attempt. After that its end is unknown."""

    max_total_time_ms: int = 30000
    """Milliseconds for all attempts and the waits between them."""


@dataclass
class IdempotencyPolicy:
    """Whether executions have keys, and where the keys come from."""

    enabled: bool = False
    """Whether each execution has a key. Alone it guards nothing: an engine with a ledger does."""

    key_generator: str | None = None
    """``"action+context_hash"`` (also for ``None``), or ``"custom"``: only keys that the caller gives."""


@dataclass
class ExecutionPolicy:
    """All of them together.

    >>> policy = ExecutionPolicy(retry=RetryPolicy(max_retries=1))
    >>> policy.timeout.max_total_time_ms = 10_000
    >>> policy.max_concurrency
    1
    """

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: TimeoutPolicy = field(default_factory=TimeoutPolicy)
    idempotency: IdempotencyPolicy = field(default_factory=IdempotencyPolicy)
    max_concurrency: int = 1
    """Effects at once, from 1. A call has one; an engine keeps to it over all its calls."""
