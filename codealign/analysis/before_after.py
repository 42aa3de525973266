"""Ten problems as a model solved them before and after alignment, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codealign.cell import Cell
from codealign.evaluate.functional.verdicts import Attempt
from codealign.paths import RunPaths
from codealign.records import ALIGNED, read_jsonl, write_text

SHOWN = 10
FILE = "before_and_after.md"
Attempts = dict[str, Attempt]


def write_before_and_after(root: Path, model: str, variant: str) -> Path | None:
    """Write `before_and_after.md` to a run; None if there is no aligned model.

    Problems whose verdict changed come first, solved and lost ones in turn.

    Parameters
    ----------
    variant : the pathway to show.
    """
    for part in RunPaths(root).parts():
        for stage in ALIGNED:
            cell = Cell(model, variant, "functional", stage)
            before = _attempts(RunPaths(root).evals(cell.at(stage="base")))
            after = _attempts(part.evals(cell))
            if shared := [task for task in before if task in after]:
                lines = _side_by_side(before, after, _chosen(before, after, shared))
                head = f"# {model}, {variant}: before alignment and after {stage}\n"
                path = RunPaths(root).root / FILE
                write_text(path, "\n".join([head, *lines]))
                return path
    return None


def _attempts(folder: Path) -> Attempts:
    """Return the first sample of each problem of an evaluated model."""
    samples: Attempts = {}
    for file in sorted(folder.glob("*/attempts.jsonl")):
        for attempt in read_jsonl(file, Attempt):
            samples.setdefault(f"{file.parent.name} {attempt.task_id}", attempt)
    return samples


def _chosen(before: Attempts, after: Attempts, shared: list[str]) -> list[str]:
    moved = {task: (before[task].passed, after[task].passed) for task in shared}
    won = [t for t, (was, is_now) in moved.items() if is_now and not was]
    lost = [t for t, (was, is_now) in moved.items() if was and not is_now]
    turns = [t for pair in zip(won, lost, strict=False) for t in pair]
    return list(dict.fromkeys([*turns, *won, *lost, *shared]))[:SHOWN]


def _side_by_side(before: Attempts, after: Attempts, tasks: list[str]) -> Iterator[str]:
    for task in tasks:
        one, other = before[task], after[task]
        words = [("solved" if x.passed else x.kind or "failed") for x in (one, other)]
        yield f"## {task}: {words[0]}, then {words[1]}\n"
        for name, x in (("Before", one), ("After", other)):
            yield f"{name}:\n\n````python\n{x.solution.strip()}\n````\n"
