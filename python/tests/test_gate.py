"""The gate from Python: what a stop reaches, what it says of it, and how it is released."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import failstop
import pytest
from command_line import failstop as command
from failstop import Attempt, Engine, GateError, UsageError

ACT = {"action": "ACT"}
PATIENCE_S = 60.0


def ledgers(tmp_path: Path) -> list[dict[str, Any]]:
    return [{"kind": "memory"}, {"path": tmp_path / "failstop.db"}]


class Waiting:
    """An executor that waits to be told."""

    def __init__(self) -> None:
        self.began = threading.Event()

    def __call__(self, attempt: Attempt) -> failstop.Answer:
        self.began.set()
        assert attempt.wait_cancelled(PATIENCE_S)
        return failstop.not_applied("told")


def test_inv_exe_4_nothing_starts_after_a_stop_until_it_is_released(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        with Engine(ledger=ledger, executor=lambda attempt: True) as engine:
            stopped = engine.gate.stop("wrong target")
            assert (stopped["confirmed"], stopped["level"], stopped["changed"]) == (True, "stop", True)
            assert engine.gate.level() == engine.gate.level("ACT") == "stop"
            denied = engine.execute(ACT, run_id="r", step=0)
            assert (denied.status, denied.reason_code, denied.attempts) == ("denied", "gate_stopped", [])
            entry = engine.gate.status()[0]
            assert (entry["scope"], entry["level"], entry["reason"]) == ("global", "stop", "wrong target")
            assert entry["epoch"] == stopped["epoch"]
            assert engine.gate.release("repaired", epoch=stopped["epoch"]) > stopped["epoch"]
            assert engine.gate.level() == "run"
            assert engine.gate.status()[0]["level"] == "run"


def test_a_release_of_another_stop_is_refused(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        with Engine(ledger=ledger, executor=lambda attempt: True) as engine:
            epoch = engine.gate.stop("wrong target")["epoch"]
            for reason, named in [("repaired", epoch - 1), (" ", epoch)]:
                with pytest.raises(GateError) as refused:
                    engine.gate.release(reason, epoch=named)
                assert refused.value.code == "release_refused"
            assert engine.gate.level() == "stop"


def test_a_scope_stops_its_action_alone(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        with Engine(ledger=ledger, executor=lambda attempt: True) as engine:
            engine.gate.stop("maintenance", level="drain", scope="action:ACT")
            assert (engine.gate.level("ACT"), engine.gate.level("HOLD"), engine.gate.level()) == ("drain", "run", "run")
            assert engine.execute(ACT, run_id="r", step=0).reason_code == "gate_stopped"
            assert engine.execute({"action": "HOLD"}, run_id="r", step=0).status == "success"


def test_a_stop_that_is_there_already_changes_nothing(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        with Engine(ledger=ledger) as engine:
            first, again = engine.gate.stop("one"), engine.gate.stop("two")
            assert (again["changed"], again["epoch"]) == (False, first["epoch"])


def in_flight(engine: Engine, executor: Waiting, threads: ThreadPoolExecutor) -> Future[failstop.Report]:
    call = threads.submit(engine.execute, ACT, None, idempotency_key="k-1")
    assert executor.began.wait(PATIENCE_S)
    return call


def test_a_stop_reaches_an_executor_at_work_and_says_so(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        executor = Waiting()
        with Engine(ledger=ledger, executor=executor) as engine, ThreadPoolExecutor(1) as threads:
            call = in_flight(engine, executor, threads)
            stopped = engine.gate.stop("wrong target")
            report = call.result(PATIENCE_S)
            assert (report.reason_code, report.attempts[0]["stopped"]) == ("stopped_in_flight", "confirmed")
            assert stopped["confirmed"]
            if ledger.get("path"):
                assert stopped["executions"] == [{"key": "k-1", "attempt": 0, "orphan": False, "reach": "confirmed"}]


def test_a_stop_does_not_call_confirmed_what_still_runs(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        began, release = threading.Event(), threading.Event()

        def deaf(attempt: Attempt, began: threading.Event = began, release: threading.Event = release) -> bool:
            began.set()
            return release.wait(PATIENCE_S)

        policy = {"timeout": {"grace_ms": 0}}
        with Engine(ledger=ledger, policy=policy, executor=deaf) as engine, ThreadPoolExecutor(1) as threads:
            call = threads.submit(engine.execute, ACT, None, idempotency_key="k-1")
            assert began.wait(PATIENCE_S)
            stopped = engine.gate.stop("wrong target")
            assert not stopped["confirmed"]
            if ledger.get("path"):
                assert [one["reach"] for one in stopped["executions"]] == ["unconfirmed"]
            report = call.result(PATIENCE_S)
            assert (report.reason_code, report.attempts[0]["stopped"]) == ("stopped_in_flight", "unconfirmed")
            release.set()


def test_a_drain_lets_what_runs_go_on(tmp_path: Path) -> None:
    for ledger in ledgers(tmp_path):
        began, release = threading.Event(), threading.Event()

        def act(attempt: Attempt, began: threading.Event = began, release: threading.Event = release) -> bool:
            began.set()
            return release.wait(PATIENCE_S) and not attempt.is_cancelled()

        with Engine(ledger=ledger, executor=act) as engine, ThreadPoolExecutor(1) as threads:
            call = threads.submit(engine.execute, ACT, None, idempotency_key="k-1")
            assert began.wait(PATIENCE_S)
            assert engine.gate.stop("maintenance", level="drain")["confirmed"]
            release.set()
            assert call.result(PATIENCE_S).status == "success"


def test_a_stop_from_the_command_line_reaches_an_executor_of_this_process(tmp_path: Path) -> None:
    executor = Waiting()
    with (
        Engine(
            ledger={"path": tmp_path / "failstop.db"}, executor=executor, executors={"HOLD": {"kind": "noop"}}
        ) as engine,
        ThreadPoolExecutor(1) as threads,
    ):
        call = in_flight(engine, executor, threads)
        printed = command("stop", "--ledger", "failstop.db", "--reason", "wrong target", "--json", cwd=tmp_path)
        report = call.result(PATIENCE_S)
        assert (report.reason_code, report.attempts[0]["stopped"]) == ("stopped_in_flight", "confirmed")
        told = json.loads(printed)
        assert [one["reach"] for one in told["executions"]] == ["confirmed"]
        assert engine.gate.level() == "stop"
        assert engine.execute(ACT, run_id="r", step=1).reason_code == "gate_stopped"
        command("release", "--ledger", "failstop.db", "--reason", "ok", "--epoch", str(told["epoch"]), cwd=tmp_path)
        while engine.gate.level() != "run":
            threading.Event().wait(0.001)
        assert engine.execute({"action": "HOLD"}, run_id="r", step=1).status == "success"


def test_a_watched_file_stops_while_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "STOP"
    with Engine(ledger={"kind": "memory"}, gate={"file": file}, executor=lambda attempt: True) as engine:
        assert engine.gate.level() == "run"
        file.touch()
        assert engine.execute(ACT, run_id="r", step=0).reason_code == "gate_stopped"
        assert engine.gate.level() == "stop"


def test_a_gate_that_cannot_be_read_is_at_stop(tmp_path: Path) -> None:
    with Engine(ledger={"path": tmp_path / "failstop.db"}, executor=lambda attempt: True) as engine:
        (tmp_path / "failstop.db.gate").write_bytes(b"")
        assert engine.gate.level() == "stop"
        assert [entry["level"] for entry in engine.gate.status()] == ["stop"]
        assert engine.execute(ACT, run_id="r", step=0).status == "denied"
        with pytest.raises(GateError) as refused:
            engine.gate.stop("wrong target")
        assert refused.value.code == "gate_unlatched"


def test_what_cannot_be_meant_is_refused() -> None:
    with Engine(ledger={"kind": "memory"}) as engine:
        for misuse in (
            lambda: engine.gate.stop("r", level="run"),  # type: ignore[arg-type]
            lambda: engine.gate.stop("r", scope="ACT"),
            lambda: engine.gate.stop(" "),
            lambda: engine.gate.level("FLY"),
        ):
            with pytest.raises(UsageError) as refused:
                misuse()
            assert refused.value.code == "argument_invalid"
        assert engine.gate.level() == "run"
