"""What is raised when something is used wrongly, or cannot be used at all.

Nothing that happens to a decision is raised: refusals, failures and unknown outcomes are reports.
"""

from __future__ import annotations

__all__ = ["ConfigError", "Error", "GateError", "LedgerError", "ResolveError", "UsageError"]


class Error(Exception):
    """The root of everything that this package raises.

    ``code`` is stable and meant for programs (``policy_invalid``), the message for people. It never contains input, and
    no error text of others. ``failstop explain CODE`` on the command line says of each code what it means, what happened
    to the world, and what to do.

    >>> fault = UsageError("policy_invalid", "max_concurrency must be from 1 to 1000000")
    >>> fault.code
    'policy_invalid'
    >>> str(fault)
    'max_concurrency must be from 1 to 1000000 (policy_invalid)'
    """

    code: str
    """What is wrong, as a stable word: ``^[a-z0-9_]+$``."""

    message: str
    """The same for people: lower case, no full stop."""

    def __init__(self, code: str, message: str) -> None:
        # Both are arguments of the exception, so that it can be pickled.
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class UsageError(Error):
    """A call that cannot mean anything: an argument of the wrong type, a policy out of range."""


class ConfigError(Error):
    """A configuration that cannot be read, or that says what cannot be done.

    ``message`` has a line for each fault, with its place and its code; ``code`` is that of the first.
    """

    def __str__(self) -> str:
        return self.message


class LedgerError(Error):
    """A ledger that cannot be opened, read or written."""


class ResolveError(Error):
    """A key in doubt that was not resolved: unknown, still running, or not in doubt."""


class GateError(Error):
    """A gate that could not be changed: unreadable, or at another epoch than expected."""
