"""Look-alikes of the contract's types, and what tests have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from execution_orchestration_core.policies import ExecutionPolicy, RetryPolicy

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "crates" / "failstop-testkit" / "vectors"

Answer = tuple[bool, str | None]
Executor = Callable[[Any, dict[str, Any]], Answer]


class Action(str, Enum):
    """As in the package that callers of the reference have, and we do not."""

    HOLD = "HOLD"
    ACT = "ACT"
    EXIT = "EXIT"
    CANCEL = "CANCEL"
    STOP = "STOP"


@dataclass
class MismatchInfo:
    flags: list[str] = field(default_factory=list)
    reason_codes: list[str] = field(default_factory=list)
    throttle_refresh_ms: int | None = None
    metadata: dict[str, Any] | None = None


@dataclass
class FinalDecision:
    action: Action
    allowed: bool = True
    reasons: list[str] = field(default_factory=list)
    mismatch: MismatchInfo | None = None
    throttle_ms: int | None = None
    cooldown_ms: int | None = None
    params: dict[str, Any] | None = None


def decision(action: Action = Action.ACT, **fields: Any) -> FinalDecision:
    """One that may be executed."""
    return FinalDecision(action=action, **fields)


def policy(max_retries: int = 3, **fields: Any) -> ExecutionPolicy:
    """One that does not wait between attempts."""
    return ExecutionPolicy(retry=RetryPolicy(max_retries=max_retries, initial_backoff_ms=0), **fields)


class Scripted:
    """An executor that answers what it was told to (``ok``, ``reject``, ``raise``), then ``ok``, and remembers calls."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        self._script = iter(script)
        self.calls: list[tuple[Any, dict[str, Any]]] = []

    def __call__(self, action: Any, context: dict[str, Any]) -> Answer:
        self.calls.append((action, context))
        match next(self._script, "ok"):
            case "reject":
                return False, "no"
            case "raise":
                raise RuntimeError("scripted")
            case _:
                return True, None


def vectors(name: str) -> Iterator[tuple[Any, Any]]:
    """What the reference was given and what it answered, of ``NAME.jsonl``."""
    for line in (VECTORS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        yield vector["in"], vector["out"]
