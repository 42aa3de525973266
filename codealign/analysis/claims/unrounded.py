"""Which changes unrounded scores could have had: a printed score stands for a small interval.

A pass@1 of n problems is k/n for a whole k, so only some values are possible at all.
"""

from __future__ import annotations

import math
from itertools import product

from codealign.analysis.claims.board import Cell


def possible(cell: Cell, value: float) -> list[float]:
    """Return the scores that print as `value`: all k/n of a pass@1, else the rounding's ends."""
    about = cell.about
    half = 0.5 * 10.0**-about.decimals
    if about.metric != "pass@1":
        return [value - half, value + half]
    low = math.ceil((value - half) * about.n - 1e-6)
    high = math.floor((value + half) * about.n + 1e-6)
    return [k / about.n for k in range(max(0, low), min(about.n, high) + 1)]


def relative_from(
    cells: tuple[Cell, Cell], printed: tuple[float, float], published: float, tolerance: float
) -> str:
    """Return how unrounded scores behind two printed ones give a relative change, or "".

    Parameters
    ----------
    cells : base and later cell.
    printed : their printed scores.
    published : relative change in percent.
    tolerance : largest difference that the published digits allow.
    """
    before, after = (possible(c, v) for c, v in zip(cells, printed, strict=True))
    changes = {(b, a): 100 * (a / b - 1) for b, a in product(before, after) if b > 0}
    if not changes:
        return ""
    if cells[0].about.metric == "pass@1":
        for (b, a), change in changes.items():
            if abs(change - published) <= tolerance + 1e-9:
                n = cells[0].about.n
                return f"from whole counts: {round(b * n)} -> {round(a * n)} of {n} problems"
        return ""
    inside = min(changes.values()) - tolerance <= published <= max(changes.values()) + tolerance
    return "within the rounding of the two printed scores" if inside else ""
