"""What a user's own run says of a statement.

- A change or an average agrees if its 95 % interval lies on the published side of 0, disagrees if
  it lies on the other, and is not distinguishable if it holds 0.
- A score or a share agrees if the published value lies in its interval.
- An order or a pattern agrees if it holds, and is not distinguishable with p >= 0.05.
- Anything else (a number of another study without an interval) cannot tell, and shows its number.
"""

from __future__ import annotations

import math

from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    Found,
    Statement,
)


def verdict(found: Found, statement: Statement) -> tuple[str, str]:
    """Return the run's verdict on a statement and why."""
    if found.missing:
        return NOT_RUN, found.missing
    if found.agrees is not None:
        return (AGREES if found.agrees else DISAGREES), found.note
    if found.verdict == NOT_DISTINGUISHABLE:
        return NOT_DISTINGUISHABLE, found.note
    if not found.values or math.isnan(found.values[0]):
        return CANNOT_TELL, found.note or "the run's scores give no number under this rule"
    if found.interval is None:
        return CANNOT_TELL, found.note or "the run's number has no interval under this rule"
    grid = statement.args.get("grid")
    inside = statement.kind == "score" or grid == "successes"
    answer, why = (_inside if inside else _signed)(found.interval, statement.published[0])
    return answer, "; ".join(n for n in (why, found.note) if n)


def _inside(interval: tuple[float, float], published: float) -> tuple[str, str]:
    low, high = interval
    inside = low <= published <= high
    return (AGREES if inside else DISAGREES), f"95 % interval of the run: {low:.3g} to {high:.3g}"


def _signed(interval: tuple[float, float], published: float) -> tuple[str, str]:
    low, high = interval
    words = f"95 % interval of the run: {low:.3g} to {high:.3g}"
    if low <= 0 <= high:
        return NOT_DISTINGUISHABLE, f"{words}; it holds 0"
    return (AGREES if low * published > 0 else DISAGREES), words
