"""Static type errors in many pieces of code, found in one process.

The checker is Pyrefly: one wheel without dependencies (Pyright, which SelfCodeAlign used, needs
Node), a stable release, and fast enough that a check of every candidate costs less than reading it.
It reads the code and never runs it. Imports are met by its own stubs of the standard library;
neither an interpreter nor installed packages are asked, so that the result is the same everywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError

OPTIONS = (
    "--preset=default",
    "--python-version=3.11",
    "--skip-interpreter-query",
    "--disable-search-path-heuristics",
    "--min-severity=error",
    "--output-format=json",
    "--summary=none",
)


def faulty(codes: Sequence[str]) -> set[int]:
    """Return the places of the pieces of code that have a type error.

    Raises
    ------
    CodealignError
        Pyrefly is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="codealign-types-") as folder:
        for index, code in enumerate(codes):
            path = Path(folder) / f"candidate_{index}.py"
            path.write_text(code, encoding="utf-8", errors="replace")
        (Path(folder) / "pyrefly.toml").touch()  # else a folder above might configure it
        errors = _run(folder) if codes else []
    return {int(Path(e["path"]).stem.removeprefix("candidate_")) for e in errors}


def _run(folder: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "pyrefly", "check", *OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode not in (0, 1) or not done.stdout:
        message = " ".join(done.stderr.split())[:300] or "no output"
        raise CodealignError(
            f"type check: pyrefly failed ({message}); check that "
            f"`{sys.executable} -m pyrefly --version` works, or set filters: {{type_check: false}}"
        )
    return json.loads(done.stdout)["errors"]
