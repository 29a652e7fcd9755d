"""The promises of the reference, and ours beside them, as seen by a caller with look-alikes of the contract's types."""

from __future__ import annotations

import dataclasses
import logging
import pickle
from types import SimpleNamespace
from typing import Any

import failstop
import pytest
from execution_orchestration_core.model import ExecutionReport, ExecutionStatus
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import (
    ExecutionPolicy,
    IdempotencyPolicy,
    RetryPolicy,
    TimeoutPolicy,
)
from execution_orchestration_core.trace import add_execution_trace
from hypothesis import given
from hypothesis import strategies as st
from support import Action, FinalDecision, Scripted, decision, policy

SECRET = "hunter2-canary"
scripts = st.lists(st.sampled_from(["ok", "reject", "raise"]), max_size=8)


def native(report: ExecutionReport) -> failstop.Report:
    """The full report, which every report of ``execute`` has."""
    assert report.native is not None
    return report.native


def with_keys(**fields: Any) -> ExecutionPolicy:
    return policy(idempotency=IdempotencyPolicy(enabled=True), **fields)


# INV-EXE-1: deterministic


@given(script=scripts, max_retries=st.integers(0, 5), enforce_timeouts=st.booleans())
def test_inv_exe_1_the_same_executor_is_called_the_same_and_ends_the_same(
    script: list[str], max_retries: int, enforce_timeouts: bool
) -> None:
    def once() -> tuple[int, list[Any], dict[str, Any]]:
        executor = Scripted(script)
        report = execute(
            decision(), {"now_ms": 5}, policy(max_retries), executor, enforce_timeouts=enforce_timeouts
        )
        told = [(a.attempt_number, a.status, a.error_type, a.error_code) for a in report.attempts]
        external = report.to_external_dict()
        external.pop("exec.total_latency_ms")
        return len(executor.calls), told, external

    assert once() == once()


# INV-EXE-2: bounded


@given(script=scripts, max_retries=st.integers(0, 5))
def test_inv_exe_2_attempts_are_bounded_and_all_of_them_recorded(
    script: list[str], max_retries: int
) -> None:
    executor = Scripted(script)
    report = execute(decision(), {}, policy(max_retries), executor, enforce_timeouts=False)
    assert 1 <= len(executor.calls) <= max_retries + 1
    assert [attempt.attempt_number for attempt in report.attempts] == list(range(len(executor.calls)))
    assert report.success_count + report.failed_count == len(report.attempts)
    assert report.success_count <= 1


def test_inv_exe_2_no_attempt_follows_a_wait_that_would_pass_the_total_time() -> None:
    some_policy = ExecutionPolicy(
        retry=RetryPolicy(max_retries=9, initial_backoff_ms=60_000, max_backoff_ms=60_000),
        timeout=TimeoutPolicy(timeout_per_action_ms=5_000, max_total_time_ms=5_000),
    )
    executor = Scripted(["reject"] * 10)
    report = execute(decision(), {}, some_policy, executor)
    assert len(executor.calls) == 1
    assert native(report).reason_code == "total_timeout"
    assert native(report).outcome == "not_executed"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("retry.max_retries", -1),
        ("retry.max_retries", 101),
        ("retry.backoff_multiplier", float("nan")),
        ("timeout.max_total_time_ms", -5),
        ("timeout.timeout_per_action_ms", "5000"),
        ("max_concurrency", 0),
        ("idempotency.key_generator", SECRET),
    ],
)
def test_inv_exe_2_a_policy_out_of_range_is_refused_by_its_path(path: str, value: Any) -> None:
    some_policy = ExecutionPolicy()
    *parents, name = path.split(".")
    part: Any = some_policy
    for parent in parents:
        part = getattr(part, parent)
    setattr(part, name, value)
    executor = Scripted()
    with pytest.raises(failstop.UsageError) as refused:
        execute(decision(), {}, some_policy, executor)
    assert refused.value.code == "policy_invalid"
    assert path in str(refused.value)
    assert SECRET not in str(refused.value)
    assert executor.calls == []


# INV-EXE-3: fail-closed


