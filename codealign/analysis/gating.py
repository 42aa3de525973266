"""The gates R4, R7 and R9 on one evaluated model: what its scores say about going on.

The base is judged by R4, the SFT model by R7, an aligned one by R9. Whether a failed gate warns or
stops is the params' business (`params.Gates`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codealign.analysis.cells import MEMBERS, Cells, cells_of, read_values
from codealign.analysis.contrasts import CHANGE
from codealign.analysis.questions import of
from codealign.analysis.scores import benchmark, frame_of
from codealign.cell import Cell
from codealign.params import Gates
from codealign.paths import RunPaths
from codealign.records import Score, read_jsonl, write_jsonl

GATE = {"base": "baseline", "sft": "sft", "dpo": "alignment", "bonbon": "alignment"}
FILE = "gates.jsonl"
FOLLOWS = {"R4": "training", "R7": "alignment", "R9": "merging and publishing"}


@dataclass(frozen=True)
class Gate:
    """A gate's verdict on one model, and what the params make of a failed one.

    `reason` says what was measured, against what, for either outcome.
    """

    rule: Literal["R4", "R7", "R9"]
    passed: bool
    reason: str
    action: str

    @property
    def stops(self) -> bool:
        """Whether what follows must not run."""
        return self.action == "stop" and not self.passed

    def __str__(self) -> str:
        if self.passed:
            return f"{self.rule}: {self.reason}"
        then = f"stops {FOLLOWS[self.rule]}" if self.stops else "a warning"
        return f"{self.rule} failed ({then}): {self.reason}"


def baseline_gate(score: float, threshold: float, n: int, action: str = "") -> Gate:
    """R4: is the base model good enough to be worth aligning?

    Parameters
    ----------
    score : pass@1 of the base model on `n` problems, in [0, 1].
    threshold : the least score; the study's Observation 2 names 0.10.
    """
    passed = score >= threshold
    sign = ">=" if passed else "<"
    reason = f"baseline pass@1 {score:.3f} {sign} {threshold:.2f} (n = {n})"
    return Gate("R4", passed, reason, action)


def check_gates(paths: RunPaths, cell: Cell, settings: Gates) -> list[Gate]:
    """Judge one evaluated model by its scores on the benchmarks of what it was trained for.

    R4 takes the base's score, as the summary shows it (`cells.MEMBERS`; without any of those
    benchmarks, the mean of the others); the study names no threshold for CODAL, so a non-functional
    base is not judged. R7 and R9 compare that score with the base's, and a fall counts only if all
    of its 95 % interval is below 0: a gate is about this one model, so that the interval holds the
    choice of problems. The verdicts are written to `gates.jsonl` beside the scores.

    Parameters
    ----------
    paths : of the run, or of the part of it (a seed's, an ablation's) that was evaluated.
    cell : the model, evaluated already.

    Returns
    -------
    list[Gate]
        None or one. Without scores of the base a gate passes and says so.
    """
    action, cell = getattr(settings, GATE[cell.stage]), cell.at(seed=None, ablation="")
    folder, base = paths.evals(cell), RunPaths(paths.top).evals(cell.at(stage="base"))
    gates: list[Gate] = []
    if action != "off" and cell.stage != "base":
        gates = [_change_gate(cell, base, folder, action)]
    elif action != "off" and cell.requirement == "functional":
        cells = _cells(folder)
        score = of(cells, cell, names=_names(cells, cell))
        asked = score.value / 100, settings.threshold, score.n
        gates = [baseline_gate(*asked, action)] if score.n else []
    write_jsonl(folder / FILE, gates)
    return gates


def _cells(*folders: Path) -> Cells:
    """Return the cells of evaluated models as if they were a run's main cells of one seed."""
    place = {"seed": 0, "trained": "", "ablation": ""}
    scores = [
        dataclasses.replace(score, **place)
        for folder in folders
        if (folder / "scores.jsonl").exists()
        for score in read_jsonl(folder / "scores.jsonl", Score)
    ]
    problems: dict[Cell, dict[str, float]] = {}
    for file in (folder / "items.jsonl" for folder in folders):
        for cell, key, value in read_values(file) if file.exists() else ():
            problems.setdefault(cell, {})[key] = value
    return cells_of(frame_of(scores), problems)


def _names(cells: Cells, cell: Cell) -> list[str]:
    """Return the score's benchmarks, or a project's own where none of them are run."""
    own = [c.benchmark for c in cells.index if c.at(benchmark="") == cell]
    names = [n for n in own if n in MEMBERS[cell.requirement]]
    return names or [n for n in own if benchmark(n).metric != "dps" and n != "codal"]


def _change_gate(cell: Cell, base: Path, folder: Path, action: str) -> Gate:
    """R7, R9: has SFT, or alignment, made the model worse than its base?

    After SFT that did, alignment seldom recovers (the study's Observation 8).
    """
    rule, what = ("R7", "SFT") if cell.stage == "sft" else ("R9", "alignment")
    cells = _cells(base, folder)
    names = _names(cells, cell)
    moved = of(cells, cell, CHANGE, names=names)
    if not moved.n:
        return Gate(rule, True, "not measured: the base has no scores in this run", action)
    after, high = of(cells, cell, names=names).value, moved.high / 100
    passed = high >= 0
    judgement = "is not shown to have harmed" if passed else "has harmed"
    change = f"{(after - moved.value) / 100:.3f} -> {after / 100:.3f}, change at most {high:+.3f}"
    return Gate(rule, passed, f"{what} {judgement} the model: {change} (95 %)", action)


def failed_gates(folder: Path | str) -> list[Gate]:
    """Return the gates a model failed, from the folder of its evaluation; none if not judged."""
    path = Path(folder) / FILE
    return [g for g in read_jsonl(path, Gate) if not g.passed] if path.exists() else []


def failed_of(root: Path, result: Mapping[str, Any]) -> list[Gate]:
    """Return the gates that the model evaluated by a job of a run failed, from its result marker.

    By the places of its outputs in the run, so that a run that was moved has them too.
    """
    scored = (Path(place) for place in result.get("outputs", {}))
    folders = [root / place.parent for place in scored if place.name == "scores.jsonl"]
    return [gate for folder in folders for gate in failed_gates(folder)]
