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
COUNTS = (RISEN, FALLEN, LOST)
MEASURES = (SCORE, CHANGE, RELATIVE, *COUNTS)
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
        return Cell(
            self.model or model, variant, self.requirement, stage, name,
            trained="" if stage == "base" else self.trained, ablation=self.ablation,
        )  # fmt: skip

    def started(self, model: str, variant: str, name: str) -> Cell:
        """Return the cell that a change is taken from."""
        return self.cell(model, variant, self.start, name).at(ablation="")


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
        by_stage = {s: [_rows(cells, term, [s], n, model, SCORE) for n in term.names]
                    for s in term.stages}  # fmt: skip
        has = {stage for stage, of_benchmarks in by_stage.items() if any(of_benchmarks)}
        if not has:
            return f"not run: {_named(term)}"
        run &= has
    stages = [tuple(s for s in t.stages if len(t.stages) == 1 or s in run) for t in contrast]
    rows = [{name: _rows(cells, term, kept, name, model, measure) for name in term.names}
            for term, kept in zip(contrast, stages, strict=True)]  # fmt: skip
    # A benchmark that one side lacks is compared on neither: the others would weigh differently.
    lacking = {name for by_name in rows for name, pair in by_name.items() if pair is None}
    parts = []
    for term, kept, by_name in zip(contrast, stages, rows, strict=True):
        names = [name for name in term.names if name not in lacking]
        if not names:
            return f"not run: {_named(term)}"
        after, start = (np.array([by_name[name][side] for name in names]) for side in (0, 1))
        share = np.ones(after.shape) * weights(names, weigh)[:, None] / after.shape[1]
        parts.append(Part(term.weight, after, start, share, kept != ("base",)))
    return parts


def _rows(
    cells: Cells, term: Term, stages: Sequence[str], name: str, model: str, measure: str
) -> tuple[list[int], list[int]] | None:
    """Return the rows of one benchmark, `after` and `start` of each place; None: one is lacking."""
    places = [(variant, stage) for variant in term.variants for stage in stages]
    after = [cells.index.get(term.cell(model, v, s, name)) for v, s in places]
    start = after
    if measure != SCORE:
        start = [cells.index.get(term.started(model, v, name)) for v, _ in places]
    return None if not places or None in (*after, *start) else (after, start)


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