def test_inv_exe_3_an_exception_is_a_failure_that_names_its_class_alone() -> None:
    report = execute(decision(), {}, policy(0), Scripted(["raise"]))
    (attempt,) = report.attempts
    assert attempt.status is ExecutionStatus.FAILED
    assert (attempt.error_type, attempt.error_code) == ("RuntimeError", "execution_exception")
    assert attempt.error_message is None
    assert report.fail_closed
    assert native(report).outcome == "unknown"


@pytest.mark.parametrize("answer", [None, True, (True,), (True, None, None), {}])
def test_inv_exe_3_an_answer_of_another_shape_is_no_success(answer: Any) -> None:
    def executor(_action: Any, _context: dict[str, Any]) -> Any:
        return answer

    report = execute(decision(), {}, policy(0), executor)
    assert report.success_count == 0
    assert report.fail_closed


@pytest.mark.parametrize(
    "unreadable",
    [
        None,
        "ACT",
        {},
        {"action": "act"},
        {"action": "ACT", "unknown": 1},
        {"action": "ACT", "allowed": "yes"},
        SimpleNamespace(action="ACT"),
        SimpleNamespace(action="JUMP", allowed=True),
        SimpleNamespace(action=Action.ACT, allowed="yes"),
        SimpleNamespace(action=Action.ACT, allowed=True, throttle_ms=-1),
    ],
)
def test_inv_exe_3_what_is_no_decision_is_denied(unreadable: Any) -> None:
    executor = Scripted()
    report = execute(unreadable, {}, policy(), executor)
    assert executor.calls == []
    assert (report.denied_count, report.fail_closed) == (1, True)
    assert native(report).reason_code == "input_invalid"


def test_a_refused_decision_is_skipped_and_not_failed() -> None:
    executor = Scripted()
    report = execute(decision(allowed=False), {}, policy(), executor)
    assert executor.calls == []
    assert (report.skipped_count, report.denied_count, report.fail_closed) == (1, 0, False)


# INV-EXE-4: the kill switch


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize(
    "context",
    [
        {"ops_deny_actions": True},
        {"ops_deny_actions": 1},
        {"ops_deny_actions": "no"},
        {"ops_deny_actions": []},
        {"ops_state": "RED"},
        {"ops_cooldown_until_ms": 10, "now_ms": 9},
        {"ops_cooldown_until_ms": 10},
    ],
)
def test_inv_exe_4_the_kill_switch_comes_before_anything_else(context: dict[str, Any], allowed: bool) -> None:
    executor = Scripted()
    report = execute(decision(allowed=allowed), context, policy(), executor)
    assert executor.calls == []
    assert (report.denied_count, report.skipped_count, report.attempts) == (1, 0, [])
    assert native(report).reason_code == "gate_stopped"


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"ops_deny_actions": False},
        {"ops_deny_actions": None},
        {"ops_state": "GREEN"},
        {"ops_cooldown_until_ms": 10, "now_ms": 10},
        {"ops_cooldown_until_ms": None},
    ],
)
def test_inv_exe_4_a_kill_switch_that_is_off_stops_nothing(context: dict[str, Any]) -> None:
    assert execute(decision(), context, policy(), Scripted()).success_count == 1


# INV-EXE-5 and INV-EXE-SEC-1: secrets


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise AssertionError("nobody has to ask for the text of an exception")

    __repr__ = __str__


def surfaces(report: ExecutionReport) -> str:
    """All that can be shown of a report."""
    full = native(report)
    shown = [report, dataclasses.asdict(report), report.to_external_dict(), pickle.dumps(report)]
    return "".join(map(repr, [*shown, full, full.to_dict(), full.to_json(), full.attempts, full.external]))


