"""Redaction of execution logs, by the names of what is in them.

>>> from execution_orchestration_core.redaction import redact_execution_log
>>> redact_execution_log({"user": "ada", "api_key": "1234", "auth": {"id": 7, "token": None}})
{'user': 'ada', 'api_key': '[REDACTED]', 'auth': {'id': 7, 'token': '[REDACTED]'}}

Texts that look like credentials, and values known to be secret, are the business of :func:`failstop.redact`.
"""

from __future__ import annotations

from failstop._native import redact_execution_log

__all__ = ["REDACT_PATTERNS", "redact_execution_log"]

REDACT_PATTERNS: frozenset[str] = frozenset(
    ("api_key", "auth", "credential", "key", "password", "private", "secret", "token")
)
"""What a name that speaks of a secret contains, in lower case and without ``-`` and ``_``.

For reading only: binding another set to this name changes nothing.
"""
