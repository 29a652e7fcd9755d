"""The engine with executors in Python: what they are handed, what they may answer, and what becomes of it."""

from __future__ import annotations

import contextvars
import functools
import gc
import json
import logging
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import failstop
import pytest
from failstop import Attempt, Engine, UsageError
from support import Action, FinalDecision, MismatchInfo

ACT = {"action": "ACT"}
MEMORY = {"kind": "memory"}
NO_BACKOFF = {"initial_backoff_ms": 0}


def engine(executor: Any, **sections: Any) -> Engine:
    """One whose ledger is in memory and whose retries do not wait."""
    policy = {"retry": NO_BACKOFF, **sections.pop("policy", {})}
    return Engine(ledger=MEMORY, executor=executor, policy=policy, **sections)


def execute(executor: Any, decision: Any = ACT, context: Any = None, **sections: Any) -> failstop.Report:
    with engine(executor, **sections) as made:
        return made.execute(decision, context, run_id="r", step=0)


def attempt_of(executor_of: Callable[[list[Attempt]], Any], *call: Any, **come_along: Any) -> Attempt:
    """What the executor was handed in this call."""
    attempts: list[Attempt] = []
    with engine(executor_of(attempts)) as made:
        assert made.execute(*call, **come_along).status == "success"
    (attempt,) = attempts
    return attempt


def keeping(attempts: list[Attempt]) -> Callable[[Attempt], bool]:
    def act(attempt: Attempt) -> bool:
        attempts.append(attempt)
        return True

    return act


def test_an_executor_is_handed_the_very_objects_of_the_call() -> None:
    decision = {"action": "ACT", "params": {"amount": 3}}
    context = {"now_ms": 5, "shop:table": [1]}
    come_along = {"run_id": "nightly", "step": 7, "tenant": "t", "idempotency_key": "k-1"}
    attempt = attempt_of(keeping, decision, context, **come_along)
    assert attempt.decision is decision
    assert attempt.params is decision["params"]
    assert attempt.context is context
    assert (attempt.action, attempt.run_id, attempt.step) == ("ACT", "nightly", 7)
    assert (attempt.tenant, attempt.idempotency_key, attempt.attempt_number) == ("t", "k-1", 0)
    assert attempt.fence > 0
    assert attempt.timeout_ms == 5000
    assert attempt.deadline_ms > 0
    assert not attempt.is_cancelled()


def test_decisions_may_be_objects_of_the_contract() -> None:
    mismatch = MismatchInfo(flags=["late"], metadata={"by": 1})
    decision = FinalDecision(Action.ACT, reasons=["r"], mismatch=mismatch, params={"amount": 3})
    attempt = attempt_of(keeping, decision, run_id="r", step=0)
    assert attempt.decision is decision
    assert attempt.params is decision.params
    assert attempt.context == {}


def test_a_look_alike_needs_no_more_than_an_action() -> None:
    class Bare:
        action = "ACT"

    assert attempt_of(keeping, Bare(), run_id="r", step=0).params is None


def test_dicts_and_objects_that_mean_the_same_have_the_same_key_and_plan() -> None:
    with engine(lambda attempt: True) as made:
        params = {"amount": 3}
        first = made.execute({"action": "ACT", "params": params}, {"now_ms": 5}, run_id="r")
        again = made.execute(FinalDecision(Action.ACT, params=params), {"now_ms": 5}, run_id="r")
        line = made.submit('{"decision":{"action":"ACT","params":{"amount":3}},"context":{"now_ms":5},"run_id":"r"}')
    assert again.replayed and line.replayed
    assert first.plan_digest == again.plan_digest == line.plan_digest


@pytest.mark.parametrize("form", [str, str.encode, json.loads])
def test_a_line_has_no_objects_and_executors_get_what_it_says(form: Callable[[str], Any]) -> None:
    attempts: list[Attempt] = []
    with engine(keeping(attempts)) as made:
        line = '{"decision": {"action": "ACT", "params": {"a": [1, 2.5, null]}}, "context": {"now_ms": 5}, "run_id": "r"}'
        assert made.submit(form(line)).status == "success"
    (attempt,) = attempts
    assert attempt.decision is None
    assert (attempt.params, attempt.context) == ({"a": [1, 2.5, None]}, {"now_ms": 5})


