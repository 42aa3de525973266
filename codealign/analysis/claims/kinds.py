"""How statements are recomputed: scores, changes of single cells, searched rules, ratios, facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from inspect import isfunction
from typing import Any

from codealign.analysis.claims import change_facts, own, table_facts, text_facts
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.grids import GRIDS
from codealign.analysis.claims.matching import (
    TRUNCATED,
    close,
    fit,
    half_unit,
    look,
    relative_from,
    verdict,
    worth,
)
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    REPRODUCED,
    UNSTATED,
    Judgement,
    Search,
    Statement,
)
from codealign.analysis.claims.rules import (
    LABELS,
    Candidate,
    Rule,
    Selection,
    cell,
    read_rule,
    words,
)
from codealign.analysis.claims.truth import compared
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE
from codealign.analysis.questions import of
from codealign.analysis.scores import benchmark, benchmarks
from codealign.cell import Cell
from codealign.records import STAGES

FACTS: dict[str, Callable[..., Judgement]] = {"compared": compared} | {
    name: function
    for module in (table_facts, change_facts, text_facts, own)
    for name, function in vars(module).items()
    if isfunction(function) and function.__module__ == module.__name__ and name[0] != "_"
}
"""The functions that statements of kind `fact` name: all public ones of these modules."""


def _absent(context: Context, cells: Sequence[Cell]) -> str:
    lacking = [words(c) for c in cells if math.isnan(context.board.value(c))]
    return f"not run: {'; '.join(lacking)}" if lacking else ""


def score(context: Context, statement: Statement) -> Judgement:
    """Read the named cells."""
    cells = [cell(text) for text in statement.args["cells"]]
    if missing := _absent(context, cells):
        return Judgement(missing=missing)
    values = [context.board.value(c) for c in cells]
    rule = f"the score{'s' if len(cells) > 1 else ''}: {'; '.join(words(c) for c in cells)}"
    outcome = Judgement(values, rule)
    return outcome if context.paper else _bounded(context, cells[0], SCORE, outcome)


def _bounded(context: Context, c: Cell, measure: str, outcome: Judgement) -> Judgement:
    """Return the numbers of a run with the interval of the first cell's, in the print's unit."""
    told = of(context.cells, c, measure)
    unit = 1.0 if measure == RELATIVE else benchmark(c.benchmark).scale / 100
    interval = None if math.isnan(told.low) else (told.low * unit, told.high * unit)
    return replace(outcome, interval=interval, single=told.single, note=told.missing)


def change(context: Context, statement: Statement) -> Judgement:
    """Compute relative (percent) or absolute changes of named cells against `from` (base).

    Where a change does not match, the unrounded scores behind the print are tried, then every
    other change of the same model and variant.
    """
    args = statement.args
    absolute = args.get("how") == "absolute"
    cells = [cell(text) for text in args["cells"]]
    start = args.get("from", "base")
    bases = [c.at(stage=start) for c in cells]
    if missing := _absent(context, [*bases, *cells]):
        return Judgement(missing=missing)
    pairs = list(zip(bases, cells, strict=True))
    values = [_change(context, pair, absolute) for pair in pairs]
    how = "absolute" if absolute else "relative"
    rule = f"{how} change from {LABELS[start]}: {'; '.join(words(c) for c in cells)}"
    outcome = Judgement(values, rule)
    if context.paper:
        return _judge_changes(context, statement, pairs, outcome)
    measure = CHANGE if absolute else RELATIVE
    return _bounded(context, cells[0], measure, outcome) if start == "base" else outcome


def _change(context: Context, pair: tuple[Cell, Cell], absolute: bool) -> float:
    before, after = (context.board.value(c) for c in pair)
    if absolute:
        return after - before
    return 100 * (after - before) / before if before else math.nan


def _judge_changes(
    context: Context, statement: Statement, pairs: list[tuple[Cell, Cell]], outcome: Judgement
) -> Judgement:
    told, note = verdict(
        outcome.values, statement.published, statement.decimals, statement.unstated
    )
    if told in (REPRODUCED, UNSTATED):
        return Judgement(outcome.values, outcome.rule, told, note)
    if note := _unrounded(context, statement, pairs, outcome.values):
        return Judgement(outcome.values, outcome.rule, UNSTATED, note)
    grid = "every stage and benchmark of the same model and variant, relative and absolute"
    search, hits = look(
        _neighbours(context, pairs[0][1]), statement.published[:1], statement.decimals[:1], grid
    )
    if len(statement.published) == 1 and hits:
        return Judgement(
            list(hits[0][1]), hits[0][0].words(), UNSTATED, "another cell matches", search
        )
    return Judgement(outcome.values, outcome.rule, CONTRADICTS, note, search)


def _unrounded(
    context: Context,
    statement: Statement,
    pairs: list[tuple[Cell, Cell]],
    values: list[float],
) -> str:
    """Return how all changes that do not match follow from unrounded scores, or ""."""
    if statement.args.get("how") == "absolute":
        return ""
    notes = []
    for pair, value, published, decimals in zip(
        pairs, values, statement.published, statement.decimals, strict=True
    ):
        tolerance = half_unit(decimals)
        if close(value, published, tolerance):
            continue
        printed = tuple(context.board.value(c) for c in pair)
        note = relative_from(pair, printed, published, tolerance)
        if not note:
            return ""
        notes.append(note)
    return "; ".join(notes)


def _neighbours(context: Context, c: Cell) -> Iterator[Candidate]:
    for name, about in benchmarks().items():
        for start in ("base", "sft") if about.requirement == c.requirement else ():
            for stage in STAGES[STAGES.index(start) + 1 :]:
                pair = c.at(benchmark=name, stage=start), c.at(benchmark=name, stage=stage)
                for kind, absolute in (("relative change", False), ("absolute change", True)):
                    rule = Rule(kind, Selection(words(pair[1]), "", "", ()), LABELS[start])
                    yield rule, (_change(context, pair, absolute),)


def searched(context: Context, statement: Statement) -> Judgement:
    """Search a grid for rules that give the published numbers.

    `stated` in the arguments is the rule that the paper's own words describe, `rule` the one shown
    where several match and none is stated.
    """
    args = dict(statement.args)
    grid = args.pop("grid")
    of = () if GRIDS[grid].paired else args.get("variants", ())
    stated, rule = (read_rule(args.pop(k), of) if k in args else None for k in ("stated", "rule"))
    if not context.paper:
        return _on_a_run(context, grid, args, stated or rule)
    candidates = context.candidates(grid, args)
    search, hits = look(candidates, statement.published, statement.decimals, GRIDS[grid].varied)
    by_rule = dict(hits)
    if stated in by_rule:
        return Judgement(list(by_rule[stated]), stated.words(), REPRODUCED, "", search)
    if hits:
        shown = rule if rule in by_rule else hits[0][0]
        note = "; ".join(n for n in (statement.unstated, worth(search)) if n)
        return Judgement(list(by_rule[shown]), shown.words(), UNSTATED, note, search)
    return _no_rule(candidates, statement, stated or rule, search)


def _on_a_run(context: Context, grid: str, args: dict[str, Any], rule: Rule | None) -> Judgement:
    values = next((v for r, v in context.candidates(grid, args) if r == rule), ()) if rule else ()
    words = rule.words() if rule else ""
    if not values or any(map(math.isnan, values)):
        return Judgement([], words, missing="the run has no scores for this rule")
    return Judgement(list(values), words)


def _no_rule(
    candidates: list[Candidate], statement: Statement, expected: Rule | None, search: Search
) -> Judgement:
    values = next((v for rule, v in candidates if rule == expected), ())
    words = expected.words() if expected else ""
    truncated = values and all(
        fit(v, p, d) is not None
        for v, p, d in zip(values, statement.published, statement.decimals, strict=True)
    )
    if truncated:
        return Judgement(list(values), words, UNSTATED, TRUNCATED, search)
    ranges = list(zip(*(v for _, v in candidates), strict=True))
    outside = any(
        p < min(v for v in r if not math.isnan(v)) or p > max(v for v in r if not math.isnan(v))
        for r, p in zip(ranges, statement.published, strict=True)
    )
    if statement.args.get("stated") or outside:
        note = "no candidate rule reaches the printed value" if outside else ""
        return Judgement(list(values), words, CONTRADICTS, note, search)
    note = "the text leaves the rule open, and no candidate gives these numbers"
    note += f"; {statement.unstated}" if statement.unstated else ""
    return Judgement(list(values), words, NOT_DERIVABLE, note, search)


def ratio(context: Context, statement: Statement) -> Judgement:
    """Divide two printed numbers: arithmetic of the text itself."""
    if not context.paper:
        return Judgement(missing="arithmetic of the paper's text; see the two claims it is made of")
    first, second = statement.args["of"]
    return Judgement([first / second], f"printed {first} / printed {second}")


def fact(context: Context, statement: Statement) -> Judgement:
    """Call the named function of `facts`."""
    args = dict(statement.args)
    return FACTS[args.pop("name")](context, **args)


KINDS: dict[str, Callable[[Context, Statement], Judgement]] = {
    "score": score,
    "change": change,
    "search": searched,
    "ratio": ratio,
    "fact": fact,
}
