"""The interface of execution-orchestration-core, on the engine of failstop.

Callers of the reference import from the same modules as before: ``orchestrator``, ``policies``, ``model``,
``redaction``, ``trace`` and ``version``. The page "Migrating from the reference" tells what is different.
"""

from execution_orchestration_core.version import __version__

__all__ = ["__version__"]
