"""Executors: the callables that carry decisions into the world.

An executor takes an :class:`Attempt` and says what it did: :func:`applied`, :func:`not_applied`, :func:`rejected` or
:func:`unknown`; ``True`` and ``False`` stand for the first two, and so does the ``(bool, str | None)`` of the reference's
executors. Anything else that it returns, and anything that it raises, leaves its effect unknown.

>>> def pay(attempt):
...     return applied({"receipt": attempt.idempotency_key})
>>> @executor(name="ledger", effect="keyed_idempotent")
... def book(attempt):
...     return not_applied("busy", retry_after_ms=500)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from failstop._native import Answer, Attempt, applied, not_applied, rejected, unknown
from failstop.errors import UsageError

__all__ = [
    "Answer",
    "Attempt",
    "EffectClass",
    "applied",
    "executor",
    "not_applied",
    "reference",
    "rejected",
    "unknown",
]

EffectClass = Literal["read_only", "naturally_idempotent", "keyed_idempotent", "non_idempotent"]
"""What an executor promises about repeating its effect."""

_EFFECT_CLASSES = ("read_only", "naturally_idempotent", "keyed_idempotent", "non_idempotent")

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What is known of a callable that executes."""

    call: Callable[..., Any]
    name: str
    effect: str = "non_idempotent"
    inline: bool = False
    reference: bool = False
    is_async: bool = False


def executor(
    name: str | None = None, *, effect: EffectClass = "non_idempotent", inline: bool = False
) -> Callable[[_F], _F]:
    """Marks a callable that executes.

    ``name`` stands in plans and so in their digests; it is the callable's own where none is given. ``effect`` is what it
    promises about repeating its effect: only what is not ``non_idempotent`` is tried again after an unknown end.
    ``inline`` runs it on the caller's thread, for speed, and for what is bound to a thread. No timeout reaches it there
    and nobody tells it to stop; what it answers after its time does not count, and its effect is unknown.

    Raises :class:`UsageError`, ``argument_invalid``, where there is no such effect class.
    """
    if effect not in _EFFECT_CLASSES:
        raise UsageError("argument_invalid", f"effect must be one of {', '.join(_EFFECT_CLASSES)}")

    def mark(call: _F) -> _F:
        known = marked(call)
        marked_call: _F = _with_mark(call, replace(known, name=name or known.name, effect=effect, inline=inline))
        return marked_call

    return mark


def reference(call: Callable[[Any, Any], tuple[bool, str | None]]) -> Callable[[Any, Any], tuple[bool, str | None]]:
    """Makes an executor of a callable of the reference's kind, ``call(action, context) -> (bool, str | None)``.

    It is called with the very objects that came in. It cannot be told to stop, so it is given up at its deadline, without
    the grace.
    """
    known = marked(call)
    marked_call: Callable[[Any, Any], tuple[bool, str | None]]
    marked_call = _with_mark(functools.partial(call), replace(known, reference=True))
    return marked_call


def marked(call: Callable[..., Any]) -> Mark:
    """What is known of the callable.

    Raises :class:`UsageError`, ``executor_invalid``, where it is none.
    """
    if not callable(call):
        raise UsageError("executor_invalid", "an executor must be a callable or a table such as {'kind': 'noop'}")
    known = getattr(call, "__failstop__", None)
    if isinstance(known, Mark):
        return replace(known, call=call)
    own = getattr(call, "__name__", None)
    return Mark(call, own if isinstance(own, str) and own else "callable", is_async=_is_async(call))


def _with_mark(call: Any, mark: Mark) -> Any:
    try:
        call.__failstop__ = mark
    except (AttributeError, TypeError):
        call = functools.partial(call)  # builtins and bound methods take no attributes, and this does
        call.__failstop__ = mark
    return call


def _is_async(call: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))
