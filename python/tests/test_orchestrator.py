"""`execute` where callers are rough with it: threads, signals, forks, ends of interpreters, executors that never return."""

from __future__ import annotations

import contextvars
import signal
import subprocess
import sys
import threading
from collections import ChainMap, UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from types import MappingProxyType
from typing import Any
from unittest.mock import Mock

import pytest
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import ExecutionPolicy, IdempotencyPolicy, RetryPolicy, TimeoutPolicy
from failstop.errors import UsageError
from support import Action, Scripted, decision, policy

#: Guards against a test that hangs, not a bound that anything is measured by.
PATIENCE_S = 60.0


def short() -> ExecutionPolicy:
    """Attempts are short; the whole is not, so that a busy machine still gets to make one."""
    return policy(timeout=TimeoutPolicy(timeout_per_action_ms=1_000, max_total_time_ms=60_000))


@contextmanager
def hung() -> Iterator[Callable[[Any, Any], Any]]:
    """An executor that comes back only when the block is left, and then has been joined."""
    release = threading.Event()
    left = threading.Event()

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        release.wait(PATIENCE_S)
        left.set()
        return True, None

    try:
        yield executor
    finally:
        release.set()
        left.wait(PATIENCE_S)


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that has `decision`, `policy`, `execute` and the like at hand."""
    head = f"""
import os, signal, sys, threading, time
from types import SimpleNamespace
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import *
decision = SimpleNamespace(action="ACT", allowed=True)
policy = ExecutionPolicy(timeout=TimeoutPolicy(timeout_per_action_ms=1_000, max_total_time_ms=60_000))
forever = lambda action, context: threading.Event().wait()
"""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", head + text],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_the_executor_is_called_with_the_very_objects(enforce_timeouts: bool) -> None:
    seen: list[Any] = []
    context = {"handle": object(), "now_ms": 1}
    asked = decision(Action.ACT, params={"not json": object()})

    def executor(*arguments: Any) -> tuple[bool, str | None]:
        seen.append(arguments)
        return True, None

    report = execute(asked, context, policy(), executor, enforce_timeouts=enforce_timeouts)
    assert seen[0][0] is asked.action
    assert seen[0][1] is context
    assert report.attempts[0].action is asked.action


def test_an_executor_that_never_returns_is_abandoned_at_its_deadline() -> None:
    with hung() as executor:
        report = execute(decision(), {}, short(), executor)
        names = [thread.name for thread in threading.enumerate()]
        assert report.native is not None
        assert report.native.reason_code == "timeout"
        assert report.native.outcome == "unknown"
        assert report.fail_closed is True
        assert len(report.attempts) == 1, "what may still run is followed by no other attempt"
        assert report.native.attempts[0]["stopped"] == "unconfirmed"
        assert any("(abandoned)" in name for name in names), names


@pytest.mark.parametrize("mark", ["argument", "attribute"])
def test_inline_executors_run_on_the_callers_thread(mark: str) -> None:
    threads: list[int] = []

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        threads.append(threading.get_ident())
        return True, None

    if mark == "attribute":
        executor.inline = True  # type: ignore[attr-defined]
        execute(decision(), {}, policy(), executor)
    else:
        execute(decision(), {}, policy(), executor, enforce_timeouts=False)
    assert threads == [threading.get_ident()]


def test_an_inline_executor_that_is_late_has_still_done_what_it_says() -> None:
    """The reference counts it, and to call it a timeout would have the effect again."""
    calls: list[int] = []

    def slow(_action: Any, _context: Any) -> tuple[bool, str | None]:
        calls.append(1)
        threading.Event().wait(0.005)
        return True, None

    late = policy(timeout=TimeoutPolicy(timeout_per_action_ms=1, max_total_time_ms=60_000))
    report = execute(decision(), {}, late, slow, enforce_timeouts=False)
    assert (report.success_count, calls) == (1, [1])


def test_other_executors_see_the_callers_context_variables_and_change_only_copies() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("the caller's")
    seen: list[str] = []

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        seen.append(variable.get())
        variable.set("the executor's")
        return True, None

    execute(decision(), {}, policy(), executor)
    assert seen == ["the caller's"]
    assert variable.get() == "the caller's"


@pytest.mark.parametrize("enforce_timeouts", [True, False])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_goes_through_to_the_caller(
    kind: type[BaseException], enforce_timeouts: bool
) -> None:
    calls: list[int] = []

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        calls.append(1)
        raise kind

    with pytest.raises(kind):
        execute(decision(), {}, policy(), executor, enforce_timeouts=enforce_timeouts)
    assert calls == [1], "and is never tried again"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_signal_in_the_middle_of_a_hand_over_is_no_missing_thread(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to the caller, and the executor is entered once at most."""
    from failstop._workers import Worker

    give = Worker.give
    interrupts = iter([signal.SIGINT])

    def interrupted(worker: Worker, job: Any) -> None:
        if when == "after":
            give(worker, job)
        for number in interrupts:
            signal.raise_signal(number)
        if when == "before":
            give(worker, job)

    monkeypatch.setattr(Worker, "give", interrupted)
    calls: list[int] = []

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        calls.append(1)
        return True, None

    with pytest.raises(KeyboardInterrupt):
        execute(decision(), {}, policy(), executor)
    assert len(calls) <= (1 if when == "after" else 0)
    assert execute(decision(), {}, policy(), executor).success_count == 1