@pytest.mark.parametrize(
    ("answer", "status", "outcome", "reason"),
    [
        (failstop.applied(), "success", "executed", None),
        (True, "success", "executed", None),
        ((True, None), "success", "executed", None),
        (failstop.not_applied("busy"), "failed", "not_executed", "executor_failed"),
        (False, "failed", "not_executed", "executor_failed"),
        ((False, "no"), "failed", "not_executed", "executor_failed"),
        (failstop.not_applied(retry_after_ms=70_000), "failed", "not_executed", "retry_after_exceeds_deadline"),
        (failstop.rejected("bad"), "failed", "not_executed", "rejected"),
        (failstop.unknown("lost"), "failed", "unknown", "unknown_outcome"),
    ],
)
def test_what_an_executor_answers(answer: Any, status: str, outcome: str, reason: str | None) -> None:
    report = execute(lambda attempt: answer)
    assert (report.status, report.outcome, report.reason_code) == (status, outcome, reason)


def test_answers_bring_their_codes() -> None:
    report = execute(lambda attempt: failstop.rejected("card_expired"))
    assert report.attempts[0]["error_code"] == "card_expired"
    assert repr(failstop.rejected("card_expired")) == "Answer(effect='rejected')"


@pytest.mark.parametrize("answer", [None, 1, "ok", (1, None), (True,), (True, 5), [True, None], object()])
def test_what_is_no_answer_leaves_the_effect_unknown(answer: Any) -> None:
    report = execute(lambda attempt: answer)
    assert (report.outcome, report.reason_code) == ("unknown", "execution_exception")
    assert report.attempts[0]["error_type"] == "TypeError"


def test_an_exception_leaves_the_effect_unknown_and_its_text_unasked() -> None:
    class Boom(Exception):
        def __str__(self) -> str:
            raise AssertionError("nobody may ask")

    def act(attempt: Attempt) -> bool:
        raise Boom

    report = execute(act)
    assert (report.outcome, report.reason_code) == ("unknown", "execution_exception")
    assert report.attempts[0]["error_type"] == "Boom"


def test_an_output_comes_into_the_report() -> None:
    report = execute(lambda attempt: failstop.applied({"receipt": 7, "api_key": "hunter22"}))
    assert report.output == {"receipt": 7, "api_key": "[REDACTED]"}


def test_an_output_that_is_no_json_does_not_unsay_the_effect(caplog: pytest.LogCaptureFixture) -> None:
    report = execute(lambda attempt: failstop.applied({"receipt": object()}))
    assert (report.status, report.output) == ("success", None)
    assert "output[0]: a value of a type that JSON does not have" in caplog.text
    assert "receipt" not in caplog.text


def test_attempts_are_numbered_and_each_is_in_the_report() -> None:
    attempts: list[Attempt] = []

    def act(attempt: Attempt) -> failstop.Answer:
        attempts.append(attempt)
        return failstop.applied() if len(attempts) == 3 else failstop.not_applied()

    report = execute(act)
    assert [attempt.attempt_number for attempt in attempts] == [0, 1, 2]
    assert [told["effect"] for told in report.attempts] == ["not_applied", "not_applied", "applied"]
    assert attempts[0].fence < attempts[1].fence < attempts[2].fence


def plan_of(executor: Any) -> tuple[str, str]:
    with engine(executor) as made:
        plan = made.plan(ACT, run_id="r", step=0)["plan"]
        return plan["executor"], plan["effect_class"]


def test_names_and_effect_classes_stand_in_plans() -> None:
    @failstop.executor(name="bank", effect="keyed_idempotent")
    def pay(attempt: Attempt) -> bool:
        return True

    def book(attempt: Attempt) -> bool:
        return True

    assert plan_of(pay) == ("bank", "keyed_idempotent")
    assert plan_of(book) == ("book", "non_idempotent")
    assert plan_of(functools.partial(book)) == ("callable", "non_idempotent")
    assert plan_of(failstop.reference(lambda action, context: (True, None)))[0] == "<lambda>"


def test_what_takes_no_attributes_can_be_marked_too() -> None:
    class Shop:
        def act(self, attempt: Attempt) -> bool:
            return True

    assert plan_of(failstop.executor("shop")(Shop().act))[0] == "shop"


def test_an_effect_class_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        failstop.executor(effect="harmless")  # type: ignore[arg-type]
    assert refused.value.code == "argument_invalid"


def test_an_unknown_end_is_tried_again_only_where_the_class_allows() -> None:
    calls = 0

    @failstop.executor(effect="keyed_idempotent")
    def act(attempt: Attempt) -> failstop.Answer:
        nonlocal calls
        calls += 1
        return failstop.unknown() if calls == 1 else failstop.applied()

    assert execute(act).status == "success"
    assert calls == 2


