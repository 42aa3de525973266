"""The paper's recommendations R1-R9 held against a user's own scores, with what to do next.

Each is "supported", "not supported", "not distinguishable" or "cannot tell" by this user's data,
by a rule over effects, with the numbers. Support needs two seeds or more, or several models: what
one training run shows is marked as such. The intervals that one rule looks through are corrected
for their number (Bonferroni).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd
import yaml

from codealign.analysis import labels
from codealign.analysis.cells import MEMBERS, Cells, Problems, cells_of
from codealign.analysis.contrasts import CHANGE, Term
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE, ONE_RUN, Effect
from codealign.analysis.gating import Gate, baseline_gate
from codealign.analysis.questions import (
    Question,
    ask,
    change,
    ends_higher,
    gains_more,
    minus,
    observed,
    of,
    over_models,
    pooled,
    technique,
)
from codealign.analysis.stats import CONFIDENCE
from codealign.cell import Cell
from codealign.paths import DATA
from codealign.records import ALIGNED, PATHWAY, REQUIREMENTS, VARIANTS

Named = TypeVar("Named")
SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
THRESHOLD = 0.10
"""Least baseline score of Observation 2."""
LONE = "one training run decides nothing, train with other seeds"
CORRECTED = "intervals corrected for {} comparisons"
BOTH_VARIANTS = "aligned scores of both variants"


class Ruled(NamedTuple):
    """What a rule finds: verdict, numbers in words, next step."""

    verdict: str
    numbers: list[str]
    next_step: str


def in_words(effect: Effect, what: str) -> str:
    """Return an effect in words: its number with interval, what that holds, how many problems."""
    number = labels.with_interval(effect.value, effect.low, effect.high, "{:+.1f}")
    held = f", {' and '.join(effect.holds)}" if effect.holds else ""
    return f"{what}: {number} points (n = {effect.n}{held})"


def _judged(
    effect: Effect, numbers: list[str], if_so: str, if_not: str, lacking: str = ""
) -> Ruled:
    """Return the verdict of an effect whose recommended direction is plus, with the next step.

    `lacking` is what it takes for a number; "" is what the effect says itself.
    """
    if math.isnan(effect.value):
        step = f"needs {lacking}" if lacking else f"{effect.missing}; {if_so}"
        return Ruled(CANNOT_TELL, [], step)
    verdict = effect.verdict_in_general(SUPPORTED, NOT_SUPPORTED)
    if verdict in (SUPPORTED, NOT_SUPPORTED):
        return Ruled(verdict, numbers, if_so if verdict == SUPPORTED else if_not)
    why = effect.missing or "within the noise, more problems or seeds would tell"
    if verdict == CANNOT_TELL and not effect.missing:
        why = f"{effect.verdict_here(SUPPORTED, NOT_SUPPORTED)}{effect.alone}: {LONE}"
    return Ruled(verdict, numbers, f"{why}; {if_so}")


def _lacking(what: str) -> Ruled:
    return Ruled(CANNOT_TELL, [], f"needs {what}")


def pathway(cells: Cells) -> Ruled:
    """R1: does the pretrained pathway gain more (functional), and which ends higher?"""
    gains = {r: over_models(cells, gains_more(r)) for r in REQUIREMENTS}
    ends = {r: over_models(cells, ends_higher(r)) for r in REQUIREMENTS}
    numbers = [
        in_words(effects[r], f"{what}, {labels.REQUIREMENTS[r]}, PTA - FTA")
        for what, effects in (("gains more", gains), ("ends higher", ends))
        for r in REQUIREMENTS if effects[r].n
    ]  # fmt: skip
    who = {1: "PTA ends higher", -1: "FTA ends higher", 0: "neither clearly ends higher"}
    told = f"{who[ends['functional'].side]}{ends['functional'].alone}"
    step = f"for a high score in the end look at the end: {told}"
    return _judged(gains["functional"], numbers, step, step, BOTH_VARIANTS)


def requirement(cells: Cells) -> Ruled:
    """R2: do non-functional scores improve more often than functional ones? (O15)"""
    effect = over_models(cells, observed("O15"))
    numbers = [in_words(effect, "share that improves, non-functional - functional")]
    steps = ("align for non-functional requirements first", "align for functional ones first")
    return _judged(effect, numbers, *steps, lacking="aligned CODAL and functional scores")


def size(cells: Cells) -> Ruled:
    """R3: within a family, does the larger model gain more?"""
    families: dict[str, dict[float, str]] = {}
    for model in cells.models:
        if named := re.search(r"^(.*?)-?(\d+(?:\.\d+)?)[bB]\b", model):
            families.setdefault(named[1].lower(), {})[float(named[2])] = model
    families = {name: sizes for name, sizes in families.items() if len(sizes) > 1}
    if not families:
        return _lacking("two sizes of one model family (named like coder-1.3b and coder-7b)")
    effects = []
    for sizes in families.values():
        ends = ((1, sizes[max(sizes)]), (-1, sizes[min(sizes)]))
        both = tuple(Term(w / 2, r, model=m) for w, m in ends for r in REQUIREMENTS)
        effect = ask(cells, Question(both))
        one = tuple(Term(w, "functional", model=m) for w, m in ends)
        effects.append(effect if not effect.missing else ask(cells, Question(one)))
    effect = pooled(effects)
    numbers = [in_words(effect, f"gains more, larger - smaller ({', '.join(families)})")]
    steps = ("prefer the larger variant", "the smaller variant gains more here: size is no reason")
    return _judged(effect, numbers, *steps, lacking="aligned scores of two sizes of one family")


def baselines(cells: Cells) -> dict[Cell, Gate]:
    """Return the gate on the functional base score of every model and variant (n: problems)."""
    places = [Cell(m, v, "functional", "base") for m, v in product(cells.models, VARIANTS)]
    scores = {place: of(cells, place) for place in places}
    return {
        place: baseline_gate(score.value / 100, THRESHOLD, score.n)
        for place, score in scores.items() if score.n
    }  # fmt: skip


def viability(cells: Cells) -> Ruled:
    """R4: do models below the baseline threshold gain less than those above?"""
    gates = baselines(cells)
    changes = {p: ask(cells, change("functional", p.variant), p.model) for p in gates}
    numbers = [f"{p.model} {p.variant}: {gate.reason}" for p, gate in gates.items()]
    if not any(moved.n for moved in changes.values()):
        return _lacking("functional base scores and aligned scores")
    sides = {s: [changes[p] for p, gate in gates.items() if gate.passed == s and changes[p].n]
             for s in (True, False)}  # fmt: skip
    weak = [f"{p.model} {p.variant}" for p, gate in gates.items() if not gate.passed]
    step = f"do not align {', '.join(weak)}" if weak else "every model is above the threshold"
    if not all(sides.values()):
        would = f"{step}; models on both sides of {THRESHOLD:.2f} would tell"
        return Ruled(CANNOT_TELL, numbers, would)
    effect = minus(pooled(sides[True]), pooled(sides[False]))
    numbers.append(in_words(effect, "gain above the threshold - below"))
    return _judged(effect, numbers, step, "the threshold is no guide for these models")


def _family(effects: Mapping[Named, Effect]) -> dict[Named, Effect]:
    """Return the effects with their intervals corrected for how many there are (Bonferroni)."""
    known = {name: e for name, e in effects.items() if not e.missing}
    confidence = 1 - (1 - CONFIDENCE) / max(len(known), 1)
    return {name: e.at(confidence) for name, e in known.items()}


def techniques(cells: Cells) -> Ruled:
    """R5: does any model clearly end higher with one technique?"""
    effects = _family({
        f"{m} {PATHWAY[v]} {labels.REQUIREMENTS[r]}": ask(cells, technique(r, v), m)
        for m, v, r in product(cells.models, VARIANTS, REQUIREMENTS)
    })  # fmt: skip
    if not effects:
        return _lacking("DPO and BoNBoN scores of one model")
    numbers = [in_words(e, f"{name}, BoNBoN - DPO") for name, e in effects.items()]
    numbers.append(CORRECTED.format(len(effects)))
    clear = "; ".join(f"{'BoNBoN' if e.side > 0 else 'DPO'} for {name}"
                      for name, e in effects.items() if e.side)  # fmt: skip
    if any(e.single for e in effects.values()):
        step = f"{ONE_RUN}: {clear or 'no clear preference'}; train with other seeds"
        return Ruled(CANNOT_TELL if clear else NOT_DISTINGUISHABLE, numbers, step)
    if clear:
        return Ruled(SUPPORTED, numbers, f"use {clear}; validate the others case by case")
    step = "no clear preference: train both and compare on held-out problems"
    return Ruled(NOT_DISTINGUISHABLE, numbers, step)


def _mixed(cells: Cells, what: str, if_so: str, if_not: str) -> Ruled:
    """R6, R8: are there aligned models with clear gains here and clear losses there?

    Not supported needs clear changes in half of the models at least.
    """
    effects = _family({
        (f"{m} {PATHWAY[v]} {labels.STAGES[s]}", name): of(cells, Cell(m, v, what, s, name), CHANGE)
        for m, v, s, name in product(cells.models, VARIANTS, ALIGNED, MEMBERS[what])
    })  # fmt: skip
    if not effects:
        return _lacking(f"aligned {labels.REQUIREMENTS[what]} scores")
    sides: dict[str, list[int]] = {}
    for (who, _), e in effects.items():
        sides.setdefault(who, []).append(e.side)
    clear = {who: signs for who, signs in sides.items() if any(signs)}
    numbers = [f"{who}: {signs.count(1)} clear gains, {signs.count(-1)} clear losses"
               for who, signs in clear.items()] or ["no change is clear of noise"]  # fmt: skip
    numbers.append(CORRECTED.format(len(effects)))
    both = [who for who, signs in clear.items() if {1, -1} <= set(signs)]
    if any(e.single for e in effects.values()):
        return Ruled(CANNOT_TELL if clear else NOT_DISTINGUISHABLE, numbers, f"{LONE}; {if_so}")
    if both:
        return Ruled(SUPPORTED, numbers, f"{if_so} (both ways: {', '.join(both)})")
    if len(clear) < len(sides) / 2 or not clear:
        return Ruled(NOT_DISTINGUISHABLE, numbers, f"more problems would tell; {if_so}")
    return Ruled(NOT_SUPPORTED, numbers, if_not)


def _harmed(cells: Cells, stages: tuple[str, ...]) -> str:
    """Return the models whose score is clearly below the base, of all corrected intervals.

    What one training run shows is marked as such.
    """
    effects = _family({
        f"{m} {v} ({labels.REQUIREMENTS[r]})": ask(cells, change(r, v, stages), m)
        for m, v, r in product(cells.models, VARIANTS, REQUIREMENTS)
    })  # fmt: skip
    return ", ".join(f"{name}{e.alone}" for name, e in effects.items() if e.side < 0)


def early_stop(cells: Cells) -> Ruled:
    """R7: do scores that fell during SFT end below the base more often? (O8)"""
    effect, harmed = over_models(cells, observed("O8")), _harmed(cells, ("sft",))
    step = f"stop after SFT: {harmed}" if harmed else "no SFT has clearly done harm"
    what = "share that ends below the base, fell in SFT - the rest (halves of the problems)"
    otherwise = "a fall during SFT is no reason to stop here"
    return _judged(effect, [in_words(effect, what)], step, otherwise)


def compatibility(cells: Cells) -> Ruled:
    """R9: do finetuned models lose heavily more often than pretrained ones? (O19)"""
    question = observed("O19")
    effect = over_models(cells, question)
    if math.isnan(effect.value):  # one requirement alone was run
        lone = [t for t in question.contrast if t.requirement == "functional"]
        terms = tuple(replace(t, weight=2 * t.weight) for t in lone)
        effect = over_models(cells, replace(question, contrast=terms))
    harmed = _harmed(cells, ALIGNED)
    step = f"screen before aligning further: {harmed}" if harmed else "no clear harm"
    what = "share of scores that lose more than 30 % of the base, FTA - PTA"
    return _judged(effect, [in_words(effect, what)], step, step, BOTH_VARIANTS)


RULES: dict[str, Callable[[Cells], Ruled]] = {
    "R1": pathway, "R2": requirement, "R3": size, "R4": viability, "R5": techniques,
    "R6": partial(
        _mixed, what="functional", if_so="evaluate on several benchmarks",
        if_not="clear changes all go one way: one may do",
    ),
    "R7": early_stop,
    "R8": partial(
        _mixed, what="non_functional", if_so="watch every dimension, not the average",
        if_not="no trade-off between dimensions is clear",
    ),
    "R9": compatibility,
}  # fmt: skip


@dataclass(frozen=True)
class Advice:
    """One recommendation: the paper's text, whether these data support it, why, what to do."""

    id: str
    recommendation: str
    verdict: str
    numbers: list[str]
    next_step: str

    @property
    def title(self) -> str:
        """The recommendation's number and verdict."""
        return f"{self.id}: {self.verdict}"

    @property
    def markdown(self) -> str:
        """What stands below the title: recommendation, numbers and next step."""
        points = [*self.numbers, f"Next: {self.next_step}."]
        return "\n".join([f"{self.recommendation}.", "", *(f"- {point}" for point in points)])


