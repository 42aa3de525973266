"""Ablations grouped by what they vary, each beside the main cells; the placebo's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codealign.analysis.contrasts import CHANGE
from codealign.analysis.effects import CANNOT_TELL, Effect
from codealign.analysis.questions import Question, ask, term
from codealign.analysis.study.effects import StudyRun
from codealign.cell import Cell
from codealign.records import ALIGNED

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
    cells = dict.fromkeys(p.at(ablation="") for p in places if p.ablation in group.labels
                          and p.ablation)  # fmt: skip
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
        if any(key.endswith(".placebo") and pair[1] for key, pair in changes.items())
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