@pytest.mark.parametrize("enforce_timeouts", [True, False])
@pytest.mark.parametrize("how", ["message", "exception", "name of the exception"])
def test_inv_exe_5_no_secret_of_an_executor_is_shown(
    how: str, enforce_timeouts: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def executor(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
        if how == "message":
            return False, SECRET
        if how == "exception":
            raise ValueError(SECRET)
        raise type(SECRET, (Exception,), {})()

    context = {"api_token": SECRET}
    with caplog.at_level(logging.DEBUG):
        report = execute(decision(), context, policy(1), executor, enforce_timeouts=enforce_timeouts)
    assert len(report.attempts) == 2
    out, err = capfd.readouterr()
    assert SECRET not in surfaces(report) + caplog.text + out + err


def test_inv_exe_sec_1_the_text_of_an_exception_is_never_asked_for() -> None:
    def executor(_action: Any, _context: dict[str, Any]) -> tuple[bool, str | None]:
        raise Unspeakable

    report = execute(decision(), {}, policy(0), executor)
    assert report.attempts[0].error_type == "Unspeakable"


def test_inv_exe_5_an_unreadable_decision_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        report = execute({"action": "ACT", SECRET: SECRET}, {}, policy(), Scripted())
    assert SECRET not in surfaces(report) + caplog.text


# Keys


@pytest.mark.parametrize("given_as", [dataclasses.asdict, lambda final: final])
def test_every_attempt_of_an_execution_has_its_key(given_as: Any) -> None:
    report = execute(given_as(decision(params={"x:id": 1})), {"now_ms": 5}, with_keys(), Scripted(["reject", "ok"]))
    first, second = (attempt.idempotency_key for attempt in report.attempts)
    assert first is not None
    assert first == second == native(report).idempotency_key


def key_of(final: FinalDecision, context: dict[str, Any], **identity: Any) -> str | None:
    return native(execute(final, context, with_keys(), Scripted(), **identity)).idempotency_key


def test_the_same_decision_has_the_same_key_and_another_another() -> None:
    key = key_of(decision(params={"x:id": 1}), {"now_ms": 5})
    assert key == key_of(decision(params={"x:id": 1}), {"now_ms": 5, "ops_state": "GREEN"})
    others = [
        key_of(decision(params={"x:id": 2}), {"now_ms": 5}),
        key_of(decision(Action.EXIT, params={"x:id": 1}), {"now_ms": 5}),
        key_of(decision(params={"x:id": 1}), {"now_ms": 6}),
        key_of(decision(params={"x:id": 1}), {"now_ms": 5}, run_id="r", step=1),
        key_of(decision(params={"x:id": 1}), {"now_ms": 5}, tenant="t"),
    ]
    assert len({key, *others}) == 6


def test_a_key_that_the_caller_gives_is_the_key() -> None:
    assert key_of(decision(), {}, idempotency_key="k-1") == "k-1"


def test_a_decision_without_identity_has_no_key_and_is_denied() -> None:
    executor = Scripted()
    report = execute(decision(), {}, with_keys(), executor)
    assert executor.calls == []
    assert native(report).reason_code == "idempotency_key_missing"
    assert execute(decision(), {}, with_keys(), executor, run_id="r", step=0).success_count == 1


def test_without_idempotency_there_is_no_key() -> None:
    report = execute(decision(), {"now_ms": 5}, policy(), Scripted())
    assert report.attempts[0].idempotency_key is None


# INV-T1: trace keys


@given(script=scripts, denied=st.booleans(), allowed=st.booleans())
def test_inv_t1_the_trace_has_registered_keys_alone(script: list[str], denied: bool, allowed: bool) -> None:
    context = {"ops_deny_actions": denied}
    report = execute(decision(allowed=allowed), context, policy(1), Scripted(script), enforce_timeouts=False)
    external = add_execution_trace({"now_ms": 5}, report)
    assert failstop.validate_external_dict(external, require_registry_for_prefixes=["exec"]) == []
    assert len(external) == 8
    assert native(report).external == report.to_external_dict()


# The executor and the report


@pytest.mark.parametrize("enforce_timeouts", [True, False])
def test_the_executor_is_given_the_very_objects_of_the_caller(enforce_timeouts: bool) -> None:
    final, context, executor = decision(), {"domain:thing": object()}, Scripted()
    report = execute(final, context, policy(), executor, enforce_timeouts=enforce_timeouts)
    ((action, given_context),) = executor.calls
    assert action is final.action
    assert given_context is context
    assert report.attempts[0].action is final.action


def test_a_report_is_of_the_reference_class_and_may_be_changed() -> None:
    report = execute(decision(), {}, policy(), Scripted())
    assert type(report) is ExecutionReport
    report.denied_count += 1
    report.attempts.append(report.attempts[0])
    assert report.to_external_dict()["exec.attempt_count"] == 2
    assert execute(decision(), {}, policy(), Scripted()).denied_count == 0