def recommendations() -> dict[str, str]:
    """Return the paper's recommendations (its Table 6) by id, in their order."""
    categories = yaml.safe_load((DATA / "recommendations.yaml").read_text(encoding="utf-8"))
    return {item["id"]: item["text"] for category in categories for item in category["items"]}


def advise(frame: pd.DataFrame, items: Problems | None = None) -> list[Advice]:
    """Say for R1-R9 whether these scores support them and what to do next.

    Parameters
    ----------
    frame : tidy scores of one source, a row for each seed; missing models, variants or stages lead
        to "cannot tell".
    items : per-problem values of the run, for paired intervals.
    """
    cells = cells_of(frame, items)
    return [Advice(id, text, *RULES[id](cells)) for id, text in recommendations().items()]


SEPARATOR = "; "
"""Between the numbers of one recommendation in `advice.csv`."""


def advice_frame(advice: list[Advice]) -> pd.DataFrame:
    """Return the advice as a frame: id, verdict, numbers, next step."""
    rows = [[a.id, a.verdict, SEPARATOR.join(a.numbers), a.next_step] for a in advice]
    return pd.DataFrame(rows, columns=["id", "verdict", "numbers", "next_step"])


def read_advice(path: Path) -> list[Advice]:
    """Read the advice back from the CSV file of `advice_frame`."""
    texts = recommendations()
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return [
        Advice(row["id"], texts[row["id"]], row["verdict"],
               row["numbers"].split(SEPARATOR) if row["numbers"] else [], row["next_step"])
        for row in rows
    ]  # fmt: skip


def advice_markdown(advice: list[Advice]) -> str:
    """Return the advice as Markdown: a heading, the verdict, the numbers and the next step."""
    return "\n\n".join(f"### {a.title}\n\n{a.markdown}" for a in advice) + "\n"
