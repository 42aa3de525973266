"""Sample files in evalplus' format, read so that nothing is dropped in silence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem
from codealign.texts import lines_of

SHOWN = 3


@dataclass
class Samples:
    """Solutions by task id, and what was wrong with the file.

    `faults` names the places of each kind: `malformed` lines ("line 3"), `unknown` and `double`
    lines ("line 3: HumanEval/0"), and the task ids of `missing` problems. `n` is the number of
    samples per problem that the file was read for. `programs` are a model's answers as written,
    from which its solutions were taken; empty for a file, whose solutions are taken as they are.
    """

    solutions: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    n: int = 1
    programs: dict[str, list[str]] = field(default_factory=dict)

    def note(self) -> str:
        """The faults in one line, the first places of each kind named."""
        parts = []
        for kind, places in self.faults.items():
            more = ", …" if len(places) > SHOWN else ""
            parts.append(f"{len(places)} {kind} ({', '.join(places[:SHOWN])}{more})")
        return "; ".join(parts)


def read_samples(
    path: Path | str,
    problems: dict[str, Problem],
    n: int = 0,
    partial: bool = False,
    beyond: Container[str] = (),
) -> Samples:
    """Read a samples file: JSON Lines of `task_id` and `solution` (or `completion`).

    Parameters
    ----------
    n : samples wanted of each problem; lines beyond it are double, problems with fewer missing.
        0: the number that more than half of the problems have, else 1.
    partial : accept a file with faults; they are in the result.
    beyond : known task ids that are not wanted now; their lines are passed over.

    Raises
    ------
    CodealignError
        No such file; or, unless `partial`, any fault: each kind with its count and first places.
    """
    path = Path(path)
    if not path.is_file():
        raise CodealignError(f"{path}: no such samples file")
    rows = list(_rows(path, problems))
    counts = Counter(t for _, t, _ in rows if t in problems)
    samples = Samples(n=n or _usual(counts, len(problems)))
    for place, task_id, solution in rows:
        if task_id is None or task_id not in beyond:
            _take(samples, place, task_id, solution, problems)
    lacking = [t for t in problems if len(samples.solutions.get(t, [])) < samples.n]
    if lacking:
        samples.faults["missing"] = lacking
    if samples.faults and not partial:
        raise CodealignError(
            f"{path}: {samples.note()}; fix the file, or accept it as it is with `--partial`"
        )
    return samples


def task_ids(path: Path) -> list[str]:
    """Return the task id of each sample of a file, in its order; lines that are none are left out.

    Raises
    ------
    CodealignError
        No sample in it.
    """
    ids = [task_id for _, task_id, _ in _rows(path, {}) if task_id is not None]
    if not ids:
        raise CodealignError(f"{path}: no line has task_id and solution (or completion)")
    return ids


def _usual(counts: Counter[str], problems: int) -> int:
    """The number of samples that more than half of the problems have, else 1."""
    for number, frequency in Counter(counts.values()).most_common(1):
        if 2 * frequency > problems:
            return number
    return 1


def _rows(path: Path, problems: dict[str, Problem]) -> Iterator[tuple[str, str | None, str]]:
    """Yield place, task id (None if malformed) and solution of each line that is not blank."""
    for number, line in lines_of(path):
        if line is None:
            yield f"line {number} (not UTF-8)", None, ""
        else:
            yield f"line {number}", *_parse(line, problems)


def _take(
    samples: Samples, place: str, task_id: str | None, solution: str, problems: dict[str, Problem]
) -> None:
    if task_id is None:
        fault = "malformed"
    elif task_id not in problems:
        fault, place = "unknown", f"{place}: {task_id}"
    elif len(samples.solutions.get(task_id, [])) >= samples.n:
        fault, place = "double", f"{place}: {task_id}"
    else:
        samples.solutions.setdefault(task_id, []).append(solution)
        return
    samples.faults.setdefault(fault, []).append(place)


def _parse(line: str, problems: dict[str, Problem]) -> tuple[str | None, str]:
    """Return task id and solution; None for a line that is no sample."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
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
