"""What is asked of a run, as data: a measure and the terms of a contrast.

The same question occurs in several places of a report (the answer, an observation, a
recommendation, a line of the ledger). All of them ask it here, so that all have one number. Here
effects are also combined: over models, between groups of models, over halves of the problems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import yaml

from codealign.analysis.cells import BENCHMARKS, MEMBERS, Cells
from codealign.analysis.contrasts import CHANGE, MEASURES, RELATIVE, SCORE, Contrast, Term
from codealign.analysis.effects import LEAST_SIGNS, MODELS, TOO_FEW, Effect, bounded, effect
from codealign.cell import Cell
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA
from codealign.records import ALIGNED, STAGES, VARIANTS

SPLIT = "split"
"""Measure without terms: what a fall in SFT says of the end (`effects.split`)."""
PTA, FTA = ("pretrained",), ("finetuned",)


def pooled(effects: Sequence[Effect]) -> Effect:
    """Return the mean of one effect over models, each with its own interval or none.

    With several seeds it is about these models, and covers what theirs cover. With one seed, three
    models or more (six of a count of signs) stand for models in general: Student's t over them.
    """
    known = [e for e in effects if not math.isnan(e.value)]
    if len(known) < 2:
        return known[0] if known else next(iter(effects), Effect(missing="not run"))
    values = np.array([e.value for e in known])
    mean = Effect(
        float(values.mean()), n=sum(e.n for e in known), seeds=min(e.seeds for e in known),
        missing=next((e.missing for e in known if e.missing), ""), benchmarks=known[0].benchmarks,
    )  # fmt: skip
    counts = any(math.isnan(e.low) for e in known)
    if mean.seeds < 2 and len(known) >= (LEAST_SIGNS if counts else 3):
        error = float(values.std(ddof=1)) / math.sqrt(len(known))
        over = replace(mean, seeds=len(known), missing="", per_seed=tuple(map(float, values)))
        return replace(bounded(over, 0.0, 1.0, error), holds=(MODELS,)) if error else mean
    if counts:
        return mean
    errors = [math.hypot(*(getattr(e, name) for e in known)) / len(known)
              for name in ("problem_error", "seed_error")]  # fmt: skip
    return bounded(mean, errors[0], min(e.freedom for e in known), errors[1])


def minus(first: Effect, second: Effect) -> Effect:
    """Return the difference of two independent effects, such as of two groups of models."""
    both = (first, second)
    result = replace(
        first, value=first.value - second.value, n=first.n + second.n,
        seeds=min(e.seeds for e in both), low=math.nan, high=math.nan,
    )  # fmt: skip
    if any(math.isnan(e.low) for e in both) or first.holds != second.holds:
        return replace(result, holds=(), missing="one side has too few models")
    errors = [math.hypot(*(getattr(e, name) for e in both))
              for name in ("problem_error", "seed_error")]  # fmt: skip
    difference = bounded(result, errors[0], min(e.freedom for e in both), errors[1])
    return replace(difference, holds=first.holds)


def split(cells: Cells, model: str = "") -> Effect:
    """Return by how much more often scores that fell in SFT end below the base than the others.

    A fall in SFT and an end below the base share one base score, whose own error ties them
    together. So the fall is looked for on one half of the problems and the end on the other, both
    ways round; the number is the difference of the two shares, in percent.
    """
    seeds = range(cells.halves.shape[1])
    tables = [_fell_and_ended(cells, model, column, side) for column in seeds for side in (0, 1)]
    both_ways = zip(tables[::2], tables[1::2], strict=True)
    per_seed = [(_gap(*one) + _gap(*other)) / 2 for one, other in both_ways]
    known = tuple(float(v) for v in np.round(per_seed, 9) if math.isfinite(v))
    if not known:
        why = "it takes each seed's problems, and scores that fell in SFT as well as others"
        return Effect(missing=why)
    fell, ended = (np.concatenate(part) for part in zip(*tables, strict=True))
    places = len(tables[0][0])
    result = Effect(float(np.mean(known)), n=places, seeds=len(known), per_seed=known)
    if result.seeds < LEAST_SIGNS:
        return replace(result, missing=TOO_FEW)
    # Each place is one draw, however many seeds look at it: that is a share's largest variance.
    part = float(fell.mean())
    least = max(min(part, 1 - part) * places, 1.0)
    return bounded(result, 100 * 0.5 / math.sqrt(least), places, result.signs_error)


def _fell_and_ended(
    cells: Cells, model: str, column: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    fell, ended = [], []
    one, other = (cells.halves[:, column, s] for s in (side, 1 - side))
    places = [(r, name, v) for r, names in MEMBERS.items() for name in names for v in VARIANTS]
    for requirement, name, variant in places:
        stages = [Cell(model, variant, requirement, stage, name) for stage in STAGES]
        base, sft, *aligned = (cells.index.get(cell) for cell in stages)
        aligned = [row for row in aligned if row is not None]
        if base is not None and sft is not None and aligned:
            fell.append(one[sft] - one[base])
            ended.append(max(other[row] for row in aligned) - other[base])
    known = np.isfinite(fell) & np.isfinite(ended)
    return np.array(fell)[known] < 0, np.array(ended)[known] < 0


def _gap(fell: np.ndarray, ended: np.ndarray) -> float:
    if not fell.any() or fell.all():
        return math.nan
    return 100 * float(ended[fell].mean() - ended[~fell].mean())


@dataclass(frozen=True)
class Question:
    """A number to ask for.

    Attributes
    ----------
    contrast, measure : as `effects.effect` takes them.
    null : what the number is if there is nothing to find; it is taken off.
    rule : what is measured, in words.
    """

    contrast: Contrast
    measure: str = CHANGE
    null: float = 0.0
    rule: str = ""

    @property
    def unit(self) -> str:
        """Unit of the number: percent of the start, or points (also of a share)."""
        return "%" if self.measure == RELATIVE else "points"


def ask(cells: Cells, question: Question, model: str = "", weigh: str = BENCHMARKS) -> Effect:
    """Return the effect that a question is about, for one model."""
    if question.measure == SPLIT:
        return split(cells, model)
    result = effect(cells, question.contrast, question.measure, model, weigh)
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

    `measured` says it in words. The fields of a term are those of `effects.Term`; `requirements`
    is the mean over several.

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
    return Question(tuple(terms), measure, entry.get("null", 0.0), entry.get("measured", ""))


@cache
def observations() -> tuple[dict[str, Any], ...]:
    """Return the paper's observations O1 to O20 (`data/observations.yaml`)."""
    return tuple(yaml.safe_load((DATA / "observations.yaml").read_text(encoding="utf-8")))


def observed(name: str) -> Question:
    """Return the question that stands for an observation, e.g. "O1"."""
    entry = next(e for e in observations() if e["id"] == name)
    return question_of(entry, f"observations.yaml, {name}")
