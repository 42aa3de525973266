"""Ruff over many pieces of code in one process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codealign.errors import CodealignError

RULES = "E,W,F,N,B,C4,SIM,RET,PERF"
OPTIONS = (
    "--isolated",
    "--preview",  # pycodestyle's blanks around operators and after commas
    "--no-cache",
    "--exit-zero",
    "--quiet",
    "--output-format=json",
    "--target-version=py311",
    f"--select={RULES}",
    "--ignore=E501",  # the length of lines has a measure of its own
)


def lint(codes: Sequence[str]) -> list[Counter[str]]:
    """Return the violations of each piece of code, by rule.

    Raises
    ------
    CodealignError
        Ruff is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="codealign-lint-") as folder:
        for index, code in enumerate(codes):
            path = Path(folder) / f"answer_{index}.py"
            path.write_text(code.rstrip("\n") + "\n", encoding="utf-8", errors="replace")
        found = [Counter[str]() for _ in codes]
        for entry in _run(folder):
            index = int(Path(entry["filename"]).stem.removeprefix("answer_"))
            found[index][entry["code"] or "syntax-error"] += 1
    return found


def _run(folder: str) -> list[dict[str, str]]:
    command = [sys.executable, "-m", "ruff", "check", *OPTIONS, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise CodealignError(
            f"static judge: ruff failed ({done.stderr.strip()[:300] or 'no output'}); "
            f"check that `{sys.executable} -m ruff --version` works"
        )
    return json.loads(done.stdout)
