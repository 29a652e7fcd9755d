"""What hostile surroundings do to a call: handlers that raise anywhere, mocks, forks, webs of objects, cancelled waits."""

from __future__ import annotations

import asyncio
import base64
import collections
import contextvars
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import unittest.mock
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import failstop
import pytest
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import ExecutionPolicy, IdempotencyPolicy, RetryPolicy, TimeoutPolicy
from failstop import Engine
from support import Action, FinalDecision, decision, policy

ACT = {"action": "ACT"}
MEMORY = {"kind": "memory"}


class Handled(Exception):
    """What a signal's handler raises; handlers of others raise ordinary exceptions too."""


def raise_handled(signum: int, frame: FrameType | None) -> None:
    raise Handled


@contextmanager
def signal_at(moment: int) -> Iterator[list[int]]:
    """A signal whose handler raises, at this moment of those that the packages' own code has on this thread."""
    moments: list[int] = []

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        packages = f"{os.sep}failstop{os.sep}", f"{os.sep}execution_orchestration_core{os.sep}"
        if event in ("c_return", "return") and any(package in frame.f_code.co_filename for package in packages):
            moments.append(moment)
            if len(moments) == moment:
                signal.raise_signal(signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, raise_handled)
    sys.setprofile(profile)
    try:
        yield moments
    finally:
        sys.setprofile(None)
        signal.signal(signal.SIGUSR2, before)


@pytest.mark.parametrize("moment", range(1, 25))
def test_a_handler_that_raises_is_heard_and_doubles_no_effect(moment: int) -> None:
    effects: list[int] = []

    def act(action: Any, context: Any) -> tuple[bool, None]:
        effects.append(moment)
        return True, None

    execute(decision(), {}, policy(), act)
    effects.clear()
    heard = False
    with signal_at(moment) as moments:
        try:
            execute(decision(), {}, policy(), act)
        except Handled:
            heard = True
    assert heard == (len(moments) >= moment)
    assert len(effects) <= 1


@pytest.mark.parametrize("moment", range(1, 17))
def test_a_handler_that_raises_leaves_no_key_that_runs_twice(moment: int) -> None:
    effects: list[int] = []

    def act(attempt: failstop.Attempt) -> bool:
        effects.append(attempt.attempt_number)
        return True

    with Engine(ledger=MEMORY, executor=act, policy={"retry": {"initial_backoff_ms": 0}}) as engine:
        engine.execute(ACT, run_id="r", step=0)
        effects.clear()
        heard = False
        with signal_at(moment) as moments:
            try:
                engine.execute(ACT, run_id="r", step=1)
            except Handled:
                heard = True
        assert heard == (len(moments) >= moment)
        engine.execute(ACT, run_id="r", step=1)
    assert len(effects) <= 1


def test_a_mock_is_no_inline_executor() -> None:
    threads: list[threading.Thread] = []

    def act(action: Any, context: Any) -> tuple[bool, None]:
        threads.append(threading.current_thread())
        return True, None

    mock = unittest.mock.Mock(side_effect=act)
    execute(decision(), {}, policy(max_retries=0), mock)
    assert len(threads) == 1
    assert threads != [threading.main_thread()]


def test_an_engine_whose_executor_is_its_owners_method_goes_with_its_owner() -> None:
    class Service:
        def __init__(self) -> None:
            self.engine = Engine(ledger=MEMORY, executor=self.act)

        def act(self, attempt: failstop.Attempt) -> bool:
            return True

    service = Service()
    assert service.engine.execute(ACT, run_id="r", step=0).outcome == "executed"
    gone = weakref.ref(service)
    del service
    gc.collect()
    assert gone() is None


def test_reports_become_json_by_the_members_of_their_objects() -> None:
    report = execute(decision(), {}, policy(), lambda *_: (True, None))
    said = json.loads(json.dumps(report, default=lambda value: value.__dict__))
    assert set(said) == {
        "attempts",
        "total_latency_ms",
        "success_count",
        "failed_count",
        "skipped_count",
        "denied_count",
        "fail_closed",
    }


