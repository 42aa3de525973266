"""What a user's own run says of a statement.


What a line asks of a run is data (`data/run_lines.yaml`): a question of the engine, the same as the
answer, the findings and the advice ask (`analysis.questions`).

- A question agrees if its 95 % interval lies on the published side of 0, disagrees if it lies on
  the other, is not distinguishable if it holds 0, and cannot tell if it is about one training run.
- A score agrees if the published value lies in its interval.
- A check of the scores themselves (`exact`) agrees if it holds.
- Anything else shows its number and cannot tell: its rule was made for printed tables, and has no
  interval on a run.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import yaml

from codealign.analysis.claims.context import Context
from codealign.analysis.claims.kinds import KINDS
from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    Found,
    Statement,
)
from codealign.analysis.effects import ONE_RUN
from codealign.analysis.questions import Question, observed, over_models, question_of
from codealign.paths import DATA

NO_INTERVAL = "the run's number has no interval under this rule"


@cache
def _data() -> dict[str, Any]:
    return yaml.safe_load((DATA / "run_lines.yaml").read_text(encoding="utf-8"))


def question(name: str) -> Question | None:
    """Return what a statement asks of a run, by its id; None if it asks nothing."""
    entry = _data()["lines"].get(name)
    if entry is None or isinstance(entry, str):
        return observed(entry) if entry else None
    return question_of(entry, f"run_lines.yaml, {name}")


def line(context: Context, statement: Statement) -> tuple[Found, str, str]:
    """Return what the run gives for a statement, the verdict, and why."""
    asked = question(statement.id)
    found = _asked(context, asked) if asked else KINDS[statement.kind](context, statement)
    told = verdict(found, statement, asked is not None or statement.kind == "change")
    if told[0] != NOT_RUN and context.cells.index and not context.cells.values.any():
        return found, CANNOT_TELL, "every score of the run is 0"
    return found, *told


def _asked(context: Context, asked: Question) -> Found:
    found = over_models(context.cells, asked)
    if math.isnan(found.value):
        return Found(rule=asked.rule, missing=found.missing)
    interval = None if math.isnan(found.low) else (found.low, found.high)
    return Found([found.value], asked.rule or "as the engine asks it", note=found.missing,
                 interval=interval, single=found.single)  # fmt: skip


def verdict(found: Found, statement: Statement, signed: bool = False) -> tuple[str, str]:
    """Return the run's verdict on a statement and why.

    Parameters
    ----------
    signed : whether the interval is held against 0, not against the published value.
    """
    if found.missing:
        return NOT_RUN, found.missing
    if found.agrees is not None and statement.id in _data()["exact"]:
        return (AGREES if found.agrees else DISAGREES), found.note
    if not found.values or math.isnan(found.values[0]):
        return CANNOT_TELL, found.note or "the run's scores give no number under this rule"
    if found.interval is None:
        return CANNOT_TELL, found.note or NO_INTERVAL
    published = statement.published[0] if statement.published else 1.0
    answer, why = (_signed if signed else _inside)(found, published)
    return answer, "; ".join(n for n in (why, found.note) if n)


def _words(found: Found) -> str:
    low, high = found.interval or (math.nan, math.nan)
    lone = f" {ONE_RUN}" if found.single else ""
    return f"95 % interval{lone}: {low:.3g} to {high:.3g}"


def _inside(found: Found, published: float) -> tuple[str, str]:
    low, high = found.interval or (math.nan, math.nan)
    if low <= published <= high and (found.values[0] or published):
        return AGREES, _words(found)
    return (CANNOT_TELL if found.single else DISAGREES), _words(found)


def _signed(found: Found, published: float) -> tuple[str, str]:
    low, high = found.interval or (math.nan, math.nan)
    if found.single:
        return CANNOT_TELL, f"{_words(found)}; another training may differ"
    if low <= 0 <= high:
        return NOT_DISTINGUISHABLE, f"{_words(found)}; it holds 0"
    return (AGREES if low * published > 0 else DISAGREES), _words(found)
