"""Reports and attempts are plain data, as the reference's are."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle

import pytest
from execution_orchestration_core.model import (
    ExecutionAttempt,
    ExecutionPlan,
    ExecutionReport,
    ExecutionStatus,
)
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.trace import add_execution_trace
from execution_orchestration_core.version import __version__
from support import Action, Scripted, decision, policy

SEVEN_KEYS = [
    "exec.total_latency_ms",
    "exec.success_count",
    "exec.failed_count",
    "exec.skipped_count",
    "exec.denied_count",
    "exec.fail_closed",
    "exec.attempt_count",
]


def attempt() -> ExecutionAttempt:
    return ExecutionAttempt(Action.ACT, ExecutionStatus.SUCCESS, attempt_number=0, latency_ms=4)


def test_statuses_are_their_words() -> None:
    assert [status.value for status in ExecutionStatus] == ["success", "failed", "skipped", "denied"]
    assert "denied" in list(ExecutionStatus)
    assert ExecutionStatus("failed") is ExecutionStatus.FAILED


def test_fields_and_defaults_are_the_references() -> None:
    assert str(inspect.signature(ExecutionReport)).count("=") == 7
    assert dataclasses.asdict(ExecutionReport()) == {
        "attempts": [],
        "total_latency_ms": 0,
        "success_count": 0,
        "failed_count": 0,
        "skipped_count": 0,
        "denied_count": 0,
        "fail_closed": False,
    }
    assert dataclasses.asdict(attempt()) == {
        "action": Action.ACT,
        "status": ExecutionStatus.SUCCESS,
        "attempt_number": 0,
        "latency_ms": 4,
        "error_type": None,
        "error_code": None,
        "error_message": None,
        "idempotency_key": None,
    }
    plan = ExecutionPlan([Action.ACT], 3, 30_000, 5_000)
    assert plan.idempotency_enabled is False


def test_two_reports_share_nothing() -> None:
    first, second = ExecutionReport(), ExecutionReport()
    first.attempts.append(attempt())
    assert second.attempts == []


def test_a_report_has_exactly_the_seven_trace_keys() -> None:
    report = ExecutionReport([attempt()], 9, success_count=1)
    assert list(report.to_external_dict()) == SEVEN_KEYS
    assert list(report.to_external_dict().values()) == [9, 1, 0, 0, 0, False, 1]


@pytest.mark.parametrize("external", [None, {}, {"now_ms": 1, "exec.denied_count": 8}])
def test_a_trace_is_added_to_a_copy(external: dict[str, object] | None) -> None:
    before = copy.deepcopy(external)
    traced = add_execution_trace(external, ExecutionReport())
    assert external == before
    assert traced["exec.denied_count"] == 0
    assert {*traced} == {*(external or {}), *SEVEN_KEYS}


def test_the_native_report_behind_one_is_no_part_of_its_value() -> None:
    report, behind = ExecutionReport(denied_count=1), object()
    report._native = behind  # type: ignore[assignment]  # as the extension sets it
    assert report.native is behind
    assert report == ExecutionReport(denied_count=1)
    assert "_native" not in repr(report)
    assert "_native" not in dataclasses.asdict(report)


def test_copies_and_pickles_leave_the_native_report_behind() -> None:
    report = ExecutionReport([attempt()], denied_count=1)
    # Nothing that could be copied or pickled.
    report._native = (line for line in "x")  # type: ignore[assignment]
    for same in [copy.copy(report), copy.deepcopy(report), pickle.loads(pickle.dumps(report))]:
        assert same == report
        assert same.native is None


def test_a_report_made_by_hand_has_no_native_one() -> None:
    assert ExecutionReport().native is None


def test_the_native_report_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        setattr(ExecutionReport(), "native", object())  # noqa: B010


def test_the_version_is_that_of_the_interface() -> None:
    assert __version__ == "0.1.0"


def test_the_full_report_stands_in_no_view_of_the_fields() -> None:
    report = execute(decision(), {}, policy(), Scripted())
    assert report.native is not None
    assert vars(report).keys() == {field.name for field in dataclasses.fields(report)}
    assert report == dataclasses.replace(report)
    assert pickle.loads(pickle.dumps(report)) == report
    assert copy.deepcopy(report).native is None
