"""The ledger from Python: what outlives a process, what is repeated, and what can be said of a key."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import failstop
import pytest
from failstop import Attempt, Engine, LedgerError, ResolveError

ACT = {"action": "ACT"}
SECRET = "hunter22-4711"


def on(tmp_path: Path, executor: Any, **sections: Any) -> Engine:
    return Engine(ledger={"path": tmp_path / "failstop.db"}, executor=executor, **sections)


def never(attempt: Attempt) -> bool:
    raise AssertionError("nothing may start")


def start(script: str, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True)


def killed_in_an_executor(tmp_path: Path) -> None:
    """Leaves the key k-1 to a process that was killed in its executor."""
    script = (
        "import failstop, os, time\n"
        "def act(attempt):\n"
        "    print('in it', flush=True)\n"
        "    time.sleep(600)\n"
        "failstop.Engine(executor=act).execute({'action': 'ACT'}, idempotency_key='k-1')\n"
    )
    with start(script, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in it\n"
        process.send_signal(signal.SIGKILL)


def test_inv_fs_1_a_process_killed_in_an_executor_leaves_doubt_that_nobody_repeats(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed_in_an_executor(tmp_path)
    with caplog.at_level(logging.WARNING, "failstop"), on(tmp_path, never) as engine:
        assert "keys in doubt, left by a process that died: 1" in caplog.text
        report = engine.execute(ACT, idempotency_key="k-1")
        assert (report.status, report.outcome, report.reason_code) == ("failed", "unknown", "in_doubt")
        assert report.replayed
        assert [entry["key"] for entry in engine.ledger.list("IN_DOUBT")] == ["k-1"]
        assert engine.ledger.status()["in_doubt"] == 1
        resolved = engine.ledger.resolve("k-1", applied=True, reason="seen at the bank", who="ada", evidence="T-7")
        assert resolved.outcome == "executed"
        again = engine.execute(ACT, idempotency_key="k-1")
        assert (again.status, again.replayed) == ("success", True)
        assert engine.audit_verify()["clean"]


def test_what_was_resolved_as_not_applied_may_run_again(tmp_path: Path) -> None:
    killed_in_an_executor(tmp_path)
    attempts: list[int] = []

    def act(attempt: Attempt) -> bool:
        attempts.append(attempt.attempt_number)
        return True

    with on(tmp_path, act) as engine:
        assert engine.ledger.resolve("k-1", applied=False, reason="never got there").outcome == "not_executed"
        assert engine.execute(ACT, idempotency_key="k-1").status == "success"
        assert engine.audit_verify()["clean"]
    assert attempts == [1]


def test_inv_fs_1_two_processes_at_once_have_one_effect_for_each_key(tmp_path: Path) -> None:
    script = (
        "import failstop, os, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "effects = os.open('effects', os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
        "def act(attempt):\n"
        "    os.write(effects, attempt.idempotency_key.encode() + b'\\n')\n"
        "    return True\n"
        "engine = failstop.Engine(executor=act)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "with ThreadPoolExecutor(8) as threads:\n"
        "    calls = [threads.submit(engine.execute, {'action': 'ACT'}, idempotency_key=f'k-{n}') for n in range(200)]\n"
        "    for call in calls:\n"
        "        print(call.result().reason_code)\n"
        "engine.close()\n"
    )
    on(tmp_path, never).close()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = [process.communicate("go\n", timeout=120)[0].split() for process in processes]
    assert sorted((tmp_path / "effects").read_text().split()) == sorted(f"k-{n}" for n in range(200))
    for codes in told:
        assert len(codes) == 200
        assert set(codes) <= {"None", "idempotency_in_progress"}
    with on(tmp_path, never) as engine:
        assert engine.ledger.status()["succeeded"] == 200
        assert engine.audit_verify()["clean"]


def test_what_is_known_of_a_key_is_told(tmp_path: Path) -> None:
    with on(tmp_path, lambda attempt: failstop.applied({"receipt": 7})) as engine:
        report = engine.execute(ACT, idempotency_key="k-1")
        engine.execute({"action": "HOLD"}, idempotency_key="k-2")
        assert [entry["key"] for entry in engine.ledger.list()] == ["k-1", "k-2"]
        assert engine.ledger.list("FAILED") == []
        shown = engine.ledger.show("k-1")
        assert shown is not None
        assert (shown["state"], shown["report"]) == ("SUCCEEDED", report.to_dict())
        assert [event["kind"] for event in shown["events"]] == ["started", "succeeded"]
        assert engine.ledger.show("k-3") is None
        assert engine.ledger.flush()
        with pytest.raises(failstop.UsageError):
            engine.ledger.list("DONE")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "reason", "code"),
    [
        ("k-2", "r", "resolve_unknown_key"),
        ("k-1", "r", "resolve_not_in_doubt"),
        ("k-1", " ", "resolve_reason_missing"),
    ],
)
def test_what_cannot_be_resolved_is_refused(tmp_path: Path, key: str, reason: str, code: str) -> None:
    with on(tmp_path, lambda attempt: True) as engine:
        engine.execute(ACT, idempotency_key="k-1")
        with pytest.raises(ResolveError) as refused:
            engine.ledger.resolve(key, applied=True, reason=reason)
        assert refused.value.code == code


def test_a_ledger_in_memory_has_nothing_to_be_looked_at() -> None:
    with Engine(ledger={"kind": "memory"}) as engine:
        for look in (
            engine.ledger.list,
            engine.ledger.status,
            engine.audit_verify,
            lambda: engine.ledger.show("k-1"),
            lambda: engine.ledger.resolve("k-1", applied=True, reason="r"),
        ):
            with pytest.raises(LedgerError) as refused:
                look()
            assert refused.value.code == "ledger_in_memory"
        assert engine.ledger.flush()


def test_an_audit_finds_what_was_edited_and_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "failstop.db"
    with on(tmp_path, lambda attempt: True) as engine:
        engine.execute(ACT, idempotency_key="k-1")
        kept = engine.audit_verify()["head"]
        assert engine.audit_verify(checkpoint=kept)["clean"]
        assert engine.audit_verify(checkpoint=[kept, json.dumps(kept)])["clean"]
    # Elsewhere: two copies of SQLite in one process do not see each other's locks.
    edit = (
        "import sqlite3\n"
        "with sqlite3.connect('failstop.db') as ledger:\n"
        "    ledger.execute(\"UPDATE executions SET state = 'FAILED'\")\n"
    )
    subprocess.run([sys.executable, "-c", edit], cwd=tmp_path, check=True, timeout=60)
    assert codes(failstop.audit_verify(path)) == ["audit_column"]
    elsewhere = {**kept, "head": "0" * 64}
    assert "audit_checkpoint_differs" in codes(failstop.audit_verify(path, checkpoint=elsewhere))
    for misuse in ("{}", {"seq": 1}, 5, ["x"]):
        with pytest.raises(failstop.UsageError) as refused:
            failstop.audit_verify(path, checkpoint=misuse)  # type: ignore[arg-type]
        assert refused.value.code == "audit_checkpoint_unreadable"
    with pytest.raises(LedgerError) as missing:
        failstop.audit_verify(tmp_path / "none.db")
    assert missing.value.code == "ledger_missing"


def codes(audited: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in audited["findings"]]




def test_inv_exe_5_no_secret_is_in_any_report_log_or_byte_of_the_ledger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    leaking = type("E" + SECRET.replace("-", "_"), (Exception,), {})

    def act(attempt: Attempt) -> Any:
        match attempt.step:
            case 0:
                return failstop.applied({"echo": f"said {SECRET}", "token": SECRET, SECRET: 1})
            case 1:
                raise leaking(SECRET)
            case 2:
                return failstop.rejected(SECRET)
            case 3:
                return False, SECRET
            case _:
                raise ValueError(SECRET)

    secret_under_score = SECRET.replace("-", "_")
    params = {"password": SECRET, "api_key": secret_under_score}
    with caplog.at_level(logging.DEBUG), on(tmp_path, act, policy={"retry": {"initial_backoff_ms": 0}}) as engine:
        for step in range(5):
            decision = {"action": "ACT", "params": params}
            report = engine.execute(decision, {"shop:token": SECRET}, run_id="r", step=step, tenant=SECRET)
            said += [report.to_json(), repr(report), repr(report.to_dict())]
        refused = engine.execute({"action": SECRET, SECRET: SECRET}, {SECRET: float("nan")}, tenant=SECRET)
        said += [refused.to_json(), repr(refused), json.dumps(engine.ledger.list())]
        said += [json.dumps(engine.ledger.show(entry["key"])) for entry in engine.ledger.list()]
        engine.gate.stop(f"password={SECRET} Bearer {SECRET}")
        with pytest.raises(failstop.ConfigError) as wrong:
            Engine({"executor": {"kind": SECRET, SECRET: SECRET}, "ledger": {"kind": SECRET}})
        said.append(str(wrong.value))
    for text in [*said, caplog.text]:
        assert SECRET not in text
        assert secret_under_score not in text
    for file in sorted(tmp_path.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            assert SECRET.encode() not in content, file.name
            assert secret_under_score.encode() not in content, file.name
