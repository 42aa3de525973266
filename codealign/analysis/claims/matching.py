"""Set numbers beside published ones: as printed, from unrounded scores, by a rule looked for.

A printed score stands for a small interval: a pass@1 of n problems is k/n for a whole k, so only
some values are possible at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from codealign.analysis.claims.grids import Candidate
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    REPRODUCED,
    UNSTATED,
    Search,
    Statement,
)
from codealign.analysis.scores import benchmark
from codealign.cell import Cell

TRUNCATED = "printed truncated, not rounded"
SHOWN = 5
SPREAD = 0.5
WEAK_REACH = 0.5
WEAK_MATCHES = 20


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
        fits = (pair for pair, change in changes.items() if close(change, published, tolerance))
        counts = [round(score * about.n) for score in next(fits, ())]
        return (
            "from whole counts: {} -> {} of {} problems".format(*counts, about.n) if counts else ""
        )
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
