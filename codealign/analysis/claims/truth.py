"""What a fact says: true or not, distinguishable from its opposite or not, its scores run or not.

A statement such as "Llama performs better with DPO" names no scores, stage or measure. When its
plain reading fails, every reading of a grid is asked. A definite statement (a printed range, "all
models") is then contradicted only if no reading bears it out; a general pattern if fewer than half
do. How many do is always stated: one of forty is not the same as forty of forty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from codealign.analysis import stats
from codealign.analysis.claims.matching import SHOWN, in_words
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    UNSTATED,
    Judgement,
    Search,
)
from codealign.analysis.claims.rules import Scores

BEST = "best of DPO and BoNBoN"
EACH = "DPO and BoNBoN, each"
PATTERN, DEFINITE = 0.5, 0.0
"""Share of readings that must bear out a general pattern, and a definite statement."""


class Reading(NamedTuple):
    """One reading of a statement: its words, whether it holds so, the numbers compared."""

    words: str
    holds: bool
    values: Sequence[float]


def truth(
    holds: bool,
    values: Sequence[float],
    rule: str,
    note: str = "",
    unstated: bool = False,
    p_value: float | None = None,
) -> Judgement:
    """Return the judgement of a statement that the scores bear out or not.

    With a `p_value` it is decided, either way and for a run too, only when that is below 0.05.
    """
    doubt = "" if p_value is None else f"p >= {p_value:.2g}"
    note = "; ".join(n for n in (note, doubt) if n)
    values = [round(float(v), 6) for v in values]
    if p_value is not None and not p_value < 1 - stats.CONFIDENCE:
        return Judgement(values, rule, NOT_DISTINGUISHABLE, note)
    verdict = (UNSTATED if unstated else REPRODUCED) if holds else CONTRADICTS
    return Judgement(values, rule, verdict, note, agrees=bool(holds))


def absent(what: str) -> Judgement:
    """Return the judgement of a statement whose scores were not run."""
    return Judgement(missing=f"not run: {what}")


def only_means(outcome: Judgement) -> Judgement:
    """Soften a "not significant" drawn from printed mean ratings: their spread is not published.

    The test then takes the largest possible variance, so that it can miss a real change.
    """
    if outcome.agrees:
        return outcome
    note = "only mean ratings are published: the test takes their largest possible variance"
    return replace(outcome, verdict=NOT_DERIVABLE, note=note)


def widen(
    scores: Scores,
    outcome: Judgement,
    readings: Iterable[Reading],
    grid: str,
    enough: float = PATTERN,
) -> Judgement:
    """Try other readings of a statement whose plain one fails; a run keeps the plain reading.

    A contradicted statement becomes "reproduced under an unstated rule" if enough readings bear it
    out. One that the scores do not distinguish stays so, with the count of readings beside it.

    Parameters
    ----------
    outcome : of the plain reading.
    grid : what the readings vary, in words.
    enough : share of the readings that has to bear it out; at least one has to in any case.
    """
    if not scores.paper or outcome.verdict not in (CONTRADICTS, NOT_DISTINGUISHABLE):
        return outcome
    tried = list(readings)
    held = [r for r in tried if r.holds]
    plain = in_words(outcome.rule, outcome.values)
    matches = [in_words(r.words, r.values) for r in held[:SHOWN]]
    search = Search(grid, len(tried), len(held), matches, plain, of="readings")
    count = f"{len(held)} of {len(tried)} readings bear it out"
    note = "; ".join(n for n in (outcome.note, count) if n)
    few = len(held) < max(1, enough * len(tried))
    if few or outcome.verdict == NOT_DISTINGUISHABLE:
        return replace(outcome, search=search, note=note)
    values = [float(v) for v in held[0].values]
    return replace(
        outcome, values=values, rule=held[0].words, verdict=UNSTATED, search=search,
        note=f"{note}; plain reading fails: {plain}",
    )  # fmt: skip