def test_an_executor_that_answers_to_every_name_is_not_taken_for_inline() -> None:
    threads: list[int] = []

    def note(_action: Any, _context: Any) -> tuple[bool, str | None]:
        threads.append(threading.get_ident())
        return True, None

    assert execute(decision(), {}, policy(), Mock(side_effect=note)).success_count == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_pauses_of_the_callers_own_making_are_kept(enforce_timeouts: bool) -> None:
    asked: list[int] = []

    class Own(RetryPolicy):
        def backoff_ms(self, attempt_number: int) -> int:
            asked.append(attempt_number)
            return 1

    own = ExecutionPolicy(retry=Own(max_retries=2, initial_backoff_ms=3_600_000))
    executor = Scripted(["reject", "raise", "ok"])
    report = execute(decision(), {}, own, executor, enforce_timeouts=enforce_timeouts)
    assert (report.success_count, len(executor.calls), asked) == (1, 3, [1, 2])
    waited = report.native.attempts if report.native else []
    assert [attempt["waited_ms"] >= 1 for attempt in waited] == [False, True, True]


def test_an_interrupt_in_a_pause_of_the_callers_own_making_goes_through() -> None:
    class Interrupted(RetryPolicy):
        def backoff_ms(self, attempt_number: int) -> int:
            raise KeyboardInterrupt

    executor = Scripted(["reject"])
    with pytest.raises(KeyboardInterrupt):
        execute(decision(), {}, ExecutionPolicy(retry=Interrupted()), executor)
    assert len(executor.calls) == 1


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_nobody_asks_an_exception_for_its_text(enforce_timeouts: bool) -> None:
    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        raise Unprintable

    report = execute(decision(), {}, policy(max_retries=0), executor, enforce_timeouts=enforce_timeouts)
    assert report.attempts[0].error_type == "Unprintable"
    assert report.attempts[0].error_code == "execution_exception"


def test_an_exception_class_named_after_a_secret_is_not_named() -> None:
    secret = "hunter2canary"

    def executor(_action: Any, _context: Any) -> tuple[bool, str | None]:
        raise type(secret, (Exception,), {})

    for hidden in ([{"api_key": secret}], ({"api_key": secret},), UserDict(api_key=[secret])):
        context = {"nested": hidden, "handle": object()}
        report = execute(decision(), context, policy(max_retries=0), executor)
        assert report.native is not None
        assert secret not in repr(report)
        assert secret not in report.native.to_json()


def test_secrets_are_looked_for_once_in_what_is_shared_and_in_what_contains_itself() -> None:
    web: list[Any] = ["harmless"]
    for _ in range(64):
        web = [web, web]
    web.append(web)
    report = execute(
        decision(), {"api_token": web}, policy(max_retries=0), Scripted(["raise"]), enforce_timeouts=False
    )
    assert report.attempts[0].error_type == "RuntimeError"


@pytest.mark.parametrize(
    ("answer", "error_type"), [(None, "TypeError"), (True, "TypeError"), ((True,), "ValueError"), ("abc", "ValueError")]
)
def test_an_answer_that_is_none_is_an_exception_of_the_attempt(answer: Any, error_type: str) -> None:
    report = execute(decision(), {}, policy(max_retries=0), lambda _action, _context: answer)
    assert report.attempts[0].error_type == error_type
    assert report.native is not None
    assert report.native.outcome == "unknown"


def test_an_answer_whose_truth_cannot_be_told_is_an_exception_of_the_attempt() -> None:
    class Undecided:
        def __bool__(self) -> bool:
            raise ArithmeticError

    report = execute(decision(), {}, policy(max_retries=0), lambda _action, _context: (Undecided(), None))  # type: ignore[arg-type, return-value]
    assert report.attempts[0].error_type == "ArithmeticError"