CANARY = "c4naryS3cret"
TOLD = type(f"Told{CANARY}", (Exception,), {})


def tell(*arguments: Any) -> Any:
    raise TOLD(CANARY)


@pytest.mark.parametrize(
    "context",
    [{"auth": {"id": CANARY}}, {"tokens": [CANARY]}, {"auth": ({"x": CANARY},)}, collections.UserDict(token=CANARY)],
)
@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_an_exception_class_named_after_a_secret_anywhere_in_the_context_is_not_named(
    context: Any, enforce_timeouts: bool
) -> None:
    report = execute(decision(), context, policy(max_retries=0), tell, enforce_timeouts=enforce_timeouts)
    assert report.native is not None
    assert CANARY not in repr(report) + report.native.to_json()


def test_no_secret_comes_out_of_an_engine(caplog: pytest.LogCaptureFixture) -> None:
    encoded = base64.b64encode(CANARY.encode()).decode()
    answers: list[Callable[..., Any]] = [
        tell,
        lambda _: failstop.applied({CANARY: [CANARY, encoded, f"x{CANARY}x"]}),
        lambda _: failstop.not_applied(CANARY),
        lambda _: failstop.rejected(f"e_{CANARY}"),
        lambda _: failstop.unknown(CANARY),
    ]
    for step, answer in enumerate(answers):
        secret = {"action": "ACT", "params": {"api_key": CANARY, "nested": [{"password": [CANARY]}]}}
        with Engine(ledger=MEMORY, executor=answer, policy={"retry": {"max_retries": 0}}) as engine:
            report = engine.execute(secret, run_id="r", step=step)
        said = repr(report) + report.to_json() + repr(report.to_dict()) + caplog.text
        assert CANARY not in said
        assert encoded not in said


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that may hang where there is a defect."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


def test_a_web_of_lists_is_looked_at_once() -> None:
    ran = run(
        "from execution_orchestration_core.orchestrator import execute\n"
        "from execution_orchestration_core.policies import ExecutionPolicy, RetryPolicy\n"
        "web = ['no part of its name']\n"
        "for _ in range(50): web = [web, web]\n"
        "policy = ExecutionPolicy(retry=RetryPolicy(max_retries=0))\n"
        "print(execute({'action': 'ACT'}, {'token': web}, policy, lambda *_: 1 / 0).failed_count)\n"
    )
    assert (ran.stdout, ran.returncode) == ("1\n", 0)


def test_a_fork_in_an_inline_executor_leaves_nobody_waiting(tmp_path: Any) -> None:
    ran = run(
        "import logging, os, signal\n"
        "logging.disable()\n"
        "from failstop import Engine, executor\n"
        "children, parent = [], os.getpid()\n"
        "@executor(inline=True)\n"
        "def act(attempt):\n"
        "    child = os.fork()\n"
        "    if child: children.append(child)\n"
        "    else: signal.alarm(20)\n"
        "    return True\n"
        "engine = Engine(ledger={'path': os.environ['LEDGER']}, executor=act)\n"
        "try: report = engine.execute({'action': 'ACT'}, run_id='r', step=0)\n"
        "finally:\n"
        "    if os.getpid() != parent: os._exit(0)\n"
        "_, status = os.waitpid(children[0], 0)\n"
        "print(report.outcome, os.waitstatus_to_exitcode(status))\n",
        LEDGER=str(tmp_path / "ledger.db"),
    )
    assert (ran.stdout, ran.returncode) == ("executed 0\n", 0)


