"""The reference's `execute` with an engine behind it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from execution_orchestration_core.orchestrator import execute, use_engine
from execution_orchestration_core.policies import IdempotencyPolicy
from failstop import Engine, UsageError
from support import Scripted, decision, policy

PATIENCE_S = 60.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(ledger={"path": tmp_path / "failstop.db"}) as engine:
        yield engine


@pytest.fixture
def default_engine(engine: Engine) -> Iterator[Engine]:
    use_engine(engine)
    yield engine
    use_engine(None)


def keyed(**fields: Any) -> Any:
    return policy(idempotency=IdempotencyPolicy(enabled=True), **fields)


def test_inv_fs_1_a_key_that_was_executed_is_replayed_and_not_repeated(engine: Engine) -> None:
    executor = Scripted()
    reports = [
        execute(decision(), {}, keyed(), executor, engine=engine, run_id="nightly", step=1) for _ in range(3)
    ]
    assert len(executor.calls) == 1
    assert [report.success_count for report in reports] == [1, 1, 1]
    assert [report.native.replayed for report in reports if report.native] == [False, True, True]


def test_an_exception_leaves_the_key_in_doubt_and_nothing_repeats_it(engine: Engine) -> None:
    executor = Scripted(["raise"])
    for _ in range(2):
        report = execute(decision(), {}, keyed(), executor, engine=engine, idempotency_key="payout-1")
        assert report.fail_closed
    assert len(executor.calls) == 1
    assert report.native is not None
    assert (report.native.reason_code, report.native.outcome) == ("in_doubt", "unknown")


def test_one_line_guards_calls_that_name_no_engine(default_engine: Engine) -> None:
    executor = Scripted()
    for _ in range(2):
        execute(decision(), {"now_ms": 5}, keyed(), executor)
    assert len(executor.calls) == 1
    assert not default_engine.closed


def test_keys_that_nothing_would_guard_are_misuse() -> None:
    with (
        Engine(policy={"idempotency": {"enabled": False}}, ledger={"kind": "memory"}) as without_keys,
        pytest.raises(UsageError, match="ledger") as raised,
    ):
        execute(decision(), {"now_ms": 5}, keyed(), Scripted(), engine=without_keys)
    assert raised.value.code == "policy_invalid"


def test_a_closed_engine_guards_nothing_and_says_so(engine: Engine) -> None:
    engine.close()
    with pytest.raises(UsageError) as raised:
        execute(decision(), {"now_ms": 5}, keyed(), Scripted(), engine=engine)
    assert raised.value.code == "engine_closed"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_leaves_the_key_in_doubt(engine: Engine, kind: type[BaseException]) -> None:
    def interrupted(_action: Any, _context: Any) -> tuple[bool, str | None]:
        raise kind

    with pytest.raises(kind):
        execute(decision(), {}, keyed(), interrupted, engine=engine, idempotency_key="key")
    report = execute(decision(), {}, keyed(), Scripted(), engine=engine, idempotency_key="key")
    assert report.native is not None
    assert report.native.reason_code == "in_doubt"


def test_inv_fs_1_a_process_killed_inside_its_executor_leaves_the_key_in_doubt(tmp_path: Path) -> None:
    path = tmp_path / "failstop.db"
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"""
import os, signal
from types import SimpleNamespace
from failstop import Engine
from execution_orchestration_core.orchestrator import execute
from execution_orchestration_core.policies import *
policy = ExecutionPolicy(idempotency=IdempotencyPolicy(enabled=True))
def die(action, context):
    os.kill(os.getpid(), signal.SIGKILL)
with Engine(ledger={{"path": {str(path)!r}}}) as engine:
    execute(SimpleNamespace(action="ACT", allowed=True), {{}}, policy, die, engine=engine, idempotency_key="key")
""",
        ],
        timeout=PATIENCE_S,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    executor = Scripted()
    with Engine(ledger={"path": path}) as engine:
        report = execute(decision(), {}, keyed(), executor, engine=engine, idempotency_key="key")
    assert report.native is not None
    assert (report.native.reason_code, report.native.outcome) == ("in_doubt", "unknown")
    assert executor.calls == []
