"""Sample files in evalplus' format, read so that nothing is dropped in silence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem

SHOWN = 3


@dataclass
class Samples:
    """Solutions by task id, and what was wrong with the file.

    `faults` names the places of each kind: `malformed`, `unknown` and `double` lines ("line 3"),
    and the task ids of `missing` problems.
    """

    solutions: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of faults of each kind."""
        return {kind: len(places) for kind, places in self.faults.items()}

    def note(self) -> str:
        """The faults in one line, the first places of each kind named."""
        parts = []
        for kind, places in self.faults.items():
            more = ", …" if len(places) > SHOWN else ""
            parts.append(f"{len(places)} {kind} ({', '.join(places[:SHOWN])}{more})")
        return "; ".join(parts)


def read_samples(
    path: Path | str, problems: dict[str, Problem], n: int = 1, partial: bool = False
) -> Samples:
    """Read a samples file: JSON Lines of `task_id` and `solution` (or `completion`).

    Parameters
    ----------
    n : samples wanted of each problem; lines beyond it are double, problems with fewer missing.
    partial : accept a file with faults; they are in the result.

    Raises
    ------
    CodealignError
        No such file; or, unless `partial`, any fault: each kind with its count and first places.
    """
    path = Path(path)
    if not path.exists():
        raise CodealignError(f"{path}: no such samples file")
    found = Samples()
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                _take(line, f"line {number}", found, problems, n)
    lacking = [t for t in problems if len(found.solutions.get(t, [])) < n]
    if lacking:
        found.faults["missing"] = lacking
    if found.faults and not partial:
        raise CodealignError(
            f"{path}: {found.note()}; mend the file, or accept it as it is with `partial`"
        )
    return found


def _take(line: str, place: str, found: Samples, problems: dict[str, Problem], n: int) -> None:
    task_id, solution = _parse(line, problems)
    if task_id is None:
        fault = "malformed"
    elif task_id not in problems:
        fault = "unknown"
    elif len(found.solutions.get(task_id, [])) >= n:
        fault = "double"
    else:
        found.solutions.setdefault(task_id, []).append(solution)
        return
    found.faults.setdefault(fault, []).append(place)


def _parse(line: str, problems: dict[str, Problem]) -> tuple[str | None, str]:
    """Return task id and solution; None for a line that is no sample."""
    try:
        row: Any = json.loads(line)
    except ValueError:
        return None, ""
    if not isinstance(row, dict) or not isinstance(row.get("task_id"), str):
        return None, ""
    task_id = row["task_id"]
    if isinstance(row.get("solution"), str):
        return task_id, row["solution"]
    if isinstance(row.get("completion"), str):
        prompt = problems[task_id].prompt if task_id in problems else ""
        return task_id, prompt + row["completion"]
    return None, ""
