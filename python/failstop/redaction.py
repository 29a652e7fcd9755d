"""Redaction of JSON values: by name, by look, and by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from failstop import _native

__all__ = ["redact"]


def redact(
    value: Any,
    *,
    profile: Literal["strict", "reference"] = "strict",
    keep: Iterable[str] = (),
    secrets: Iterable[str] = (),
) -> Any:
    """A copy of a JSON value without its secrets; its shape stays as it is.

    ``strict`` redacts everything under a name that speaks of a secret, at any depth, and credentials in texts and in
    names. ``reference`` goes by names alone, and a ``dict`` under such a name is kept and its own names decide, as in
    ``execution_orchestration_core.redaction``.

    Names in ``keep`` do not speak of secrets; they are compared whole, in any case. Values in ``secrets`` are redacted
    wherever they stand, also in base64, in hexadecimal, and escaped for URLs or JSON; those shorter than 6 bytes are
    left out, since they would be found everywhere.

    >>> redact({"user": "ada", "auth": {"id": 7}, "monkey": 1}, keep=["monkey"])
    {'user': 'ada', 'auth': {'id': '[REDACTED]'}, 'monkey': 1}
    >>> redact("postgres://ada:1234@db/x")
    'postgres://ada:[REDACTED]@db/x'
    >>> redact(["from bob with hunter22"], secrets=["hunter22"])
    ['from bob with [REDACTED]']

    Tuples come back as lists. What is no JSON raises :class:`failstop.errors.UsageError`, ``not_json``: other types,
    integers beyond 64 bits, numbers that are not finite, lone surrogates, more than 64 levels. Arguments that make no
    sense raise it as ``argument_invalid``.
    """
    return _native.redact(value, profile=profile, keep=keep, secrets=secrets)
