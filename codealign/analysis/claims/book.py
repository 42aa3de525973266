"""The ledger: every statement, recomputed from the paper's tables or set beside a run.

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
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.cells import Problems
from codealign.analysis.claims import matching
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.kinds import KINDS
from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    OURS,
    Claim,
    Judgement,
    Statement,
)
from codealign.analysis.effects import ONE_RUN
from codealign.analysis.questions import Question, observed, over_models, question_of
from codealign.analysis.scores import PAPER
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FOLDER = DATA / "claims"
NO_INTERVAL = "the run's number has no interval under this rule"
FIELDS = ("id", "place", "says", "published", "decimals", "unit", "kind", "unstated", "reading")


@cache
def statements() -> tuple[Statement, ...]:
    """Return all statements, in the order of the paper; own lines come last.

    Raises
    ------
    CodealignError
        An id repeats, or an entry lacks a field or names an unknown kind.
    """
    found = [s for path in sorted(FOLDER.glob("*.yaml")) for s in read_statements(path)]
    ids = [s.id for s in found]
    for name in ids:
        if ids.count(name) > 1:
            raise CodealignError(f"{FOLDER}: the id {name!r} stands twice; rename one")
    return tuple(found)


def read_statements(path: Path) -> list[Statement]:
    """Read one file of statements (a list; `data/claims/README.md` has the fields)."""
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=FAST)
    return [_statement(entry, f"{path.name}, entry {i}") for i, entry in enumerate(entries, 1)]


def _statement(entry: dict[str, Any], where: str) -> Statement:
    for name in ("id", "place", "says", "kind"):
        if name not in entry:
            raise CodealignError(f"{where}: no {name!r}")
    if entry["kind"] not in KINDS:
        raise CodealignError(f"{where}: kind {entry['kind']!r}" + nearest(entry["kind"], [*KINDS]))
    published, decimals = (
        value if isinstance(value, list) else [value]
        for value in (entry.get("published", []), entry.get("decimals", 0))
    )
    return Statement(
        id=entry["id"],
        place=str(entry["place"]),
        statement=entry["says"],
        kind=entry["kind"],
        args={k: v for k, v in entry.items() if k not in FIELDS},
        published=[float(p) for p in published],
        decimals=tuple(decimals if len(decimals) > 1 else decimals * len(published)),
        unit=entry.get("unit", ""),
        unstated=entry.get("unstated", ""),
        reading=entry.get("reading", False),
    )


def ledger(scores: pd.DataFrame, source: str = PAPER, items: Problems | None = None) -> list[Claim]:
    """Recompute every statement from the scores of one source.

    Parameters
    ----------
    scores : tidy scores (`analysis.scores`), a row for each seed; may hold several sources.
    source : "paper" recomputes the paper's statements from its tables; any other name says for
        each statement whether that run agrees.
    items : per-problem values of the run (`cells.read_problems`), for paired intervals.

    Returns
    -------
    Claims in the order of `statements()`. Verdicts are `model.PAPER_VERDICTS`, for a run
    `model.RUN_VERDICTS`.

    Raises
    ------
    CodealignError
        The frame has no rows of that source although it has others.
    """
    mine = scores[scores["source"] == source]
    if not len(mine) and len(scores):
        known = ", ".join(sorted(scores["source"].unique()))
        raise CodealignError(f"claims: no scores of source {source!r}; there are {known}")
    context = Context(mine.reset_index(drop=True), items or {})
    return [recompute(context, statement) for statement in statements()]


def recompute(context: Context, statement: Statement) -> Claim:
    """Recompute one statement; its verdict is the paper's or the run's, by the scores' source."""
    if context.paper:
        outcome = KINDS[statement.kind](context, statement)
        verdict, note = _judge(outcome, statement)
    else:
        outcome, verdict, note = _on_a_run(context, statement)
    return Claim(
        id=statement.id,
        place=statement.place,
        statement=statement.statement,
        published=statement.published,
        computed=[float(v) for v in outcome.values if math.isfinite(v)],
        unit=statement.unit,
        tolerance=[matching.half_unit(d) for d in statement.decimals],
        rule=outcome.rule or outcome.missing,
        verdict=verdict,
        origin="own" if statement.place == OURS else "reading" if statement.reading else "paper",
        note=note,
        search=outcome.search,
    )


