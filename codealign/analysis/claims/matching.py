"""Hold numbers against the published ones, and orders against what the scores can tell.

A printed score stands for a small interval: a pass@1 of n problems is k/n for a whole k, so only
some values are possible at all.

A statement such as "Llama performs better with DPO" names no scores, stage or measure. When its
plain reading fails, every reading of a grid is asked. A definite statement (a printed range, "all
models") is then contradicted only if no reading bears it out; a general pattern if fewer than half
do. How many do is always stated: one of forty is not the same as forty of forty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims.grids import Candidate
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    UNSTATED,
    Judgement,
    Search,
    Statement,
)
from codealign.analysis.claims.rules import Scores
from codealign.analysis.scores import benchmark
from codealign.cell import Cell

TRUNCATED = "printed truncated, not rounded"
SHOWN = 5
SPREAD = 0.5
WEAK_REACH = 0.5
WEAK_MATCHES = 20
BEST = "best of DPO and BoNBoN"
EACH = "DPO and BoNBoN, each"
PATTERN, DEFINITE = 0.5, 0.0
"""Share of readings that must bear out a general pattern, and a definite statement."""


def half_unit(decimals: int) -> float:
    """Return half a unit of the last printed digit: what rounding allows."""
    return 0.5 * 10.0**-decimals


def close(value: float, published: float, tolerance: float) -> bool:
    """Return whether a value rounds to the published one (a tie may go either way)."""
    return bool(abs(value - published) <= tolerance + 1e-9)


def fit(value: float, published: float, decimals: int) -> str | None:
    """Return "" if a value rounds to the published one, `TRUNCATED` if it is cut to it, or None."""
    if math.isnan(value):
        return None
    if close(value, published, half_unit(decimals)):
        return ""
    unit = 10.0**decimals
    cut = math.trunc(value * unit + math.copysign(1e-9, value)) / unit
    return TRUNCATED if abs(cut - published) < 1e-9 else None


def verdict(values: Sequence[float], statement: Statement) -> tuple[str, str]:
    """Return (verdict, note) for numbers that a definite rule gives.

    All have to match. A match by truncation, or by a rule with something `unstated`, is
    "reproduced under an unstated rule". No value at all is "not derivable".
    """
    if not values or any(map(math.isnan, values)):
        return NOT_DERIVABLE, "the rule gives no number"
    cases = zip(values, statement.published, statement.decimals, strict=True)
    fits = [fit(*case) for case in cases]
    if None in fits:
        return CONTRADICTS, ""
    notes = [n for n in (statement.unstated, TRUNCATED if TRUNCATED in fits else "") if n]
    return (UNSTATED, "; ".join(notes)) if notes else (REPRODUCED, "")


def possible(cell: Cell, value: float) -> list[float]:
    """Return the scores that print as `value`: all k/n of a pass@1, else the rounding's ends."""
    about = benchmark(cell.benchmark)
    low, high = (value + sign * half_unit(about.decimals) for sign in (-1, 1))
    if about.metric != "pass@1":
        return [low, high]
    counts = range(math.ceil(low * about.n - 1e-6), math.floor(high * about.n + 1e-6) + 1)
    return [k / about.n for k in counts if 0 <= k <= about.n]


def relative_from(
    cells: tuple[Cell, Cell], printed: tuple[float, float], published: float, tolerance: float
) -> str:
    """Return how unrounded scores behind two printed ones give a change in percent, or ""."""
    about = benchmark(cells[0].benchmark)
    before, after = (possible(c, v) for c, v in zip(cells, printed, strict=True))
    changes = {(b, a): 100 * (a / b - 1) for b, a in product(before, after) if b > 0}
    if not changes:
        return ""
    if about.metric == "pass@1":
        fits = [pair for pair, change in changes.items() if close(change, published, tolerance)]
        if not fits:
            return ""
        first, last = (round(score * about.n) for score in fits[0])
        return f"from whole counts: {first} -> {last} of {about.n} problems"
    inside = min(changes.values()) - tolerance <= published <= max(changes.values()) + tolerance
    return "within the rounding of the two printed scores" if inside else ""


def look(
    candidates: Iterable[Candidate], published: Sequence[float], decimals: Sequence[int], grid: str
) -> tuple[Search, list[Candidate]]:
    """Compare every candidate with the published numbers.

    Parameters
    ----------
    candidates : (rule, values); `values` has one number for each published one.
    decimals : printed digits after the point of each, which set the rounding of a match.
    grid : what was varied, in words.

    Returns
    -------
    The search, and all matching candidates, closest first. A match has to meet all published
    numbers at once.
    """
    known = [c for c in candidates if not any(map(math.isnan, c[1]))]
    if not known:
        return Search(grid, 0, 0, [], "no candidate gives a number"), []
    values = np.array([numbers for _, numbers in known])
    target, digits = np.array(published), np.array(decimals)
    distance = (np.abs(values - target) / half_unit(digits)).max(axis=1)
    order = np.argsort(distance, kind="stable")
    hits = [known[i] for i in order if distance[i] <= 1 + 1e-6]
    told = [in_words(rule.words(), numbers) for rule, numbers in (*hits[:SHOWN], known[order[0]])]
    reach, typical = _weight(values, target, digits)
    search = Search(
        grid, len(known), len(hits), told[:-1], told[-1], round(reach, 3), round(typical, 1)
    )
    return search, hits


def _weight(values: np.ndarray, target: np.ndarray, digits: np.ndarray) -> tuple[float, float]:
    """Return (reach, typical): how easily this grid gives a number near the published one.

    Looks at the printable numbers within 50 % of the published: `reach` is the share of them that
    some candidate gives (of the first number only, where there are several), `typical` how many
    candidates give such a number, of those given at all.
    """
    around = np.maximum(SPREAD * np.abs(target), 10.0**-digits)
    near = (np.abs(values - target) <= around).all(axis=1)
    if not near.any():
        return 0.0, 0.0
    given, counts = np.unique(np.round(values[near] * 10.0**digits), axis=0, return_counts=True)
    width = 2 * around[0] * 10.0 ** digits[0] + 1
    return min(1.0, len(np.unique(given[:, 0])) / width), float(counts.mean())


def in_words(words: str, values: Sequence[float]) -> str:
    """Return a rule's words with its values."""
    return f"{words} = {', '.join(f'{v:.4g}' for v in values)}"


def worth(search: Search) -> str:
    """Return how many rules fit, and a warning where a fit may well be by chance."""
    text = f"{search.matching} of {search.tried} candidate rules fit"
    if search.reach >= WEAK_REACH or search.matching > WEAK_MATCHES:
        text += ": weak evidence for any single one"
    return text


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
    """Soften a "not significant" drawn from printed mean ratings: their spread is not published."""
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