def test_an_inline_executor_is_on_the_callers_thread_and_others_are_not() -> None:
    threads: list[threading.Thread] = []

    def act(attempt: Attempt) -> bool:
        threads.append(threading.current_thread())
        return True

    execute(failstop.executor(inline=True)(act))
    execute(functools.partial(act))
    assert threads[0] is threading.current_thread()
    assert threads[1].name.startswith("failstop-worker")


def test_an_inline_executor_is_not_interrupted_but_its_late_answer_does_not_count() -> None:
    ended: list[bool] = []

    @failstop.executor(inline=True)
    def act(attempt: Attempt) -> bool:
        assert not attempt.wait_cancelled(attempt.timeout_ms / 1000 + 0.05)
        ended.append(True)
        return True

    report = execute(act, policy={"timeout": {"timeout_per_action_ms": 50}})
    assert ended == [True]
    assert (report.outcome, report.reason_code) == ("unknown", "timeout")


def test_context_variables_are_those_of_the_caller() -> None:
    asked = contextvars.ContextVar("asked", default="nobody")
    asked.set("ada")
    seen: list[str] = []

    def act(attempt: Attempt) -> bool:
        seen.append(asked.get())
        return True

    execute(act)
    assert seen == ["ada"]


def test_an_executor_is_told_at_its_deadline_and_may_end_well_in_the_grace() -> None:
    def act(attempt: Attempt) -> failstop.Answer:
        assert attempt.wait_cancelled()
        assert attempt.is_cancelled()
        return failstop.not_applied()

    report = execute(act, policy={"timeout": {"timeout_per_action_ms": 1_000, "grace_ms": 60_000}})
    assert (report.reason_code, report.attempts[0]["stopped"]) == ("timeout", "confirmed")


def test_waiting_to_be_told_ends_with_its_own_time_too() -> None:
    def waiting(timeout_s: float | None) -> Callable[[Attempt], bool]:
        return lambda attempt: not attempt.wait_cancelled(timeout_s)

    for executor in (waiting(0.01), *(failstop.executor(inline=True)(waiting(time)) for time in (0.01, None))):
        assert execute(executor).status == "success"


def test_an_executor_that_does_not_come_back_keeps_its_slot_until_it_does() -> None:
    release, ended = threading.Event(), threading.Event()

    def act(attempt: Attempt) -> bool:
        release.wait(60)
        ended.set()
        return True

    policy = {"timeout": {"timeout_per_action_ms": 1_000, "grace_ms": 0}, "max_concurrency": 1}
    with engine(act, policy=policy) as made:
        report = made.execute(ACT, run_id="r", step=0)
        assert (report.reason_code, report.attempts[0]["stopped"]) == ("timeout", "unconfirmed")
        assert made.abandoned == 1
        assert made.execute(ACT, run_id="r", step=1).reason_code == "executor_stuck"
        release.set()
        assert ended.wait(60)
        while made.abandoned:
            threading.Event().wait(0.001)
        assert made.execute(ACT, run_id="r", step=2).status == "success"


def test_executors_of_the_references_kind_get_what_came_in_and_are_given_up_without_the_grace() -> None:
    calls: list[tuple[Any, Any]] = []
    release = threading.Event()

    def act(action: Any, context: Any) -> tuple[bool, str | None]:
        calls.append((action, context))
        release.wait(60)
        return True, None

    decision, context = FinalDecision(Action.ACT), {"now_ms": 5}
    policy = {"timeout": {"timeout_per_action_ms": 1_000, "grace_ms": 600_000}}
    report = execute(failstop.reference(act), decision, context, policy=policy)
    release.set()
    assert report.attempts[0]["stopped"] == "unconfirmed"
    assert calls[0][0] is decision.action
    assert calls[0][1] is context


def test_what_is_no_exception_goes_through_to_the_caller_and_leaves_the_key_in_doubt() -> None:
    def act(attempt: Attempt) -> bool:
        raise KeyboardInterrupt

    for executor in (act, failstop.executor(inline=True)(functools.partial(act))):
        with engine(executor) as made:
            with pytest.raises(KeyboardInterrupt):
                made.execute(ACT, run_id="r", step=0)
            again = made.execute(ACT, run_id="r", step=0)
            assert (again.reason_code, again.outcome) == ("in_doubt", "unknown")


