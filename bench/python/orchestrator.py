"""What a call of ``execute`` costs, beside a plain Python orchestrator of the same semantics.

Both are given the same decision, context, policy and executor, in turns, in one run. A figure is the median of all
rounds, with the fastest and the slowest; a ratio is of medians, and less is better.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import ExecutionPolicy, RetryPolicy, TimeoutPolicy

ROUNDS = 15
LEAK_CALLS = 1_000_000
LEAK_CALLS_ENFORCED = 100_000
THREADS = 16

Executor = Callable[[Any, dict[str, Any]], tuple[bool, str | None]]


# The peer: what one writes in Python, with nothing that this project promises beyond the reference.


class Status(str, Enum):
    SUCCESS = "success"
    FAILED = "failed"


@dataclasses.dataclass
class Attempt:
    action: Any
    status: Status
    attempt_number: int
    latency_ms: int
    error_type: str | None = None
    error_code: str | None = None
    idempotency_key: str | None = None


@dataclasses.dataclass
class Plan:
    actions: list[Any]
    max_retries: int
    max_total_time_ms: int
    timeout_per_action_ms: int
    idempotency_enabled: bool = False


@dataclasses.dataclass
class Report:
    attempts: list[Attempt] = dataclasses.field(default_factory=list)
    total_latency_ms: int = 0
    success_count: int = 0
    failed_count: int = 0
    skipped_count: int = 0
    denied_count: int = 0
    fail_closed: bool = False


def now_ms() -> int:
    return int(time.time() * 1000)


def plain(decision: Any, context: dict[str, Any], policy: ExecutionPolicy, executor: Executor) -> Report:
    """Kill switch, permission, then attempts with backoff until one succeeds or none is left."""
    if context.get("ops_deny_actions", False):
        return Report(denied_count=1)
    if not decision.allowed:
        return Report(skipped_count=1)
    plan = Plan(
        actions=[decision.action],
        max_retries=policy.retry.max_retries,
        max_total_time_ms=policy.timeout.max_total_time_ms,
        timeout_per_action_ms=policy.timeout.timeout_per_action_ms,
        idempotency_enabled=policy.idempotency.enabled,
    )
    report = Report()
    began_ms = now_ms()
    for action in plan.actions:
        plain_attempts(action, context, policy, plan, executor, report, began_ms)
    report.total_latency_ms = now_ms() - began_ms
    return report


def plain_attempts(
    action: Any,
    context: dict[str, Any],
    policy: ExecutionPolicy,
    plan: Plan,
    executor: Executor,
    report: Report,
    began_ms: int,
) -> None:
    for number in range(plan.max_retries + 1):
        start_ms = now_ms()
        if start_ms - began_ms >= plan.max_total_time_ms:
            report.fail_closed = True
            return
        try:
            succeeded, _ = executor(action, context)
        except Exception as error:
            failure = Attempt(
                action, Status.FAILED, number, now_ms() - start_ms, type(error).__name__, "execution_exception"
            )
            report.fail_closed = True
        else:
            if succeeded:
                report.attempts.append(Attempt(action, Status.SUCCESS, number, now_ms() - start_ms))
                report.success_count += 1
                report.fail_closed = False
                return
            failure = Attempt(
                action, Status.FAILED, number, now_ms() - start_ms, "executor_rejected", "executor_failed"
            )
            report.fail_closed = False
        report.attempts.append(failure)
        report.failed_count += 1
        if number < plan.max_retries:
            wait_ms = policy.retry.backoff_ms(number + 1)
            if wait_ms > 0:
                time.sleep(wait_ms / 1000)


def with_a_deadline(pool: concurrent.futures.Executor, executor: Executor, policy: ExecutionPolicy) -> Executor:
    """The same executor on a thread of a pool, waited for until its time is over."""
    seconds = policy.timeout.timeout_per_action_ms / 1000

    def waited_for(action: Any, context: dict[str, Any]) -> tuple[bool, str | None]:
        return pool.submit(executor, action, context).result(timeout=seconds)

    return waited_for


# What both are given.


class Action(str, Enum):
    ACT = "ACT"


@dataclasses.dataclass
class Decision:
    action: Action
    allowed: bool = True
    reasons: list[str] = dataclasses.field(default_factory=list)
    mismatch: Any = None
    throttle_ms: int | None = None
    cooldown_ms: int | None = None
    params: dict[str, Any] | None = None


def succeeds(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
    return True, None


def refuses(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
    return False, "no"


DECISION = Decision(Action.ACT, reasons=["signal"], params={"ops:target": "db-1"})
CONTEXT: dict[str, Any] = {"now_ms": 1_700_000_000_000, "ops_deny_actions": False}
STOPPED: dict[str, Any] = {**CONTEXT, "ops_deny_actions": True}
POLICY = ExecutionPolicy(
    retry=RetryPolicy(max_retries=3, initial_backoff_ms=0),
    timeout=TimeoutPolicy(timeout_per_action_ms=5000, max_total_time_ms=30000),
)


# How it is measured.


def per_call_us(call: Callable[[], object], calls: int) -> float:
    begun = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return (time.perf_counter_ns() - begun) / calls / 1000


def on_threads(call: Callable[[], object]) -> Callable[[], object]:
    """``call`` made a thousand times on each of some threads at once."""

    def all_of_them() -> None:
        def some() -> None:
            for _ in range(1000):
                call()

        threads = [threading.Thread(target=some) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_of_them


def in_turns(subjects: list[Callable[[], object]], calls: int) -> list[list[float]]:
    """What each takes per call, in microseconds, round by round."""
    for subject in subjects:
        per_call_us(subject, max(calls // 10, 1))
    figures: list[list[float]] = [[] for _ in subjects]
    for _ in range(ROUNDS):
        for subject, taken in zip(subjects, figures, strict=True):
            taken.append(per_call_us(subject, calls))
    return figures


def shown(taken: list[float], divisor: float = 1.0) -> str:
    low, middle, high = (f(taken) / divisor for f in (min, statistics.median, max))
    return f"{middle:8.2f} us ({low:.2f} .. {high:.2f})"


def table_head(peer: str) -> None:
    print(f"{'what':<52} {'failstop':<32} {peer:<32} {'ratio':>7}")


def row(what: str, ours: list[float], peer: list[float], divisor: float = 1.0) -> None:
    ratio = statistics.median(ours) / statistics.median(peer)
    print(f"{what:<52} {shown(ours, divisor):<32} {shown(peer, divisor):<32} {ratio:6.2f}x", flush=True)


def compare(
    what: str, ours: Callable[[], object], peer: Callable[[], object], calls: int, divisor: float = 1.0
) -> None:
    our_figures, peer_figures = in_turns([ours, peer], calls)
    row(what, our_figures, peer_figures, divisor)


def resident_kib() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def leak(what: str, call: Callable[[], object], calls: int) -> None:
    for _ in range(calls // 20):
        call()
    before = resident_kib()
    for _ in range(calls):
        call()
    after = resident_kib()
    print(f"{what}: {calls:,} calls, {before:,} KiB resident before, {after:,} KiB after ({after - before:+,} KiB)")


def inline(context: dict[str, Any] = CONTEXT, executor: Executor = succeeds) -> Callable[[], object]:
    return lambda: execute(DECISION, context, POLICY, executor, enforce_timeouts=False)


def enforced() -> Callable[[], object]:
    return lambda: execute(DECISION, CONTEXT, POLICY, succeeds)


def plainly(context: dict[str, Any] = CONTEXT, executor: Executor = succeeds) -> Callable[[], object]:
    return lambda: plain(DECISION, context, POLICY, executor)


def main() -> None:
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, {ROUNDS} rounds, medians (min .. max)\n")
    table_head("plain Python")
    compare("inline, success", inline(), plainly(), 20_000)
    compare("inline, four attempts refused", inline(executor=refuses), plainly(executor=refuses), 10_000)
    compare("inline, kill switch on", inline(STOPPED), plainly(STOPPED), 20_000)
    compare("timeouts enforced, plain has none", enforced(), plainly(), 2_000)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        deadline = plainly(executor=with_a_deadline(pool, succeeds, POLICY))
        compare("timeouts enforced, plain on a thread pool", enforced(), deadline, 2_000)
        calls = THREADS * 1000
        many = f"{THREADS} threads at once"
        compare(f"{many}, inline", on_threads(inline()), on_threads(plainly()), 1, calls)
        ours, peer = on_threads(enforced()), on_threads(deadline)
        compare(f"{many}, enforced, plain on a thread pool", ours, peer, 1, calls)
    print()
    leak("inline", inline(), LEAK_CALLS)
    leak("enforced", enforced(), LEAK_CALLS_ENFORCED)


if __name__ == "__main__":
    main()
