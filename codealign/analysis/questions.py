"""What is asked of a run, as data: a measure and the terms of a contrast.

The same question stands in several places of a report (the answer, an observation, a
recommendation, a line of the ledger). All of them ask it here, so that all have one number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import yaml

from codealign.analysis.cells import BENCHMARKS, Cells
from codealign.analysis.contrasts import CHANGE, MEASURES, SCORE, Contrast, Term
from codealign.analysis.effects import Effect, effect
from codealign.analysis.pooling import pooled, split
from codealign.cell import Cell
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA
from codealign.records import ALIGNED

SPLIT = "split"
"""Measure without terms: what a fall in SFT says of the end (`effects.split`)."""
PTA, FTA = ("pretrained",), ("finetuned",)


@dataclass(frozen=True)
class Question:
    """A number to ask for.

    Attributes
    ----------
    contrast, measure : as `effects.effect` takes them.
    null : what the number is if there is nothing to find; it is taken off.
    rule, unit : what is measured, in words.
    """

    contrast: Contrast
    measure: str = CHANGE
    null: float = 0.0
    rule: str = ""
    unit: str = "points"


def ask(cells: Cells, question: Question, model: str = "", weigh: str = BENCHMARKS) -> Effect:
    """Return the effect that a question is about, for one model."""
    if question.measure == SPLIT:
        return split(cells, model, question.rule)
    result = effect(cells, question.contrast, question.measure, model, weigh, question.rule)
    off = question.null
    if not off:
        return result
    return replace(result, value=result.value - off, low=result.low - off, high=result.high - off)


def term(
    place: Cell,
    weight: float = 1.0,
    names: Sequence[str] = (),
    start: str = "base",
    model: str = "",
) -> Term:
    """Return the term of one evaluated model, or of its cell on one benchmark.

    Parameters
    ----------
    names : benchmarks; () means the place's own, or those of the requirement's score.
    start : stage that a change is taken from.
    model : "" means the model asked about.
    """
    return Term(
        weight, place.requirement, (place.variant,), (place.stage,),
        tuple(names) or (place.benchmark,) * bool(place.benchmark), start, model,
        place.trained, place.ablation,
    )  # fmt: skip


def of(cells: Cells, place: Cell, measure: str = SCORE, **more: Any) -> Effect:
    """Return a measure of one evaluated model; further arguments are those of `term`."""
    return ask(cells, Question((term(place, **more),), measure), place.model)


def over_models(cells: Cells, question: Question) -> Effect:
    """Return a question's effect over all models of the cells (`effects.pooled`)."""
    return pooled([ask(cells, question, model) for model in cells.models])


def gains_more(requirement: str, stages: Sequence[str] = ALIGNED) -> Question:
    """Which pathway gains more over its own base? PTA's change minus FTA's, in points."""
    return Question(_pathways(requirement, stages), CHANGE)


def ends_higher(requirement: str, stages: Sequence[str] = ALIGNED) -> Question:
    """Which pathway ends higher? PTA's score minus FTA's, in points."""
    return Question(_pathways(requirement, stages), SCORE)


def _pathways(requirement: str, stages: Sequence[str]) -> Contrast:
    pta = Term(1, requirement, PTA, tuple(stages))
    return pta, replace(pta, weight=-1, variants=FTA)


def change(requirement: str, variant: str, stages: Sequence[str] = ALIGNED) -> Question:
    """How far is a pathway above its base, in points?"""
    return Question((Term(1, requirement, (variant,), tuple(stages)),), CHANGE)


def technique(requirement: str, variant: str) -> Question:
    """Which technique ends higher? BoNBoN's score minus DPO's, in points."""
    first = Term(1, requirement, (variant,), ("bonbon",))
    return Question((first, replace(first, weight=-1, stages=("dpo",))), SCORE)


def question_of(entry: Mapping[str, Any], where: str = "") -> Question:
    """Read a question from data: `measure`, `terms` (pairs of weight and fields), `null`.

    The fields of a term are those of `effects.Term`; `requirements` is the mean over several.

    Raises
    ------
    CodealignError
        An unknown measure or field.
    """
    measure = entry.get("measure", CHANGE)
    if measure not in (*MEASURES, SPLIT):
        raise CodealignError(f"{where}: measure {measure!r}" + nearest(measure, list(MEASURES)))
    terms: list[Term] = []
    for weight, fields in entry.get("terms", ()):
        several = fields.get("requirements", [fields.get("requirement", "functional")])
        rest = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
                if not k.startswith("requirement")}  # fmt: skip
        try:
            terms += [Term(weight / len(several), name, **rest) for name in several]
        except TypeError as error:
            raise CodealignError(f"{where}: terms: {error}") from None
    return Question(
        tuple(terms), measure, entry.get("null", 0.0), entry.get("measured", ""),
        entry.get("unit", "points"),
    )  # fmt: skip


@cache
def observations() -> tuple[dict[str, Any], ...]:
    """Return the paper's observations O1 to O20 (`data/observations.yaml`)."""
    return tuple(yaml.safe_load((DATA / "observations.yaml").read_text(encoding="utf-8")))


def observed(name: str) -> Question:
    """Return the question that stands for an observation, e.g. "O1"."""
    entry = next(e for e in observations() if e["id"] == name)
    return question_of(entry, f"observations.yaml, {name}")