@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize("outer", [True, False])
def test_an_executor_may_execute(outer: bool, inner: bool) -> None:
    def nested(_action: Any, _context: Any) -> tuple[bool, str | None]:
        flaky = iter([(False, "not yet"), (True, None)])
        report = execute(decision(), {}, policy(), lambda _action, _context: next(flaky), enforce_timeouts=inner)
        return report.success_count == 1, None

    assert execute(decision(), {}, policy(), nested, enforce_timeouts=outer).success_count == 1


def test_sixteen_threads_at_once_get_their_own_reports() -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        for _ in range(50):
            context = {"number": number}
            report = execute(decision(), context, policy(), lambda _action, own: (own["number"] == number, None))
            if report.success_count != 1:
                wrong.append(report)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert wrong == []


@pytest.mark.parametrize(
    ("asked", "context"),
    [
        ({"action": "JUMP"}, {}),
        ({"action": "ACT", "surprise": 1}, {}),
        ({"action": "ACT", "params": {"deep": float("nan")}}, {}),
        (object(), {}),
        (None, {}),
        (decision(allowed="yes"), {}),
        (decision(throttle_ms=-1), {}),
        (decision(), 5),
    ],
)
def test_what_is_no_decision_is_denied_and_never_raises(
    asked: Any, context: Any, caplog: pytest.LogCaptureFixture
) -> None:
    report = execute(asked, context, policy(), lambda _action, _context: pytest.fail("called"))
    assert (report.denied_count, report.fail_closed, report.attempts) == (1, True, [])
    assert report.native is not None
    assert report.native.reason_code == "input_invalid"
    assert len(caplog.records) == 1


@pytest.mark.parametrize("asked", [None, {"action": "JUMP"}, decision(allowed=1)])
def test_inv_exe_4_the_kill_switch_comes_before_everything(asked: Any) -> None:
    report = execute(asked, {"ops_deny_actions": True}, policy(), Scripted())
    assert (report.denied_count, report.fail_closed) == (1, False)


class PlainAction(Enum):
    ACT = "ACT"


@pytest.mark.parametrize("asked", [{"action": PlainAction.ACT}, decision(PlainAction.ACT)])  # type: ignore[arg-type]
@pytest.mark.parametrize("keys_on", [True, False])
def test_enumerations_and_mappings_of_any_kind_are_read(asked: Any, keys_on: bool) -> None:
    executor = Scripted()
    some_policy = policy(idempotency=IdempotencyPolicy(enabled=keys_on))
    contexts: list[Any] = [MappingProxyType({"now_ms": 1}), UserDict({"now_ms": 1}), ChainMap({"now_ms": 1})]
    for context in contexts:
        assert execute(asked, context, some_policy, executor).success_count == 1
    assert [call[1] for call in executor.calls] == contexts
    denied = execute(asked, MappingProxyType({"now_ms": 1, "ops_state": "RED"}), some_policy, executor)  # type: ignore[arg-type]
    assert denied.denied_count == 1


@pytest.mark.parametrize("value", [True, 1, 0, "", "no", [], object(), float("nan")])
def test_inv_exe_4_a_kill_switch_of_any_kind_denies(value: Any) -> None:
    report = execute(
        decision(), {"ops_deny_actions": value}, policy(), lambda _action, _context: pytest.fail("called")
    )
    assert (report.denied_count, report.fail_closed) == (1, False)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda policy: setattr(policy.retry, "max_retries", 101), "policy.retry.max_retries"),
        (lambda policy: setattr(policy.retry, "max_retries", -1), "policy.retry.max_retries"),
        (lambda policy: setattr(policy.retry, "backoff_multiplier", "two"), "policy.retry.backoff_multiplier"),
        (lambda policy: setattr(policy.timeout, "max_total_time_ms", 0), "policy.timeout.max_total_time_ms"),
        (lambda policy: setattr(policy, "max_concurrency", 0), "policy.max_concurrency"),
        (lambda policy: delattr(policy, "timeout"), "policy.timeout"),
        (lambda policy: setattr(policy.idempotency, "key_generator", "x"), "policy.idempotency.key_generator"),
    ],
)
def test_a_policy_out_of_range_is_misuse_and_names_its_field(
    change: Callable[[ExecutionPolicy], None], path: str
) -> None:
    wrong = ExecutionPolicy()
    execute(decision(), {}, wrong, lambda _action, _context: (True, None))
    change(wrong)
    with pytest.raises(UsageError, match=path.replace(".", r"\.")) as raised:
        execute(decision(), {}, wrong, lambda _action, _context: (True, None))
    assert raised.value.code == "policy_invalid"


