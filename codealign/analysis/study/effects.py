"""A run with several seeds, cross-evaluation or ablations: its cells, and what is asked of each.

A seed makes its own preference data and trains its own models. All seeds answer the same problems,
and the base model is one model with greedy answers, the same for all. What an interval holds, and
how, says `analysis.effects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from codealign.analysis.cells import MEMBERS, Cells, Problems, cells_of
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE
from codealign.analysis.effects import Effect
from codealign.analysis.questions import Question, ask, of, term
from codealign.cell import Cell
from codealign.records import REQUIREMENTS, STAGES, VARIANTS

Changes = Mapping[str, Mapping[str, list[Any]]]
"""Of each ablation: {setting: [value of the main cells, value here]}."""


@dataclass(frozen=True)
class StudyRun:
    """A run's seeds, cross-evaluations and ablations; `changes` is what each ablation varies."""

    cells: Cells
    changes: Changes = field(default_factory=dict)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that have trained scores."""
        return self.cells.seeds

    @property
    def places(self) -> list[Cell]:
        """The evaluated models, as cells without benchmark and seed, in the order of tables."""
        evaluated = {
            cell.at(benchmark="")
            for cell in self.cells.index
            if cell.benchmark in MEMBERS[cell.requirement]
        }
        return sorted(evaluated, key=_order)

    @property
    def main(self) -> list[Cell]:
        """The places of the study itself: no ablation, the benchmark's own requirement."""
        return [place for place in self.places if place.main]

    @property
    def repeated(self) -> bool:
        """Whether there is anything beyond one seed's main cells."""
        return len(self.seeds) > 1 or len(self.main) < len(self.places)

    def score(self, place: Cell) -> Effect:
        """Return the score of one evaluated model."""
        return of(self.cells, place)

    def change(self, place: Cell, start: str = "base") -> Effect:
        """Return its change from the base, or from the SFT model it was aligned from."""
        return of(self.cells, place, CHANGE, start=start)

    def relative(self, place: Cell) -> Effect:
        """Return its change in percent of the base."""
        return of(self.cells, place, RELATIVE)

    def minus(self, first: Cell, second: Cell, measure: str = SCORE) -> Effect:
        """Return the difference of two evaluated models of one source."""
        terms = term(first), term(second, -1, model=second.model)
        return ask(self.cells, Question(terms, measure), first.model)


def _order(place: Cell) -> tuple[Any, ...]:
    return (
        place.model, REQUIREMENTS.index(place.requirement), REQUIREMENTS.index(place.trained),
        VARIANTS.index(place.variant), place.ablation, STAGES.index(place.stage),
    )  # fmt: skip


def study_of(
    raw: pd.DataFrame, changes: Changes | None = None, items: Problems | None = None
) -> StudyRun:
    """Return the study of a run's scores.

    Parameters
    ----------
    raw : `scores.collect_all` of the run.
    changes : what each ablation varies (`params.Ablation.changes`, by name).
    items : per-problem values (`cells.read_problems`), for intervals over problems.
    """
    return StudyRun(cells_of(raw, items), changes or {})
