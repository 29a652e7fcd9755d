"""What the reference answered is answered here: see the vectors' README for what must agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

import failstop
import pytest
from execution_orchestration_core.model import ExecutionAttempt, ExecutionReport
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import RetryPolicy
from execution_orchestration_core.trace import add_execution_trace
from support import Action, FinalDecision, Scripted, policy, vectors


def test_backoff_agrees_with_the_reference() -> None:
    compared = 0
    for given, expected in vectors("backoff"):
        assert RetryPolicy(**given["retry"]).backoff_ms(given["attempt_number"]) == expected, given
        compared += 1
    assert compared == 100


def as_an_object(fields: dict[str, Any]) -> Any:
    return FinalDecision(**{**fields, "action": Action(fields["action"])})


def as_a_dict(fields: dict[str, Any]) -> Any:
    return fields


def last_attempt(report: ExecutionReport) -> dict[str, Any] | None:
    if not report.attempts:
        return None
    attempt: ExecutionAttempt = report.attempts[-1]
    return {
        "action": str(getattr(attempt.action, "value", attempt.action)),
        "status": attempt.status.value,
        "attempt_number": attempt.attempt_number,
        "error_type": attempt.error_type,
        "error_code": attempt.error_code,
    }


@pytest.mark.parametrize("enforce_timeouts", [True, False])
@pytest.mark.parametrize("given_as", [as_an_object, as_a_dict])
def test_execute_agrees_with_the_reference(given_as: Any, enforce_timeouts: bool) -> None:
    compared = 0
    for given, expected in vectors("execute"):
        executor = Scripted(given["executor_script"])
        some_policy = policy(max_retries=given["max_retries"])
        some_policy.retry.initial_backoff_ms = given["initial_backoff_ms"]
        report = execute(
            given_as(given["decision"]),
            given["context"],
            some_policy,
            executor,
            enforce_timeouts=enforce_timeouts,
        )
        answered = {
            "executor_calls": len(executor.calls),
            "success_count": report.success_count,
            "skipped_count": report.skipped_count,
            "denied_count": report.denied_count,
            "fail_closed": report.fail_closed,
            "last_attempt": last_attempt(report),
            "trace_keys": sorted(add_execution_trace({"now_ms": 1}, report)),
        }
        assert answered == expected, given
        compared += 1
    assert compared == 80


def test_packets_with_a_trace_agree_with_the_reference() -> None:
    compared = 0
    for given, expected in vectors("packet_trace"):
        packet = failstop.packet_to_dict(given["packet"])
        packet["external"] = add_execution_trace(packet["external"], ExecutionReport(**given["report"]))
        # The reference leaves the version out where it is the default.
        expected.setdefault("schema_version", "0.2.2")
        assert packet == expected
        compared += 1
    assert compared == 20


def test_keys_are_judged_as_by_the_reference() -> None:
    """INV-T1. The order in which the reference met the keys is lost in the vectors: errors are compared without it."""
    compared = 0
    for given, expected in vectors("trace_keys"):
        errors = failstop.validate_external_dict(
            given["external"],
            mode=given["mode"],
            require_registry_for_prefixes=given["require_registry_for_prefixes"],
        )
        assert Counter(errors) == Counter(expected["errors"]), given
        for key in given["external"]:
            assert failstop.is_valid_trace_key(key) == expected["valid_trace_key"][key]
            assert failstop.is_valid_context_key(key) == expected["valid_context_key"][key]
        compared += 1
    assert compared == 80
