"""Look for the rule behind a published number, and say how much a match is worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from codealign.analysis.claims.grids import Candidate
from codealign.analysis.claims.model import Search

SHOWN = 5
DECOYS = 200
SPREAD = 0.5


def half_unit(decimals: int) -> float:
    """Return half a unit of the last printed digit: what rounding allows."""
    return 0.5 * 10.0**-decimals


def close(value: float, published: float, tolerance: float) -> bool:
    """Return whether a value rounds to the published one (a tie may go either way)."""
    return bool(abs(value - published) <= tolerance + 1e-9)


def look(
    candidates: Iterable[Candidate], published: Sequence[float], tolerance: float, grid: str
) -> tuple[Search, list[Candidate]]:
    """Compare every candidate with the published numbers.

    Parameters
    ----------
    candidates : (words, values); `values` has one number for each published one.
    tolerance : largest difference that the printed digits allow.
    grid : what was varied, in words.

    Returns
    -------
    The search, and all matching candidates. A match has to meet all published numbers at once.
    """
    known = [c for c in candidates if np.all(np.isfinite(c[1]))]
    if not known:
        return Search(grid, 0, 0, [], 0.0, "no candidate gives a number"), []
    values = np.array([c[1] for c in known])
    distance = np.abs(values - np.asarray(published)).max(axis=1)
    hits = [known[i] for i in np.flatnonzero(distance <= tolerance + 1e-9)]
    nearest = known[int(distance.argmin())]
    search = Search(
        grid=grid,
        tried=len(known),
        matching=len(hits),
        matches=[told(c) for c in hits[:SHOWN]],
        by_chance=round(_by_chance(values, published, tolerance), 2),
        nearest=told(nearest),
    )
    return search, hits


def _by_chance(values: np.ndarray, published: Sequence[float], tolerance: float) -> float:
    """Return the mean number of matches of decoys spread within 50 % of the published numbers.

    Shares that sum to 100 lose their last one, which the others determine.
    """
    if len(published) > 1 and abs(sum(published) - 100) < 0.2:
        values, published = values[:, :-1], published[:-1]
    factors = np.linspace(1 - SPREAD, 1 + SPREAD, DECOYS)
    counts = np.ones((DECOYS, len(values)), dtype=bool)
    for column, target in zip(values.T, published, strict=True):
        decoys = factors * target if target else (factors - 1) * 2
        counts &= np.abs(column[None, :] - decoys[:, None]) <= tolerance + 1e-9
    return float(counts.sum(axis=1).mean())


def told(candidate: Candidate) -> str:
    """Return a candidate in words with its value."""
    words, values = candidate
    return f"{words} = {', '.join(f'{v:.4g}' for v in values)}"
