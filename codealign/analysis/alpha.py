"""Krippendorff's alpha, for any number of judges and missing ratings.

Alpha = 1 - observed disagreement / disagreement expected by chance (Krippendorff 2011, Computing
Krippendorff's alpha-reliability, repository.upenn.edu/asc_papers/43). It takes the judges as
interchangeable, unlike kappa, and small samples into account. Items that fewer than two judges
rated are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from codealign.errors import CodealignError

LEVELS = ("nominal", "ordinal", "interval")


def alpha(ratings: Sequence[Sequence[float]], level: str = "ordinal") -> float:
    """Return alpha (1: perfect, 0: as by chance), or NaN if no disagreement is possible.

    Parameters
    ----------
    ratings : judges x items; NaN where a judge gave none.
    level : what the scale is taken for: "nominal", "ordinal" or "interval".
    """
    data = np.asarray(ratings, dtype=float)
    values = np.unique(data[~np.isnan(data)])
    coincidences = np.zeros((len(values), len(values)))
    for item in data.T:
        places = np.searchsorted(values, item[~np.isnan(item)])
        counts = np.bincount(places, minlength=len(values)).astype(float)
        if len(places) > 1:
            coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(places) - 1)
    if coincidences.sum() == 0:
        return math.nan
    return float(alphas(coincidences[None], values, level)[0])


def alphas(coincidences: np.ndarray, values: np.ndarray, level: str) -> np.ndarray:
    """Return alpha of each coincidence matrix; NaN where no disagreement is possible.

    Parameters
    ----------
    coincidences : [matrices, values, values], symmetric: how often two values met on an item.
    values : the scale's values, rising.
    """
    margins = coincidences.sum(axis=2)
    total = margins.sum(axis=1)
    distances = _distances(margins, values, level)
    observed = (coincidences * distances).sum(axis=(1, 2))
    expected = np.einsum("ri,rij,rj->r", margins, distances, margins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan)


def _distances(margins: np.ndarray, values: np.ndarray, level: str) -> np.ndarray:
    """Return the squared distances [matrices, values, values] of a level of measurement."""
    if level == "ordinal":
        # Ranks between two values, each end counted by half, in units of the ratings given.
        ranks = margins.cumsum(axis=1) - margins / 2
        return (ranks[:, :, None] - ranks[:, None, :]) ** 2
    if level not in LEVELS:
        raise CodealignError(f"alpha: level {level!r}: valid are {', '.join(LEVELS)}")
    apart = np.abs(values[:, None] - values[None, :])
    return np.broadcast_to(apart**2 if level == "interval" else (apart > 0) * 1.0,
                           (len(margins), len(values), len(values)))  # fmt: skip