def _judge(outcome: Judgement, statement: Statement) -> tuple[str, str]:
    if outcome.verdict:
        note = outcome.note or (statement.unstated if outcome.search is None else "")
        return outcome.verdict, note
    verdict, note = matching.verdict(
        outcome.values, statement.published, statement.decimals, statement.unstated
    )
    return verdict, "; ".join(n for n in (note, outcome.note) if n)


@cache
def _run_lines() -> dict[str, Any]:
    return yaml.safe_load((DATA / "run_lines.yaml").read_text(encoding="utf-8"))


def question(name: str) -> Question | None:
    """Return what a statement asks of a run, by its id; None if it asks nothing."""
    entry = _run_lines()["lines"].get(name)
    if entry is None or isinstance(entry, str):
        return observed(entry) if entry else None
    return question_of(entry, f"run_lines.yaml, {name}")


def _on_a_run(context: Context, statement: Statement) -> tuple[Judgement, str, str]:
    """Return what the run gives for a statement, the verdict, and why."""
    asked = question(statement.id)
    outcome = _asked(context, asked) if asked else KINDS[statement.kind](context, statement)
    told = run_verdict(outcome, statement, asked is not None or statement.kind == "change")
    if told[0] != NOT_RUN and context.cells.index and not context.cells.values.any():
        return outcome, CANNOT_TELL, "every score of the run is 0"
    return outcome, *told


def _asked(context: Context, asked: Question) -> Judgement:
    effect = over_models(context.cells, asked)
    if math.isnan(effect.value):
        return Judgement(rule=asked.rule, missing=effect.missing)
    interval = None if math.isnan(effect.low) else (effect.low, effect.high)
    return Judgement([effect.value], asked.rule or "as the engine asks it", note=effect.missing,
                 interval=interval, single=effect.single)  # fmt: skip


def run_verdict(outcome: Judgement, statement: Statement, signed: bool = False) -> tuple[str, str]:
    """Return the run's verdict on a statement and why.

    Parameters
    ----------
    signed : whether the interval is held against 0, not against the published value.
    """
    if outcome.missing:
        return NOT_RUN, outcome.missing
    if outcome.agrees is not None and statement.id in _run_lines()["exact"]:
        return (AGREES if outcome.agrees else DISAGREES), outcome.note
    if not outcome.values or math.isnan(outcome.values[0]):
        return CANNOT_TELL, outcome.note or "the run's scores give no number under this rule"
    if outcome.interval is None:
        return CANNOT_TELL, _run_lines()["why"].get(statement.id) or outcome.note or NO_INTERVAL
    verdict, why = _held(outcome, statement, signed)
    return verdict, "; ".join(n for n in (why, outcome.note) if n)


def _held(outcome: Judgement, statement: Statement, signed: bool) -> tuple[str, str]:
    """Hold the interval against the published value, or the side of 0 that it is on."""
    published = statement.published[0] if statement.published else 1.0
    low, high = outcome.interval or (math.nan, math.nan)
    lone = f" {ONE_RUN}" if outcome.single else ""
    words = f"95 % interval{lone}: {low:.3g} to {high:.3g}"
    if not signed and low <= published <= high and (outcome.values[0] or published):
        return AGREES, words
    if outcome.single:
        return CANNOT_TELL, f"{words}; another training may differ" if signed else words
    if signed and low <= 0 <= high:
        return NOT_DISTINGUISHABLE, f"{words}; it holds 0"
    return (AGREES if signed and low * published > 0 else DISAGREES), words


def by_verdict(claims: list[Claim]) -> Mapping[str, int]:
    """Return the number of claims of each verdict that occurs, most frequent first."""
    return pd.Series([c.verdict for c in claims]).value_counts().to_dict()
