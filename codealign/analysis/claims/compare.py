"""Set computed numbers beside published ones: rounded, truncated, or from unrounded scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codealign.analysis.claims.model import CONTRADICTS, NOT_DERIVABLE, REPRODUCED, UNSTATED
from codealign.analysis.claims.search import close, half_unit

TRUNCATED = "printed truncated, not rounded"


def fit(value: float, published: float, decimals: int) -> str | None:
    """Return "" if a value rounds to the published one, `TRUNCATED` if it is cut to it, or None."""
    if math.isnan(value):
        return None
    if close(value, published, half_unit(decimals)):
        return ""
    unit = 10.0**decimals
    cut = math.trunc(value * unit + math.copysign(1e-9, value)) / unit
    return TRUNCATED if abs(cut - published) < 1e-9 else None


def verdict(
    values: Sequence[float], published: Sequence[float], decimals: Sequence[int], unstated: str
) -> tuple[str, str]:
    """Return (verdict, note) for numbers that a definite rule gives.

    All have to match. A match by truncation, or by a rule with something `unstated`, is
    "reproduced under an unstated rule". No value at all is "not derivable".
    """
    if not values or any(math.isnan(v) for v in values):
        return NOT_DERIVABLE, "the rule gives no number"
    fits = [fit(*case) for case in zip(values, published, decimals, strict=True)]
    if any(f is None for f in fits):
        return CONTRADICTS, ""
    notes = [n for n in (unstated, TRUNCATED if TRUNCATED in fits else "") if n]
    return (UNSTATED, "; ".join(notes)) if notes else (REPRODUCED, "")
