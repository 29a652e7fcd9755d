"""The command line, for tests that hold the Python package against it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support import ROOT

# Engines refuse variables of the configuration's prefix that they do not know, and this one is for the tests alone.
_NAMED = os.environ.pop("FAILSTOP_BIN", None)


def binary() -> Path:
    """The command line's program."""
    found = Path(_NAMED) if _NAMED else ROOT / "target" / "debug" / "failstop"
    if not found.is_file():
        raise FileNotFoundError("no failstop program: build failstop-cli, or name the program in FAILSTOP_BIN")
    return found


def failstop(*arguments: str, cwd: Path, lines: str = "", expect: int | None = 0) -> str:
    """What the command prints; ``expect`` is its exit code, None for any."""
    ran = subprocess.run(
        [binary(), *arguments], cwd=cwd, input=lines, capture_output=True, text=True, timeout=60, check=False
    )
    assert expect is None or ran.returncode == expect, ran.stderr
    return ran.stdout


def told(*arguments: str, cwd: Path) -> Any:
    """What the command prints as JSON."""
    return json.loads(failstop(*arguments, "--json", cwd=cwd))
