"""The engine: executes decisions under one configuration, with a gate and a ledger."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable, Mapping
from enum import Enum
from types import TracebackType
from typing import Any, Self

import failstop._workers  # noqa: F401  # it says when this process is a fork
from failstop import _native
from failstop._loops import running_loop
from failstop.executors import Mark, marked

__all__ = ["Engine"]

_ACTIONS = ("HOLD", "ACT", "EXIT", "CANCEL", "STOP")

Section = Mapping[str, Any]
Executor = Callable[..., Any] | Section


class Engine(_native.Engine):
    """Executes decisions under one configuration.

    ``config`` is the path of a TOML file, or a mapping of the same shape; keywords are its sections, and each of their
    values wins over the one at its place. Keys, defaults and checks are those of the command line, and variables
    ``FAILSTOP_...`` stand between the file and what is given here.

    Executors are tables of the configuration, or callables (see :mod:`failstop.executors`): ``executor`` for every action
    that has none of its own, ``executors`` by action.

    >>> with Engine(ledger={"kind": "memory"}, executor=lambda attempt: True) as engine:
    ...     engine.execute({"action": "ACT"}, run_id="nightly", step=1).status
    'success'

    Raises :class:`ConfigError` with all that is wrong with the configuration and the ``code`` of the first fault;
    :class:`LedgerError` where the ledger cannot be opened; :class:`GateError`, ``stop_not_proven``, where a stopped gate
    would let a decision through. A new ledger, and keys that a dead process left in doubt, are warnings of the logger
    ``failstop``.

    An engine may be used by many threads at once. In a forked child it raises :class:`UsageError`, ``engine_forked``.
    """

    #: Held here alone, where the collector sees them: a callable may refer to its engine.
    _callables: list[tuple[str | None, Mark]]

    def __new__(
        cls,
        config: str | os.PathLike[str] | Section | None = None,
        /,
        *,
        policy: Section | None = None,
        ledger: Section | None = None,
        gate: Section | None = None,
        executor: Executor | None = None,
        executors: Mapping[Any, Executor] | None = None,
        trace: Section | None = None,
        redaction: Section | None = None,
        **unknown: Any,
    ) -> Self:
        sections = {
            "policy": policy,
            "ledger": ledger,
            "gate": gate,
            "executor": executor,
            "executors": executors,
            "trace": trace,
            "redaction": redaction,
        }
        given = {name: section for name, section in sections.items() if section is not None}
        given.update(unknown)  # refused with all else that is wrong
        if isinstance(config, Mapping):
            file, values = None, _merged(_plain(config), _plain(given))
        else:
            file, values = None if config is None else os.fspath(config), _plain(given)
        callables = _taken_callables(values)
        engine = super().__new__(cls, file, values, callables)
        engine._callables = callables
        _open.add(engine)
        return engine

    async def execute_async(
        self, decision: Any, context: Mapping[str, Any] | None = None, **come_along: Any
    ) -> _native.Report:
        """As :meth:`execute`, for event loops: nothing blocks the loop, and executors may be coroutines.

        An attempt that is a coroutine is a task of the loop. At its deadline and at a stop the task is cancelled; if it does
        not end within the grace its end is unconfirmed. Other executors run on a worker's thread, or, marked ``inline``,
        on the loop's own.

        Where the caller is cancelled, so is the execution; ``CancelledError`` goes on once it has ended, which takes no
        longer than the grace. A key whose attempt was running is in doubt then.
        """
        return await running_loop().drive(
            lambda loop, number: _native.begin_execution(
                self, (loop, loop.bell, number), decision, context, **come_along
            )
        )

    async def submit_async(self, line: str | bytes | Mapping[str, Any], *, number: int | None = None) -> _native.Report:
        """As :meth:`submit`, for event loops; see :meth:`execute_async`."""
        return await running_loop().drive(
            lambda loop, rings_as: _native.begin_submission(self, (loop, loop.bell, rings_as), line, number=number)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


#: Engines that may have something to write down yet.
_open: weakref.WeakSet[Engine] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for engine in list(_open):
        engine.close()


def _plain(value: Any) -> Any:
    """The value with mappings as new dicts, enumerations by their values, and paths as strings."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(member) for key, member in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def _merged(weaker: dict[Any, Any], stronger: dict[Any, Any]) -> dict[Any, Any]:
    merged = dict(weaker)
    for name, value in stronger.items():
        before = merged.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[name] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _taken_callables(values: dict[Any, Any]) -> list[tuple[str | None, Mark]]:
    """Takes the callables out of the configuration: each with its action, or None for all that have none."""
    taken: list[tuple[str | None, Mark]] = []
    if _is_executor(values.get("executor")):
        taken.append((None, marked(values.pop("executor"))))
    routed = values.get("executors")
    if isinstance(routed, dict):
        for action in [action for action, executor in routed.items() if _is_executor(executor)]:
            if action in _ACTIONS:
                taken.append((action, marked(routed.pop(action))))
            else:
                routed[action] = {}  # an action that there is not, for the configuration to refuse
    return taken


def _is_executor(value: Any) -> bool:
    return callable(value) and not isinstance(value, dict)
