"""Executions on event loops: coroutines as executors, cancellation from both sides, many at once."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import failstop
import pytest
from failstop import Engine

#: Guards against a test that hangs, not a bound that anything is measured by.
PATIENCE_S = 60.0

ACT = {"action": "ACT"}


def engine(executor: Any, **policy: Any) -> Engine:
    return Engine(
        policy={"idempotency": {"enabled": False}, **policy}, ledger={"kind": "memory"}, executor=executor
    )


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(main(), PATIENCE_S), debug=True)


def test_a_coroutine_is_a_task_of_the_callers_loop_with_his_context_variables() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        variable.set("the caller's")

        async def act(attempt: failstop.Attempt) -> failstop.Answer:
            assert asyncio.get_running_loop() is loop
            assert asyncio.current_task() is not None
            return failstop.applied(output={"seen": variable.get(), "n": attempt.context["n"]})

        with engine(act) as own:
            report = await own.execute_async(ACT, {"n": 7})
        assert (report.status, report.output) == ("success", {"seen": "the caller's", "n": 7})

    run(main)


def test_many_run_at_once_on_one_loop() -> None:
    async def main() -> None:
        together = 200
        arrived = 0
        all_there = asyncio.Event()

        async def act(_attempt: failstop.Attempt) -> bool:
            nonlocal arrived
            arrived += 1
            if arrived == together:
                all_there.set()
            await all_there.wait()
            return True

        with engine(act, max_concurrency=together, timeout={"timeout_per_action_ms": 60_000}) as own:
            reports = await asyncio.gather(*(own.execute_async(ACT) for _ in range(together)))
        assert {report.status for report in reports} == {"success"}

    run(main)


def test_a_coroutine_is_cancelled_at_its_deadline_and_known_to_have_ended() -> None:
    async def main() -> None:
        cancelled = asyncio.Event()

        async def hang(_attempt: failstop.Attempt) -> bool:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return True

        with engine(hang, timeout={"timeout_per_action_ms": 1_000}, retry={"max_retries": 0}) as own:
            report = await own.execute_async(ACT)
            assert cancelled.is_set()
            assert (report.reason_code, report.outcome) == ("timeout", "unknown")
            assert report.attempts[0]["stopped"] == "confirmed"
            assert own.abandoned == 0

    run(main)


def test_a_coroutine_that_will_not_be_cancelled_is_unconfirmed_and_holds_its_slot() -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def stubborn(_attempt: failstop.Attempt) -> bool:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            return True

        timeout = {"timeout_per_action_ms": 1_000, "grace_ms": 20}
        with engine(stubborn, timeout=timeout, max_concurrency=1) as own:
            report = await own.execute_async(ACT)
            assert report.attempts[0]["stopped"] == "unconfirmed"
            assert len(report.attempts) == 1, "what may still run is followed by no other attempt"
            assert own.abandoned == 1
            denied = await own.execute_async(ACT)
            assert denied.reason_code == "executor_stuck"
            release.set()
            while own.abandoned:
                await asyncio.sleep(0)

    run(main)


def test_a_cancelled_caller_cancels_his_execution_and_hears_of_it_when_it_has_ended() -> None:
    async def main() -> None:
        entered, ended = asyncio.Event(), asyncio.Event()

        async def hang(_attempt: failstop.Attempt) -> bool:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return True

        with Engine(ledger={"kind": "memory"}, executor=hang) as own:
            caller = asyncio.create_task(own.execute_async(ACT, idempotency_key="key"))
            await entered.wait()
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            assert ended.is_set()
            report = await own.execute_async(ACT, idempotency_key="key")
            assert (report.reason_code, report.outcome) == ("in_doubt", "unknown")

    run(main)


def test_a_caller_who_is_cancelled_twice_waits_for_nothing() -> None:
    async def main() -> None:
        entered, was_told, release = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def stubborn(_attempt: failstop.Attempt) -> bool:
            entered.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    was_told.set()
            return True

        with engine(stubborn, timeout={"grace_ms": 600_000}) as own:
            caller = asyncio.create_task(own.execute_async(ACT))
            await entered.wait()
            caller.cancel()
            await was_told.wait()
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            assert own.abandoned == 1
            release.set()
            while own.abandoned:
                await asyncio.sleep(0)

    run(main)


def test_a_gate_that_closes_reaches_coroutines_in_flight() -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def hang(_attempt: failstop.Attempt) -> bool:
            entered.set()
            await asyncio.Event().wait()
            return True

        with engine(hang) as own:
            running = asyncio.create_task(own.execute_async(ACT))
            await entered.wait()
            stopping = threading.Thread(target=own.gate.stop, args=("wrong target",))
            stopping.start()
            report = await running
            stopping.join(PATIENCE_S)
            assert (report.reason_code, report.outcome) == ("stopped_in_flight", "unknown")
            assert report.attempts[0]["stopped"] == "confirmed"
            assert (await own.execute_async(ACT)).reason_code == "gate_stopped"

    run(main)


def test_other_executors_run_on_workers_and_leave_the_loop_free() -> None:
    async def main() -> None:
        release = threading.Event()

        def blocking(_attempt: failstop.Attempt) -> bool:
            return release.wait(PATIENCE_S)

        with engine(blocking, timeout={"timeout_per_action_ms": 60_000}) as own:
            running = asyncio.create_task(own.execute_async(ACT))
            await asyncio.sleep(0)
            release.set()  # by the loop, which is not blocked
            assert (await running).status == "success"

    run(main)


def test_inline_executors_run_on_the_loops_thread() -> None:
    async def main() -> None:
        threads: list[int] = []

        @failstop.executor(inline=True)
        def here(_attempt: failstop.Attempt) -> bool:
            threads.append(threading.get_ident())
            return True

        with engine(here) as own:
            assert (await own.execute_async(ACT)).status == "success"
        assert threads == [threading.get_ident()]

    run(main)


@pytest.mark.parametrize("kind", [RuntimeError, asyncio.CancelledError])
def test_what_a_coroutine_raises_is_named_by_its_class(kind: type[BaseException]) -> None:
    async def main() -> None:
        async def fail(_attempt: failstop.Attempt) -> bool:
            raise kind("hunter2")

        with engine(fail, retry={"max_retries": 0}) as own:
            report = await own.execute_async(ACT)
        assert report.attempts[0]["error_type"] == kind.__name__
        assert (report.reason_code, report.outcome) == ("execution_exception", "unknown")
        assert "hunter2" not in report.to_json()

    run(main)


def test_lines_are_submitted_as_decisions_are_executed() -> None:
    async def main() -> None:
        async def act(attempt: failstop.Attempt) -> failstop.Answer:
            return failstop.applied(output=attempt.params)

        with Engine(ledger={"kind": "memory"}, executor=act) as own:
            line = '{"decision": {"action": "ACT", "params": {"x:a": 1}}, "run_id": "r", "step": 1}'
            report = await own.submit_async(line, number=3)
            assert (report.status, report.output, report.to_dict()["line"]) == ("success", {"x:a": 1}, 3)
            assert (await own.submit_async(b"{")).reason_code == "input_invalid"
            proposal = '{"proposal": {"action": "ACT", "confidence": 0.9}, "run_id": "r", "step": 2}'
            assert (await own.submit_async(proposal)).status == "success"

    run(main)


def test_a_coroutine_needs_a_loop() -> None:
    async def act(_attempt: failstop.Attempt) -> bool:
        raise AssertionError("entered")

    with engine(act) as own, pytest.raises(failstop.UsageError) as raised:
        own.execute(ACT)
    assert raised.value.code == "executor_is_async"


def test_each_loop_has_a_bell_of_its_own() -> None:
    async def act(_attempt: failstop.Attempt) -> bool:
        await asyncio.sleep(0)
        return True

    with engine(act, max_concurrency=64) as own:
        statuses: list[str] = []

        def one_loop() -> None:
            async def main() -> None:
                for _ in range(20):
                    statuses.append((await own.execute_async(ACT)).status)

            run(main)

        threads = [threading.Thread(target=one_loop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert statuses == ["success"] * 80


def test_a_loop_that_ends_leaves_what_ran_where_it_stands() -> None:
    entered = threading.Event()

    async def hang(_attempt: failstop.Attempt) -> bool:
        entered.set()
        await asyncio.Event().wait()
        return True

    with Engine(ledger={"kind": "memory"}, executor=hang) as own:

        async def main() -> None:
            task = asyncio.create_task(own.execute_async(ACT, idempotency_key="key"))
            while not entered.is_set():
                await asyncio.sleep(0)
            assert not task.done()

        run(main)  # cancels what is left, and waits for it

        async def again() -> str | None:
            return (await own.execute_async(ACT, idempotency_key="key")).reason_code

        assert run(again) == "in_doubt"
