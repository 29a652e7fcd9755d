"""What holds for all tests: the installed packages, and the same examples each time."""

from __future__ import annotations

import command_line  # noqa: F401  # takes its variable away from engines
import failstop
from hypothesis import settings
from support import ROOT

# Tests fail for what is wrong, not for what this machine is busy with, and the same each time.
settings.register_profile("ci", deadline=None, derandomize=True, database=None, max_examples=100)
settings.load_profile("ci")

assert failstop.__file__ is not None
if failstop.__file__.startswith(str(ROOT / "python")):
    raise ImportError("the tests are there for the installed wheel, not for the source tree")
