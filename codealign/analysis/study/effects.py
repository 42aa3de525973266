"""A run with several seeds, cross-evaluation or ablations: its cells, and what is asked of each.

A seed makes its own preference data and trains its own models. All seeds answer the same problems,
and the base model is one model with greedy answers, the same for all. What an interval holds, and
how, says `analysis.effects`. Ablations are grouped by what they vary, each beside the main cells;
of a placebo, random pairs, there is a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from codealign.analysis.cells import MEMBERS, Cells, Problems, cells_of
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE
from codealign.analysis.effects import CANNOT_TELL, Effect
from codealign.analysis.questions import Question, ask, of, term
from codealign.cell import Cell
from codealign.records import ALIGNED, REQUIREMENTS, STAGES, VARIANTS

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
    def crossed(self) -> list[Cell]:
        """The places on the other requirement's benchmarks, without ablations."""
        return [place for place in self.places if place.cross and not place.ablation]

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


NO_GAIN, GAIN = "no gain, as it must be", "gains: do not trust"


@dataclass(frozen=True)
class Varied:
    """Ablations that vary the same settings; `labels` has the value of each, "" is the main's."""

    title: str
    labels: dict[str, str]


def groups(study: StudyRun) -> list[Varied]:
    """Return the ablations by the settings they vary, in the order of the profile."""
    by_settings: dict[tuple[str, ...], dict[str, str]] = {}
    for name, changes in study.changes.items():
        values = by_settings.setdefault(tuple(changes), {"": _value(changes, 0)})
        values[name] = _value(changes, 1)
    return [Varied(_title(keys), _sorted(values)) for keys, values in by_settings.items()]


def _title(keys: tuple[str, ...]) -> str:
    """Return e.g. "pairs (sft, dpo)" for sft.pairs and align.dpo.pairs."""
    sections: dict[str, list[str]] = {}
    for key in keys:
        *above, last = key.split(".")
        sections.setdefault(last, []).append(above[-1])
    return "; ".join(f"{last} ({', '.join(where)})" for last, where in sections.items())


def _value(changes: Any, at: int) -> str:
    return ", ".join(dict.fromkeys(str(pair[at]) for pair in changes.values()))


def _sorted(values: dict[str, str]) -> dict[str, str]:
    """Order by value where all values are numbers, else as given."""
    try:
        return dict(sorted(values.items(), key=lambda item: float(item[1])))
    except ValueError:
        return values


@dataclass(frozen=True)
class Compared:
    """A cell under one value of a varied setting; `against` is its score minus the main cell's."""

    place: Cell
    label: str
    change: Effect
    against: Effect


def compared(study: StudyRun, group: Varied) -> list[Compared]:
    """Return the rows of a group: for each cell that an ablation has, main and varied."""
    places = study.places
    varied = [p for p in places if p.ablation and p.ablation in group.labels]
    cells = dict.fromkeys(p.at(ablation="") for p in varied)
    return [
        Compared(place, label, study.change(place), study.minus(place, cell))
        for cell in cells
        for name, label in group.labels.items()
        if (place := cell.at(ablation=name)) in places
    ]


@dataclass(frozen=True)
class Placebo:
    """Gains of a cell trained on random pairs (`place` None: of all the cells together).

    `sft` and `base` are its gains over the SFT model it starts from and over the base, `main` is
    that of the main cell over the same SFT model.
    """

    place: Cell | None
    requirement: str
    sft: Effect
    base: Effect
    main: Effect
    verdict: str = ""


def placebo(study: StudyRun) -> list[Placebo]:
    """Return the gains of cells trained on random pairs: of each cell, then of all together.

    The last row of a model and requirement has the cells' mean, and the verdict: one interval,
    because among several some miss 0 by chance.
    """
    names = [
        name
        for name, changes in study.changes.items()
        if all(key.endswith(".placebo") and pair[1] for key, pair in changes.items())
    ]
    places = [p for p in study.places if p.ablation in names and p.stage in ALIGNED]
    rows = []
    for key in dict.fromkeys((p.model, p.requirement, p.trained, p.ablation) for p in places):
        arm = [p for p in places if (p.model, p.requirement, p.trained, p.ablation) == key]
        for place in arm:
            main = place.at(ablation="")
            gains = study.change(place, "sft"), study.change(place), study.change(main, "sft")
            rows.append(Placebo(place, place.requirement, *gains))
        rows.append(_together(study, arm))
    return rows


def _together(study: StudyRun, places: list[Cell]) -> Placebo:
    def mean(start: str, ablated: bool = True) -> Effect:
        averaged = places if ablated else [place.at(ablation="") for place in places]
        terms = tuple(term(place, 1 / len(places), start=start) for place in averaged)
        return ask(study.cells, Question(terms, CHANGE), places[0].model)

    sft = mean("sft")
    verdict = CANNOT_TELL if sft.seeds < 2 or sft.missing else GAIN if sft.side > 0 else NO_GAIN
    return Placebo(None, places[0].requirement, sft, mean("base"), mean("sft", False), verdict)
