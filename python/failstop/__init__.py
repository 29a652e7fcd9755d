"""Executes decisions that were already approved: bounded, stoppable, at most one effect per key.

What happens to a decision is a report, never an exception; exceptions are for misuse and stand in
:mod:`failstop.errors`.
"""

from __future__ import annotations

from failstop._native import (
    Report,
    __version__,
    is_valid_context_key,
    is_valid_trace_key,
    packet_to_dict,
    validate_external_dict,
)
from failstop.errors import ConfigError, Error, GateError, LedgerError, ResolveError, UsageError
from failstop.redaction import redact

__all__ = [
    "ConfigError",
    "Error",
    "GateError",
    "LedgerError",
    "Report",
    "ResolveError",
    "UsageError",
    "__version__",
    "is_valid_context_key",
    "is_valid_trace_key",
    "packet_to_dict",
    "redact",
    "validate_external_dict",
]