def test_a_call_of_an_engine_from_its_only_slot_ends_by_its_deadline() -> None:
    inner: list[failstop.Report] = []

    @failstop.executor(inline=True)
    def act(attempt: failstop.Attempt) -> bool:
        if attempt.step == 0:
            inner.append(engine.execute(ACT, run_id="r", step=1))
        return True

    limits = {"max_concurrency": 1, "timeout": {"timeout_per_action_ms": 100, "max_total_time_ms": 200}}
    with Engine(ledger=MEMORY, executor=act, policy=limits) as engine:
        engine.execute(ACT, run_id="r", step=0)
        assert [(report.outcome, report.reason_code) for report in inner] == [("not_executed", "deadline_exceeded")]
        assert engine.abandoned == 0


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_a_call_may_be_made_where_the_last_reference_goes(enforce_timeouts: bool, raises: bool) -> None:
    made: list[int] = []

    class Last:
        def __del__(self) -> None:
            made.append(execute(decision(), {}, policy(), lambda *_: (True, None)).success_count)

    def act(action: Any, context: Any) -> tuple[bool, None]:
        Last()
        if raises:
            raise ValueError
        return True, None

    last = policy(max_retries=0)
    report = execute(decision(), {"x": Last()}, last, act, enforce_timeouts=enforce_timeouts)
    assert (report.success_count, made) == (0 if raises else 1, [1, 1])


@pytest.mark.parametrize("raises", [False, True])
def test_nothing_of_the_callers_is_kept_when_he_has_his_answer(raises: bool) -> None:
    class Thing:
        pass

    def act(action: Any, context: Any) -> tuple[bool, None]:
        things.add(answer := Thing())
        if raises:
            raise ValueError(answer)
        return True, None

    things: weakref.WeakSet[Thing] = weakref.WeakSet()
    variable: contextvars.ContextVar[Thing | None] = contextvars.ContextVar("variable")
    for _ in range(200):
        things.add(thing := Thing())
        variable.set(thing)
        context = {"thing": thing}
        del thing
        execute(decision(), context, policy(max_retries=0), act, enforce_timeouts=True)
        variable.set(None)
        del context
        assert not things


def test_waits_that_end_as_their_work_does_leave_nothing_behind() -> None:
    async def act(attempt: failstop.Attempt) -> bool:
        for _ in range(attempt.step or 0):
            await asyncio.sleep(0)
        return True

    async def race(engine: Engine, step: int) -> None:
        task = asyncio.ensure_future(engine.execute_async(ACT, run_id="r", step=step % 7))
        for _ in range(step % 11):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    async def races(engine: Engine) -> int:
        for step in range(2_000):
            await race(engine, step)
        return len(asyncio.all_tasks())

    unkept = {"idempotency": {"enabled": False}}
    with Engine(ledger=MEMORY, executor=act, policy=unkept) as engine:
        assert asyncio.run(races(engine), debug=True) == 1
        assert engine.abandoned == 0


def test_strings_with_an_equality_of_their_own_are_what_they_say() -> None:
    class Evil(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        def __hash__(self) -> int:
            raise RuntimeError

        def __str__(self) -> str:
            raise RuntimeError

    spoken = FinalDecision(action=Evil("ACT"), params={"x": Evil("y")})  # type: ignore[arg-type]
    keyed = ExecutionPolicy(idempotency=IdempotencyPolicy(enabled=True))
    report = execute(spoken, {"now_ms": 1}, keyed, lambda *_: (True, None))
    plain = execute(decision(Action.ACT, params={"x": "y"}), {"now_ms": 1}, keyed, lambda *_: (True, None))
    assert report.attempts[0].idempotency_key == plain.attempts[0].idempotency_key is not None


@pytest.mark.parametrize("enabled", [False, True])
def test_a_context_that_says_stop_when_it_is_asked_stops(enabled: bool) -> None:
    class Asked(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            return True if name == "ops_deny_actions" else super().get(name, default)

    keyed = ExecutionPolicy(
        retry=RetryPolicy(max_retries=0), timeout=TimeoutPolicy(), idempotency=IdempotencyPolicy(enabled=enabled)
    )
    report = execute(decision(), Asked(now_ms=1), keyed, lambda *_: (True, None))
    assert (report.denied_count, report.success_count) == (1, 0)