def test_keys_are_the_same_for_the_same_meaning_and_shown_on_every_attempt() -> None:
    keyed = policy(idempotency=IdempotencyPolicy(enabled=True, key_generator="action+context_hash"))

    def key(context: dict[str, Any], **come_along: Any) -> str | None:
        report = execute(decision(), context, keyed, lambda _action, _context: (True, None), **come_along)
        return report.attempts[0].idempotency_key

    assert key({"now_ms": 1}) == key({"now_ms": 1, "ops_state": "GREEN"}) != key({"now_ms": 2})
    assert key({}, run_id="nightly", step=1) != key({}, run_id="nightly", step=2)
    assert key({}, idempotency_key="mine") == "mine"


@pytest.mark.parametrize(
    "wrong", [{"run_id": ""}, {"run_id": "\ud800"}, {"step": -1}, {"step": 2**63}, {"tenant": 5}]
)
def test_what_no_line_could_bring_along_is_misuse(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        execute(decision(), {}, policy(), Scripted(), **wrong)
    assert raised.value.code == "argument_invalid"
    assert "\ud800" not in str(raised.value)


def test_a_handler_that_raises_anywhere_repeats_no_effect() -> None:
    """Nearly all of it reaches the caller; what the interpreter raises in a destructor it prints and drops."""
    program = run_program("""
class Alarm(Exception):
    pass
def ring(number, frame):
    raise Alarm
signal.signal(signal.SIGALRM, ring)
policy = ExecutionPolicy(retry=RetryPolicy(max_retries=2, initial_backoff_ms=0))
calls = 0
def count(action, context):
    global calls
    calls += 1
    return True, None
repeated = heard = 0
for n in range(4000):
    calls = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + n % 97))
        try:
            report = execute(decision, {}, policy, count)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Alarm:
        heard += 1
    repeated += calls > 1
print(repeated, heard > 0)
""")
    assert (program.stdout, program.returncode) == ("0 True\n", 0), program.stderr


def test_an_interrupt_ends_the_wait_for_an_executor_that_never_returns() -> None:
    program = run_program("""
policy.timeout.timeout_per_action_ms = policy.timeout.max_total_time_ms = 60_000
def interrupting(action, context):
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
try:
    execute(decision, {}, policy, interrupting)
except KeyboardInterrupt:
    print("interrupted")
""")
    assert (program.stdout, program.returncode) == ("interrupted\n", 0), program.stderr


def test_an_interpreter_ends_while_an_abandoned_executor_runs() -> None:
    program = run_program("""
report = execute(decision, {}, policy, forever)
print(report.native.outcome)
""")
    assert (program.stdout, program.returncode, program.stderr) == ("unknown\n", 0, "")


def test_an_interpreter_ends_while_a_daemon_waits_for_an_executor() -> None:
    program = run_program("""
policy.timeout.timeout_per_action_ms = policy.timeout.max_total_time_ms = 60_000
entered = threading.Event()
def entering(action, context):
    entered.set()
    threading.Event().wait()
threading.Thread(target=execute, args=(decision, {}, policy, entering), daemon=True).start()
entered.wait()
print("entered")
""")
    assert (program.stdout, program.returncode, program.stderr) == ("entered\n", 0, "")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="skipped: CPython 3.12 warns of any fork beside threads")
def test_a_child_executes_after_a_fork_with_threads_of_its_own() -> None:
    program = run_program("""
succeed = lambda action, context: (True, None)
assert execute(decision, {}, policy, succeed).success_count == 1
child = os.fork()
if child == 0:
    ends = execute(decision, {}, policy, succeed).success_count == 1
    ends = ends and execute(decision, {}, policy, forever).native.outcome == "unknown"
    os._exit(0 if ends else 1)
assert os.waitpid(child, 0)[1] == 0
assert execute(decision, {}, policy, succeed).success_count == 1
print("both")
""")
    assert (program.stdout, program.returncode) == ("both\n", 0), program.stderr


def test_subinterpreters_are_refused_and_not_crashed() -> None:
    program = run_program("""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
inner = interpreters.create()
try:
    failed = interpreters.run_string(inner, "import failstop")
except Exception as error:
    failed = error
print("refused" if failed is not None else "imported")
""")
    assert (program.stdout, program.returncode) == ("refused\n", 0), program.stderr


def test_nothing_of_a_call_is_kept_after_it() -> None:
    import gc
    import weakref

    class Handle:
        pass

    handle = Handle()
    kept = weakref.ref(handle)
    execute(decision(), {"handle": handle}, policy(), lambda _action, _context: (True, None))
    del handle
    # The worker lets go of its job after it has answered.
    for _ in range(1000):
        gc.collect()
        if kept() is None:
            break
        execute(decision(), {}, policy(), lambda _action, _context: (True, None))
    assert kept() is None
