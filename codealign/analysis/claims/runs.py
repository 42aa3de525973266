"""What a user's own run says of a statement: agrees, disagrees, cannot tell, or not run.

A change or an average agrees when it has the published sign and its interval excludes 0; a score
when the published value lies in its interval; an order or a kind of statement when it holds. Shares
and averages without an interval agree by their sign only where they are made of changes; else the
verdict is "cannot tell", with the numbers beside it.
"""

from __future__ import annotations

import math

from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    NOT_RUN,
    Found,
    Statement,
)

SIGNED = ("gains",)


def verdict(found: Found, statement: Statement) -> tuple[str, str]:
    """Return the run's verdict on a statement and why."""
    if found.missing:
        return NOT_RUN, found.missing
    if found.agrees is not None:
        return (AGREES if found.agrees else DISAGREES), found.note
    if not found.values or math.isnan(found.values[0]):
        return CANNOT_TELL, found.note or "the run's scores give no number under this rule"
    if statement.kind == "score":
        return _inside(found, statement)
    if statement.kind == "change" or statement.args.get("grid") in SIGNED:
        return _signed(found, statement)
    return CANNOT_TELL, "numbers of another study: no test says that they differ"


def _inside(found: Found, statement: Statement) -> tuple[str, str]:
    if found.interval is None:
        return CANNOT_TELL, "the score has no interval"
    low, high = found.interval
    inside = low <= statement.published[0] <= high
    return (AGREES if inside else DISAGREES), f"95 % interval of the run: {low:.3g} to {high:.3g}"


def _signed(found: Found, statement: Statement) -> tuple[str, str]:
    if found.interval is None:
        return CANNOT_TELL, "no interval: too few cells, or a base score of 0"
    low, high = found.interval
    words = f"95 % interval of the run: {low:.3g} to {high:.3g}"
    sign = math.copysign(1, statement.published[0]) if statement.published[0] else 0
    if low <= 0 <= high:
        return CANNOT_TELL, f"{words}; cannot be told from no change"
    same = (low > 0) == (sign > 0) if sign else False
    return (AGREES if same else DISAGREES), words