def test_a_coroutine_is_refused_before_anything_starts() -> None:
    calls: list[Attempt] = []

    async def act(attempt: Attempt) -> bool:
        calls.append(attempt)
        return True

    class Called:
        async def __call__(self, attempt: Attempt) -> bool:
            return True

    for executor in (act, functools.partial(act), Called()):
        with engine(executor, executors={"HOLD": {"kind": "noop"}}) as made:
            for ask in (made.execute, made.submit):
                with pytest.raises(UsageError) as refused:
                    ask(ACT)
                assert refused.value.code == "executor_is_async"
            assert made.execute({"action": "HOLD"}, run_id="r", step=0).status == "success"
    assert calls == []


def test_executors_are_routed_by_action() -> None:
    who: list[str] = []

    def saying(name: str) -> Callable[[Attempt], bool]:
        def act(attempt: Attempt) -> bool:
            who.append(name)
            return True

        return act

    executors = {Action.ACT: saying("act"), "HOLD": {"kind": "noop"}}
    with engine(saying("other"), executors=executors) as made:
        for action in ("ACT", "HOLD", "EXIT"):
            assert made.execute({"action": action}, run_id="r", step=0).status == "success"
    assert who == ["act", "other"]


def test_an_action_without_an_executor_is_denied() -> None:
    with Engine(ledger=MEMORY) as made:
        assert made.execute(ACT, run_id="r", step=0).reason_code == "no_executor"


def test_a_call_from_within_an_executor_has_its_own_objects() -> None:
    inner, outer = {"now_ms": 1}, {"now_ms": 2}
    seen: list[Any] = []

    @failstop.executor(inline=True)
    def act(attempt: Attempt) -> bool:
        made.execute({"action": "HOLD"}, inner, run_id="in")
        seen.append(attempt.context)
        return attempt.attempt_number == 1

    @failstop.executor(inline=True)
    def hold(attempt: Attempt) -> bool:
        seen.append(attempt.context)
        return True

    with engine(act, executors={"HOLD": hold}) as made:
        assert made.execute(ACT, outer, run_id="out").status == "success"
    assert seen[0] is inner
    assert seen[1] is outer
    assert seen[2] is outer  # the second attempt; the inner call was a replay


def test_many_threads_at_once_each_get_their_own() -> None:
    def act(attempt: Attempt) -> failstop.Answer:
        return failstop.applied({"mine": attempt.context["shop:n"], "of": attempt.step})

    with engine(act) as made, ThreadPoolExecutor(16) as threads:
        calls = [(n, threads.submit(made.execute, ACT, {"shop:n": n}, run_id="r", step=n)) for n in range(400)]
        for n, call in calls:
            assert call.result().output == {"mine": n, "of": n}


