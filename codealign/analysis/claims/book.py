"""The ledger: every statement, recomputed from the paper's tables or set beside a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis.cells import Problems
from codealign.analysis.claims import compare, runs
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.kinds import KINDS
from codealign.analysis.claims.model import OURS, Claim, Found, Statement
from codealign.analysis.claims.search import half_unit
from codealign.analysis.scores import PAPER
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FOLDER = DATA / "claims"
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
    published = _list(entry.get("published", []))
    decimals = _list(entry.get("decimals", 0))
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


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
        found = KINDS[statement.kind](context, statement)
        verdict, note = _judge(found, statement)
    else:
        found, verdict, note = runs.line(context, statement)
    return Claim(
        id=statement.id,
        place=statement.place,
        statement=statement.statement,
        published=statement.published,
        computed=[float(v) for v in found.values if math.isfinite(v)],
        unit=statement.unit,
        tolerance=[half_unit(d) for d in statement.decimals],
        rule=found.rule or found.missing,
        verdict=verdict,
        origin=_origin(statement),
        note=note,
        search=found.search,
    )


def _origin(statement: Statement) -> str:
    if statement.place == OURS:
        return "own"
    return "reading" if statement.reading else "paper"


def _judge(found: Found, statement: Statement) -> tuple[str, str]:
    if found.verdict:
        note = found.note or (statement.unstated if found.search is None else "")
        return found.verdict, note
    verdict, note = compare.verdict(
        found.values, statement.published, statement.decimals, statement.unstated
    )
    return verdict, "; ".join(n for n in (note, found.note) if n)


def by_verdict(claims: list[Claim]) -> Mapping[str, int]:
    """Return the number of claims of each verdict that occurs, most frequent first."""
    return pd.Series([c.verdict for c in claims]).value_counts().to_dict()
