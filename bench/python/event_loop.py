"""What a call of ``Engine.execute_async`` costs, beside a plain asyncio orchestrator that waits with ``wait_for``."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable
from typing import Any

from failstop import Engine
from orchestrator import CONTEXT, DECISION, POLICY, ROUNDS, Attempt, Report, Status, now_ms, row, table_head

AT_ONCE = 100
CALLS = 2_000

AsyncExecutor = Callable[[Any, dict[str, Any]], Awaitable[tuple[bool, str | None]]]


async def plain(executor: AsyncExecutor) -> Report:
    """Kill switch, permission, then attempts, each cancelled when its time is over, until one succeeds."""
    if CONTEXT.get("ops_deny_actions", False):
        return Report(denied_count=1)
    if not DECISION.allowed:
        return Report(skipped_count=1)
    report = Report()
    began_ms = now_ms()
    for number in range(POLICY.retry.max_retries + 1):
        start_ms = now_ms()
        left_ms = POLICY.timeout.max_total_time_ms - (start_ms - began_ms)
        if left_ms <= 0:
            report.fail_closed = True
            break
        seconds = min(left_ms, POLICY.timeout.timeout_per_action_ms) / 1000
        try:
            succeeded, _ = await asyncio.wait_for(executor(DECISION.action, CONTEXT), seconds)
            failure = ("executor_rejected", "executor_failed")
        except Exception as error:
            succeeded = False
            failure = (type(error).__name__, "execution_exception")
            report.fail_closed = True
        status = Status.SUCCESS if succeeded else Status.FAILED
        report.attempts.append(Attempt(DECISION.action, status, number, now_ms() - start_ms))
        if succeeded:
            report.success_count += 1
            report.fail_closed = False
            break
        report.failed_count += 1
        report.attempts[-1].error_type, report.attempts[-1].error_code = failure
        if number < POLICY.retry.max_retries:
            await asyncio.sleep(POLICY.retry.backoff_ms(number + 1) / 1000)
    report.total_latency_ms = now_ms() - began_ms
    return report


async def done_at_once(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
    return True, None


async def done_after_a_turn(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
    await asyncio.sleep(0)
    return True, None


def engine(executor: AsyncExecutor) -> Engine:
    """Without keys and ledger, as the peer is."""

    async def native(attempt: Any) -> Any:
        return await executor(attempt.action, attempt.context)

    retry = {"max_retries": 3, "initial_backoff_ms": 0}
    idempotency = {"enabled": False}
    return Engine(
        policy={"max_concurrency": AT_ONCE, "retry": retry, "idempotency": idempotency},
        ledger={"kind": "memory"},
        executor=native,
    )


async def per_call_us(call: Callable[[], Awaitable[object]], at_once: int) -> float:
    rounds = CALLS // at_once
    begun = time.perf_counter_ns()
    for _ in range(rounds):
        if at_once == 1:
            await call()
        else:
            await asyncio.gather(*(call() for _ in range(at_once)))
    return (time.perf_counter_ns() - begun) / (rounds * at_once) / 1000


async def compare(what: str, executor: AsyncExecutor, at_once: int) -> None:
    with engine(executor) as ours:
        subjects: list[Callable[[], Awaitable[object]]] = [
            lambda: ours.execute_async(DECISION, CONTEXT),
            lambda: plain(executor),
        ]
        figures: list[list[float]] = [[] for _ in subjects]
        for _ in range(ROUNDS):
            for subject, taken in zip(subjects, figures, strict=True):
                taken.append(await per_call_us(subject, at_once))
    our_figures, peer_figures = figures
    row(what, our_figures[1:], peer_figures[1:])


async def main() -> None:
    print(f"CPython {platform.python_version()}, asyncio, {ROUNDS} rounds, medians (min .. max)\n")
    table_head("plain asyncio, wait_for")
    await compare("one at a time, done at once", done_at_once, 1)
    await compare("one at a time, done after a turn of the loop", done_after_a_turn, 1)
    await compare(f"{AT_ONCE} at once, done after a turn of the loop", done_after_a_turn, AT_ONCE)


if __name__ == "__main__":
    asyncio.run(main())