@pytest.mark.parametrize(
    ("decision", "context", "why"),
    [
        ({"action": "FLY"}, None, "schema_unknown_action"),
        ({"action": "ACT", "allowd": True}, None, "schema_unknown_field"),
        ({"action": "ACT", "allowed": "yes"}, None, "schema_wrong_type"),
        ({"decision": ACT}, None, "schema_unknown_field"),
        ({}, None, "schema_missing_field"),
        (object(), None, "schema_missing_field"),
        (7, None, "schema_wrong_type"),
        (ACT, [1], "schema_wrong_type"),
        (ACT, {"a": float("nan")}, "not a finite number"),
        (ACT, {"a": 2**64}, "an integer beyond 64 bits"),
        (ACT, {"a": "\ud800"}, "lone surrogate"),
        (ACT, {1: 2}, "a key that is no string"),
        (ACT, {"a": {1, 2}}, "a type that JSON does not have"),
        (ACT, {"a": "x" * (1 << 20)}, "json_too_long"),
        (ACT, {"a": json.loads("[" * 63 + "]" * 63)}, "64 levels"),
    ],
)
def test_what_no_line_could_say_is_refused_with_a_report(
    decision: Any, context: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    def act(attempt: Attempt) -> bool:
        raise AssertionError("nothing may start")

    report = execute(act, decision, context)
    assert (report.status, report.reason_code, report.fail_closed) == ("denied", "input_invalid", True)
    assert why in caplog.text
    for theirs in ("FLY", "allowd", "yes"):
        assert theirs not in caplog.text


def test_objects_may_lie_as_deep_as_lines_do() -> None:
    with engine(lambda attempt: True) as made:
        for depth in range(59, 66):
            context = "[" * depth + "]" * depth
            line = f'{{"decision": {{"action": "ACT"}}, "context": {{"a": {context}}}, "run_id": "r", "step": {depth}}}'
            by_objects = made.execute(ACT, {"a": json.loads(context)}, run_id="r", step=depth)
            assert by_objects.status == made.submit(line).status, depth


def test_a_broken_line_is_refused_with_a_report(caplog: pytest.LogCaptureFixture) -> None:
    with engine(lambda attempt: True) as made:
        report = made.submit(b'{"action": "ACT"', number=3)
    assert (report.reason_code, report.to_dict()["line"]) == ("input_invalid", 3)
    assert "json_unexpected_end" in caplog.text


def test_everything_that_is_wrong_with_a_configuration_is_told_at_once() -> None:
    with pytest.raises(failstop.ConfigError) as refused:
        Engine(
            {"policy": {"retry": {"max_retries": -1}}},
            ledger={"kind": "memry"},
            executors={"ACTT": lambda attempt: True},
            executer={"kind": "noop"},
        )
    told = str(refused.value).splitlines()
    places = [line.split(":")[0] for line in told]
    assert places == ["executer", "executors.ACTT", "ledger.kind", "policy.retry.max_retries"]
    assert refused.value.code == "config_unknown_key"
    assert "did you mean executor?" in told[0]
    assert "config_wrong_value" in told[3]


def test_parts_that_contradict_each_other_are_refused_before_a_ledger_is_made(tmp_path: Path) -> None:
    ledger = {"path": tmp_path / "failstop.db"}
    with pytest.raises(failstop.ConfigError) as refused:
        Engine(ledger=ledger, executor=lambda attempt: True, policy={"retry": {"retry_unknown": "always"}})
    assert refused.value.code == "config_retries_unknown_effects"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_executor_is_refused() -> None:
    for executor in ("noop", 5):
        with pytest.raises(failstop.ConfigError):
            Engine(ledger=MEMORY, executor=executor)  # type: ignore[arg-type]


def test_keywords_win_over_the_file_value_by_value(tmp_path: Path) -> None:
    file = tmp_path / "failstop.toml"
    file.write_text('[policy.retry]\nmax_retries = 1\ninitial_backoff_ms = 0\n[ledger]\nkind = "memory"\n')
    for config in (file, str(file), {"policy": {"retry": {"max_retries": 1, **NO_BACKOFF}}, "ledger": MEMORY}):
        with Engine(config, executor=lambda attempt: False) as made:
            assert len(made.execute(ACT, run_id="r", step=0).attempts) == 2
        with Engine(config, executor=lambda attempt: False, policy={"retry": {"max_retries": 2}}) as made:
            assert len(made.execute(ACT, run_id="r", step=0).attempts) == 3


def test_a_callable_takes_the_place_of_a_configured_executor() -> None:
    config = {"ledger": MEMORY, "executors": {"ACT": {"kind": "noop"}}}
    with Engine(config, executors={"ACT": lambda attempt: failstop.rejected()}) as made:
        assert made.execute(ACT, run_id="r", step=0).reason_code == "rejected"


def test_a_ledger_that_cannot_be_opened_is_told_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "failstop.db").write_text("not a database, though as long as the header of one would have to be" * 3)
    with pytest.raises(failstop.LedgerError) as refused:
        Engine(ledger={"path": tmp_path / "failstop.db"})
    assert refused.value.code == "ledger_not_a_ledger"


def test_a_new_ledger_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "failstop"):
        for _ in range(2):
            Engine(ledger={"path": tmp_path / "failstop.db"}).close()
    assert caplog.text.count("new ledger") == 1


def test_a_closed_engine_says_so_and_closes_twice() -> None:
    made = engine(lambda attempt: True)
    with made:
        assert not made.closed
    assert made.closed
    made.close()
    for use in (lambda: made.execute(ACT), lambda: made.gate.level(), lambda: made.ledger.flush()):
        with pytest.raises(UsageError) as refused:
            use()
        assert refused.value.code == "engine_closed"


def test_closing_lets_calls_under_way_go_on(tmp_path: Path) -> None:
    began, release = threading.Event(), threading.Event()

    def act(attempt: Attempt) -> bool:
        began.set()
        return release.wait(60)

    made = Engine(ledger={"path": tmp_path / "failstop.db"}, executor=act)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(made.execute, ACT, run_id="r", step=0)
        assert began.wait(60)
        made.close()
        release.set()
        assert call.result(60).status == "success"
    assert failstop.audit_verify(tmp_path / "failstop.db")["clean"]


