"""What an effect is a contrast of: terms, the rows they pick, and how a term becomes a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codealign.analysis.cells import MEMBERS, Cells, weights
from codealign.cell import Cell
from codealign.records import VARIANTS

SCORE, CHANGE, RELATIVE = "score", "change", "relative"
RISEN, FALLEN, LOST = "risen", "fallen", "lost"
MEASURES = (SCORE, CHANGE, RELATIVE, RISEN, FALLEN, LOST)
COUNTS = (RISEN, FALLEN, LOST)
CATASTROPHE = -30.0
"""Relative change (%) that counts as a catastrophic failure."""


@dataclass(frozen=True)
class Term:
    """A weighted mean over cells: of these pathways, stages and benchmarks.

    Attributes
    ----------
    weight : of the term in the contrast.
    requirement : of the benchmarks. `benchmarks` : () means those of the requirement's score.
    variants, stages : means over these; of `stages`, those that were run.
    start : stage that a change is taken from, of the main cell.
    model, trained, ablation : "" means the model asked about, the benchmarks' requirement, none.
    """

    weight: float = 1.0
    requirement: str = "functional"
    variants: tuple[str, ...] = VARIANTS
    stages: tuple[str, ...] = ("dpo", "bonbon")
    benchmarks: tuple[str, ...] = ()
    start: str = "base"
    model: str = ""
    trained: str = ""
    ablation: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks wanted."""
        return self.benchmarks or MEMBERS[self.requirement]

    def cell(self, model: str, variant: str, stage: str, name: str) -> Cell:
        """Return the cell of one benchmark."""
        cell = Cell(self.model or model, variant, self.requirement, stage, name)
        trained = self.requirement if stage == "base" else self.trained or self.requirement
        return cell.at(trained=trained, ablation=self.ablation)

    def started(self, model: str, variant: str, name: str) -> Cell:
        """Return the cell that a change is taken from."""
        cell = Cell(self.model or model, variant, self.requirement, self.start, name)
        trained = self.trained or self.requirement
        return cell if self.start == "base" else cell.at(trained=trained)


Contrast = tuple[Term, ...]


@dataclass(frozen=True)
class Part:
    """A term's rows: `after` and `start` [benchmarks, pathways and stages], weight of each."""

    weight: float
    after: np.ndarray
    start: np.ndarray
    share: np.ndarray
    trained: bool


def parts_of(
    cells: Cells, contrast: Contrast, measure: str, model: str, weigh: str
) -> list[Part] | str:
    """Return the rows of each term, or what is missing."""
    several = [t for t in contrast if len(t.stages) > 1]
    run = {s for t in several for s in t.stages}
    for term in several:  # a technique that one side lacks is compared on neither
        run &= {s for s in term.stages if _has(cells, term, s, model)}
    stages = [tuple(s for s in t.stages if len(t.stages) == 1 or s in run) for t in contrast]
    # A benchmark that one side lacks is compared on neither: the others would weigh differently.
    lacking = {
        name
        for term, kept in zip(contrast, stages, strict=True)
        for name in term.names
        if not kept or not _complete(cells, term, kept, name, model, measure)
    }
    parts = []
    for term, kept in zip(contrast, stages, strict=True):
        names = [name for name in term.names if name not in lacking]
        if not names:
            return f"not run: {_named(term)}"
        places = [(v, s) for v in term.variants for s in kept]
        rows = [[cells.index[term.cell(model, v, s, n)] for v, s in places] for n in names]
        starts = rows
        if measure != SCORE:
            starts = [[cells.index[term.started(model, v, n)] for v, _ in places] for n in names]
        share = np.repeat(weights(names, weigh)[:, None] / len(places), len(places), axis=1)
        parts.append(Part(term.weight, np.array(rows), np.array(starts), share, kept != ("base",)))
    return parts


def _has(cells: Cells, term: Term, stage: str, model: str) -> bool:
    return any(
        all(term.cell(model, v, stage, name) in cells.index for v in term.variants)
        for name in term.names
    )


def _complete(
    cells: Cells, term: Term, stages: Sequence[str], name: str, model: str, measure: str
) -> bool:
    wanted = [term.cell(model, v, s, name) for v in term.variants for s in stages]
    if measure != SCORE:
        wanted += [term.started(model, v, name) for v in term.variants]
    return all(cell in cells.index for cell in wanted)


def _named(term: Term) -> str:
    who = f"{term.model} " if term.model else ""
    return f"{who}{' and '.join(term.variants)}, {' and '.join(term.stages)}, {term.requirement}"


def reduced(measure: str, part: Part, values: np.ndarray) -> np.ndarray:
    """Return a term's number for each column of `values` (seeds)."""
    after, start = values[part.after], values[part.start]  # [benchmarks, places, columns]
    share = part.share[:, :, None]
    if measure == SCORE:
        return (share * after).sum(axis=(0, 1))
    if measure == CHANGE:
        return (share * (after - start)).sum(axis=(0, 1))
    if measure == RELATIVE:
        top, bottom = (share * after).sum(axis=(0, 1)), (share * start).sum(axis=(0, 1))
        return 100 * (np.divide(top, bottom, where=bottom > 0, out=np.full(len(top), np.nan)) - 1)
    return 100 * (share * _counts(measure, after, start)).sum(axis=(0, 1))


def _counts(measure: str, after: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return what each score counts: 1 where it does so, half where nothing moved."""
    change = np.round(after - start, 9)
    if measure == LOST:
        return np.where(np.isnan(change), np.nan, 100 * change < CATASTROPHE * start)
    sign = 1 if measure == RISEN else -1
    return (1 + sign * np.sign(change)) / 2
