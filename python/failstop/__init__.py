"""Executes decisions that were already approved: bounded, stoppable, at most one effect per key.

What happens to a decision is a report, never an exception; exceptions are for misuse and stand in
:mod:`failstop.errors`.
"""

from __future__ import annotations

from failstop._native import (
    Gate,
    Ledger,
    Report,
    __version__,
    audit_verify,
    is_valid_context_key,
    is_valid_trace_key,
    packet_to_dict,
    validate_external_dict,
)
from failstop.engine import Engine
from failstop.errors import ConfigError, Error, GateError, LedgerError, ResolveError, UsageError
from failstop.executors import Answer, Attempt, applied, executor, not_applied, reference, rejected, unknown
from failstop.redaction import redact

__all__ = [
    "Answer",
    "Attempt",
    "ConfigError",
    "Engine",
    "Error",
    "Gate",
    "GateError",
    "Ledger",
    "LedgerError",
    "Report",
    "ResolveError",
    "UsageError",
    "__version__",
    "applied",
    "audit_verify",
    "executor",
    "is_valid_context_key",
    "is_valid_trace_key",
    "not_applied",
    "packet_to_dict",
    "redact",
    "reference",
    "rejected",
    "unknown",
    "validate_external_dict",
]
