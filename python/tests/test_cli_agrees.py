"""The Python package and the command line say the same of the same input, byte for byte but for times and ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import failstop, told
from failstop import Engine
from failstop import audit_verify as audit

CONFIG = """
[policy.retry]
initial_backoff_ms = 0
max_retries = 1
[policy.timeout]
timeout_per_action_ms = 5000
[executor]
kind = "noop"
[executors.EXIT]
kind = "command"
program = "/bin/sh"
args = ["-c", "exit 75"]
[executors.CANCEL]
kind = "command"
program = "/bin/sh"
args = ["-c", "exit 3"]
[executors.STOP]
kind = "command"
program = "/bin/sh"
args = ["-c", "cat > /dev/null; echo '{\\"effect\\": \\"applied\\", \\"output\\": {\\"token\\": \\"x\\", \\"n\\": 1.50}}'"]
"""

PROPOSAL = '{"action": "ACT", "confidence": 0.9, "reasons": ["r"], "params": {"amount": 3}}'
FRESH = '"now_ms": 1000, "last_event_ts_ms": 999'

LINES = [
    '{"decision": {"action": "ACT", "params": {"amount": 3}}, "run_id": "r", "step": 0}',
    '{"decision": {"action": "ACT", "params": {"amount": 3}}, "run_id": "r", "step": 0}',  # replayed
    '{"decision": {"action": "ACT", "params": {"amount": 4}}, "idempotency_key": "k", "tenant": "t"}',
    '{"decision": {"action": "ACT", "params": {"amount": 5}}, "idempotency_key": "k", "tenant": "t"}',  # reused
    '{"decision": {"action": "EXIT"}, "run_id": "r", "step": 1}',  # failed
    '{"decision": {"action": "CANCEL"}, "run_id": "r", "step": 2}',  # unknown
    '{"decision": {"action": "CANCEL"}, "run_id": "r", "step": 2}',  # in doubt
    '{"decision": {"action": "STOP"}, "run_id": "r", "step": 3}',  # with output
    '{"decision": {"action": "ACT"}, "context": {"ops_state": "RED"}, "run_id": "r", "step": 4}',  # denied
    '{"decision": {"action": "ACT", "allowed": false, "reasons": ["no"]}, "run_id": "r", "step": 5}',  # skipped
    '{"action": "ACT"}',  # no key
    '{"action": "FLY"}',
    '{"action": "ACT"',
    '{"action": "ACT", "action": "ACT"}',
    '{"decision": {"action": "ACT"}, "run_id": "", "step": 7}',
    '{"decision": {"action": "ACT"}, "context": {"a": 18446744073709551616}}',
    f'{{"proposal": {PROPOSAL}, "context": {{{FRESH}}}, "run_id": "p", "step": 0}}',
    f'{{"proposal": {PROPOSAL}, "context": {{"now_ms": 900000, "last_event_ts_ms": 1}}, "run_id": "p", "step": 1}}',
    '{"decision": {"action": "ACT"}, "run_id": "q", "step": 9, "packet": {"run_id": "q", "step": 9, "input": {"x": 1},'
    ' "external": {"ops.score": 0.5}, "mdm": {}, "final_action": {}, "latency_ms": 3, "extra_field": [1]}}',
]

#: What differs from one run to the next: ids and times.
DIFFERS = [
    (re.compile(r'"((?:x_exec\.)?execution_id|run_id)":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"'), r'"\1":"ID"'),
    (re.compile(r'"((?:exec\.)?(?:total_)?latency_ms|started_at_ms|waited_ms)":\d+'), r'"\1":0'),
    (re.compile(r'"wait_reason":(?:null|"[a-z_]+")'), '"wait_reason":null'),
]


def steady(report: str) -> str:
    for pattern, word in DIFFERS:
        report = pattern.sub(word, report)
    return report


def runs(cwd: Path, lines: list[str]) -> list[str]:
    """The reports of `failstop run`, one run for each line, so that no line overtakes another."""
    return [steady(failstop("run", cwd=cwd, lines=line, expect=None).rstrip("\n")) for line in lines]


@pytest.fixture
def directories(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """One for each side, with the same configuration."""
    sides = (tmp_path / "cli", tmp_path / "python")
    for side in sides:
        side.mkdir()
        (side / "failstop.toml").write_text(CONFIG)
    yield sides


def test_reports_agree_byte_for_byte_but_for_times_and_ids(directories: tuple[Path, Path]) -> None:
    cli, python = directories
    for line, their in zip(LINES, runs(cli, LINES), strict=True):
        # Engines judge proposals by what they have seen, so this is one engine for each line too.
        with Engine(python / "failstop.toml") as engine:
            assert steady(engine.submit(line, number=1).to_json()) == their, line


def test_the_same_lines_as_bytes_and_as_dicts_agree_too(directories: tuple[Path, Path]) -> None:
    reports = []
    forms: list[Callable[[str], Any]] = [str.encode, json.loads]
    for side, form in zip(directories, forms, strict=True):
        with Engine(side / "failstop.toml") as engine:
            readable = [line for line in LINES if is_json(line)]
            reports.append([steady(engine.submit(form(line)).to_json()) for line in readable])
    assert reports[0] == reports[1]


def is_json(line: str) -> bool:
    try:
        return len(json.loads(line, object_pairs_hook=list)) == len(json.loads(line))
    except ValueError:
        return False


def test_calls_with_objects_agree_with_lines(directories: tuple[Path, Path]) -> None:
    cli, python = directories
    lines = [line for line in LINES if is_json(line) and '"decision"' in line]
    theirs = [report.replace('"line":1,', "") for report in runs(cli, lines)]
    with Engine(python / "failstop.toml") as engine:
        for line, their in zip(lines, theirs, strict=True):
            assert steady(engine.execute(**json.loads(line)).to_json()) == their, line


def test_an_extended_trace_is_in_both(directories: tuple[Path, Path]) -> None:
    cli, python = directories
    for side in directories:
        with (side / "failstop.toml").open("a") as config:
            config.write("[trace]\nextended = true\n")
    theirs = steady(failstop("run", cwd=cli, lines=LINES[0]).rstrip("\n"))
    with Engine(python / "failstop.toml") as engine:
        assert steady(engine.submit(LINES[0], number=1).to_json()) == theirs
    assert "x_exec." in theirs


def test_plans_agree(directories: tuple[Path, Path]) -> None:
    cli, python = directories
    lines = [line for line in LINES if is_json(line) and '"decision"' in line]
    printed = failstop("plan", cwd=cli, lines="\n".join(lines), expect=None).splitlines()
    with Engine(python / "failstop.toml") as engine:
        for line, plan in zip(lines, printed, strict=True):
            their = json.loads(steady(plan))
            del their["line"]
            our = engine.plan(**json.loads(line))
            assert json.loads(steady(json.dumps(our, separators=(",", ":")))) == their, line


def test_what_is_seen_of_a_ledger_agrees(directories: tuple[Path, Path]) -> None:
    cli, _ = directories
    failstop("run", cwd=cli, lines="\n".join(LINES), expect=1)
    with Engine(cli / "failstop.toml") as engine:
        # Only how the file was named differs.
        status, theirs = engine.ledger.status(), told("status", cwd=cli)
        assert Path(status["ledger"].pop("path")) == cli / theirs["ledger"].pop("path")
        assert status == theirs
        listed = [json.loads(line) for line in failstop("list", "--json", cwd=cli).splitlines()]
        assert engine.ledger.list() == listed
        (in_doubt,) = failstop("list", "--json", "--state", "IN_DOUBT", cwd=cli).splitlines()
        assert engine.ledger.list("IN_DOUBT") == [json.loads(in_doubt)]
        for entry in listed:
            assert engine.ledger.show(entry["key"]) == told("show", entry["key"], cwd=cli)
        assert engine.audit_verify() == audit(cli / "failstop.db") == told("audit", "verify", cwd=cli)
        kept = failstop("audit", "checkpoint", cwd=cli)
        assert engine.audit_verify(checkpoint=kept)["clean"]


def test_a_key_resolved_from_python_is_replayed_by_the_command_line(directories: tuple[Path, Path]) -> None:
    cli, _ = directories
    line = LINES[5]
    failstop("run", cwd=cli, lines=line, expect=1)
    with Engine(cli / "failstop.toml") as engine:
        (entry,) = engine.ledger.list("IN_DOUBT")
        engine.ledger.resolve(entry["key"], applied=True, reason="seen at the target")
    report = json.loads(failstop("run", cwd=cli, lines=line))
    assert (report["status"], report["outcome"], report["replayed"]) == ("success", "executed", True)


def test_a_stop_from_python_holds_for_the_command_line_and_its_release_too(directories: tuple[Path, Path]) -> None:
    cli, _ = directories
    with Engine(cli / "failstop.toml") as engine:
        stopped = engine.gate.stop("wrong target", level="halt")
        assert engine.gate.status() == told("status", cwd=cli)["gate"]
    denied = json.loads(failstop("run", cwd=cli, lines=LINES[0], expect=1))
    assert denied["reason_code"] == "gate_stopped"
    with Engine(cli / "failstop.toml") as engine:
        engine.gate.release("repaired", epoch=stopped["epoch"])
    assert json.loads(failstop("run", cwd=cli, lines=LINES[0]))["status"] == "success"