def test_plans_are_the_same_every_time_and_execute_nothing() -> None:
    def act(attempt: Attempt) -> bool:
        raise AssertionError("nothing may start")

    with engine(act) as made:
        first, again = (made.plan(ACT, {"now_ms": 5}, run_id="r") for _ in range(2))
        assert first == again
        assert first["plan_digest"].startswith("sha256:")
        assert made.plan({"action": "FLY"})["reason_code"] == "input_invalid"
        assert made.plan(ACT)["reason_code"] == "idempotency_key_missing"


def run(script: str, cwd: Path) -> str:
    """What the script prints, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_an_engine_that_nobody_closes_writes_down_its_denials_at_exit(tmp_path: Path) -> None:
    run(
        # What is registered first runs last, and leaves no time for anything that was not waited for.
        "import atexit, os\n"
        "atexit.register(os._exit, 0)\n"
        "import failstop\n"
        "engine = failstop.Engine(executor=lambda attempt: True)\n"
        "for n in range(5000):\n"
        "    engine.execute({'action': 'ACT'}, {'ops_state': 'RED'}, run_id='r', step=n)\n",
        tmp_path,
    )
    with Engine(ledger={"path": tmp_path / "failstop.db"}) as made:
        assert made.ledger.status()["events"] >= 5000
        assert made.audit_verify()["clean"]


def test_a_forked_child_leaves_its_parents_engine_alone(tmp_path: Path) -> None:
    printed = run(
        "import os, sys, failstop, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "engine = failstop.Engine(executor=lambda attempt: True)\n"
        "engine.execute({'action': 'ACT'}, run_id='r', step=0)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try:\n"
        "        engine.execute({'action': 'ACT'}, run_id='r', step=1)\n"
        "    except failstop.UsageError as error:\n"
        "        print(error.code, flush=True)\n"
        "    engine.close()\n"
        "    del engine\n"
        "    try:\n"
        "        failstop.Engine(executor=lambda attempt: True)\n"
        "    except failstop.LedgerError as error:\n"
        "        print(error.code, flush=True)\n"
        "    with failstop.Engine(ledger={'kind': 'memory'}, executor=lambda attempt: True) as own:\n"
        "        print(own.execute({'action': 'ACT'}, run_id='r', step=2).status, flush=True)\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(engine.execute({'action': 'ACT'}, run_id='r', step=3).status)\n"
        "print(engine.ledger.status()['living_owners'], engine.audit_verify()['clean'])\n",
        tmp_path,
    )
    assert printed.split() == ["engine_forked", "engine_forked", "success", "success", "1", "True"]


def test_an_interpreter_ends_with_an_executor_at_work(tmp_path: Path) -> None:
    printed = run(
        "import failstop, threading\n"
        "def act(attempt):\n"
        "    attempt.wait_cancelled()\n"
        "    while True: attempt.wait_cancelled(); threading.Event().wait()\n"
        "policy = {'timeout': {'timeout_per_action_ms': 50, 'grace_ms': 0}}\n"
        "engine = failstop.Engine(executor=act, policy=policy)\n"
        "print(engine.execute({'action': 'ACT'}, run_id='r', step=0).reason_code)\n",
        tmp_path,
    )
    assert printed.split() == ["timeout"]


def test_an_engine_whose_executor_refers_to_it_is_collected(tmp_path: Path) -> None:
    class Service:
        def __init__(self) -> None:
            self.engine = failstop.Engine(ledger={"path": tmp_path / "failstop.db"}, executor=self.act)

        def act(self, _attempt: Attempt) -> bool:
            return True

    service = Service()
    assert service.engine.execute(ACT, run_id="r", step=0).status == "success"
    kept = weakref.ref(service.engine)
    del service
    gc.collect()
    assert kept() is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="skipped: CPython 3.12 warns of any fork beside threads")
def test_a_child_that_comes_back_from_an_executor_hears_that_the_engine_is_not_its_own(tmp_path: Path) -> None:
    printed = run(
        "import failstop, os\n"
        "@failstop.executor(inline=True)\n"
        "def fork(attempt):\n"
        "    global child\n"
        "    child = os.fork()\n"
        "    return True\n"
        "engine = failstop.Engine(executor=fork)\n"
        "try:\n"
        "    status = engine.execute({'action': 'ACT'}, run_id='r', step=0).status\n"
        "except failstop.UsageError as error:\n"
        "    os.write(1, (error.code + ' ').encode())\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(status)\n",
        tmp_path,
    )
    assert printed.split() == ["engine_forked", "success"]
