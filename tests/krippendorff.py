"""Krippendorff's alpha of whole ratings, from the coincidences that `agreement.alphas` takes."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from codealign.analysis.agreement import alphas


def alpha(ratings: list[list[float]], level: str = "ordinal") -> float:
    """Alpha of judges x items: all ordered pairs of an item's ratings, each rating counted once."""
    data = np.array(ratings, dtype=float)
    values = np.unique(data[~np.isnan(data)])
    coincidences = np.zeros((1, len(values), len(values)))
    for item in data.T:
        given = np.searchsorted(values, item[~np.isnan(item)])
        for i, j in permutations(given, 2):
            coincidences[0, i, j] += 1 / (len(given) - 1)
    return float(alphas(coincidences, values, level)[0])
