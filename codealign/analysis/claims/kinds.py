"""How statements are recomputed: scores, changes of single cells, searched rules, ratios."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from codealign.analysis.claims import compare
from codealign.analysis.claims.board import LABELS, Cell, cell
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.facts import FACTS
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    REPRODUCED,
    UNSTATED,
    Found,
    Search,
    Statement,
)
from codealign.analysis.claims.rules import Candidate, Rule, Selection, read_rule
from codealign.analysis.claims.search import close, half_unit, look, worth
from codealign.analysis.claims.unrounded import relative_from
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE, Term
from codealign.analysis.questions import Question, ask
from codealign.analysis.scores import benchmarks
from codealign.records import STAGES

GRID_WORDS = {
    "gains": "benchmark sets x stages x base floor x models x average (all, improving, median)",
    "successes": "benchmark sets x stages x base floor x models x ties as success or not",
    "outcomes": "benchmark sets x stages x base floor x models x cut for flat, relative or points",
    "models": "benchmark sets x stages x base floor x models x meaning of a model's success",
    "catastrophes": "benchmark sets x stages x base floor x models x size of loss, model or cell",
    "dimensions": "benchmark sets x stages x base floor x models x ties",
    "gain_pairs": "the gains grid, one rule for both pathways",
    "success_pairs": "the successes grid, one rule for both pathways",
    "requirement_pairs": "benchmark sets of both requirements x stages x base floor x meaning",
    "recoveries": "benchmark sets x variants x final stage x ties x what is compared, both numbers",
    "recovery_shares": "benchmark sets x variants x final stage x ties",
    "recovery_risks": "benchmark sets x variants x final stage x ties x what is compared",
    "wins": "benchmark sets x wins above the base only or all",
}
PAIRED = ("gain_pairs", "success_pairs", "requirement_pairs")
"""Grids whose rules give one number for each of two variants or requirements."""


def _absent(context: Context, cells: Sequence[Cell]) -> str:
    lacking = [c.words() for c in cells if math.isnan(context.board.value(c))]
    return f"not run: {'; '.join(lacking)}" if lacking else ""


def score(context: Context, statement: Statement) -> Found:
    """Read the named cells."""
    cells = [cell(text) for text in statement.args["cells"]]
    if missing := _absent(context, cells):
        return Found(missing=missing)
    values = [context.board.value(c) for c in cells]
    rule = f"the score{'s' if len(cells) > 1 else ''}: {'; '.join(c.words() for c in cells)}"
    return (
        Found(values, rule) if context.paper else _bounded(context, cells[0], SCORE, values, rule)
    )


def _bounded(context: Context, c: Cell, measure: str, values: list[float], rule: str) -> Found:
    """Return the numbers of a run with the interval of the first cell's, in the print's unit."""
    requirement = c.about.requirement
    term = Term(1, requirement, (c.variant,), (c.stage,), (c.benchmark,))
    found = ask(context.cells, Question((term,), measure), c.model)
    unit = 1.0 if measure == RELATIVE else c.about.scale / 100
    interval = None if math.isnan(found.low) else (found.low * unit, found.high * unit)
    return Found(values, rule, interval=interval, single=found.single, note=found.missing)


def change(context: Context, statement: Statement) -> Found:
    """Compute relative (percent) or absolute changes of named cells against `from` (base).

    Where a change does not match, the unrounded scores behind the print are tried, then every
    other change of the same model and variant.
    """
    args = statement.args
    absolute = args.get("how") == "absolute"
    cells = [cell(text) for text in args["cells"]]
    bases = [Cell(c.model, c.variant, c.benchmark, args.get("from", "base")) for c in cells]
    if missing := _absent(context, [*bases, *cells]):
        return Found(missing=missing)
    pairs = list(zip(bases, cells, strict=True))
    values = [_change(context, pair, absolute) for pair in pairs]
    rule = (
        f"{'absolute' if absolute else 'relative'} change from {LABELS[bases[0].stage]}: "
        + "; ".join(c.words() for c in cells)
    )
    if not context.paper:
        if args.get("from", "base") != "base":
            return Found(values, rule)
        return _bounded(context, cells[0], CHANGE if absolute else RELATIVE, values, rule)
    return _judge_changes(context, statement, pairs, Found(values, rule))


def _change(context: Context, pair: tuple[Cell, Cell], absolute: bool) -> float:
    before, after = (context.board.value(c) for c in pair)
    if absolute:
        return after - before
    return 100 * (after - before) / before if before else math.nan


def _judge_changes(
    context: Context, statement: Statement, pairs: list[tuple[Cell, Cell]], found: Found
) -> Found:
    found_verdict, note = compare.verdict(
        found.values, statement.published, statement.decimals, statement.unstated
    )
    if found_verdict in (REPRODUCED, UNSTATED):
        return Found(found.values, found.rule, found_verdict, note)
    if note := _unrounded(context, statement, pairs, found.values):
        return Found(found.values, found.rule, UNSTATED, note)
    grid = "every stage and benchmark of the same model and variant, relative and absolute"
    search, hits = look(
        _neighbours(context, pairs[0][1]), statement.published[:1], statement.decimals[:1], grid
    )
    if len(statement.published) == 1 and hits:
        return Found(list(hits[0][1]), hits[0][0].words(), UNSTATED, "another cell matches", search)
    return Found(found.values, found.rule, CONTRADICTS, note, search)


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
    requirement = c.about.requirement
    for name, about in benchmarks().items():
        for start in ("base", "sft") if about.requirement == requirement else ():
            for stage in STAGES[STAGES.index(start) + 1 :]:
                pair = tuple(Cell(c.model, c.variant, name, s) for s in (start, stage))
                for kind, absolute in (("relative change", False), ("absolute change", True)):
                    rule = Rule(kind, Selection(pair[1].words(), "", "", ()), LABELS[start])
                    yield rule, (_change(context, pair, absolute),)


def searched(context: Context, statement: Statement) -> Found:
    """Search a grid for rules that give the published numbers.

    `stated` in the arguments is the rule that the paper's own words describe, `rule` the one shown
    where several match and none is stated.
    """
    args = dict(statement.args)
    grid = args.pop("grid")
    of = () if grid in PAIRED else args.get("variants", ())
    stated, rule = (read_rule(args.pop(k), of) if k in args else None for k in ("stated", "rule"))
    if not context.paper:
        return _on_a_run(context, grid, args, stated or rule)
    candidates = context.candidates(grid, args)
    search, hits = look(candidates, statement.published, statement.decimals, GRID_WORDS[grid])
    by_rule = dict(hits)
    if stated in by_rule:
        return Found(list(by_rule[stated]), stated.words(), REPRODUCED, "", search)
    if hits:
        shown = rule if rule in by_rule else hits[0][0]
        note = "; ".join(n for n in (statement.unstated, worth(search)) if n)
        return Found(list(by_rule[shown]), shown.words(), UNSTATED, note, search)
    return _no_rule(candidates, statement, stated or rule, search)


def _on_a_run(context: Context, grid: str, args: dict[str, object], rule: Rule | None) -> Found:
    values = context.value_of(grid, args, rule) if rule else ()
    unknown = not values or any(map(math.isnan, values))
    missing = "the run has no scores for this rule" if unknown else ""
    return Found([] if unknown else list(values), rule.words() if rule else "", missing=missing)


def _no_rule(
    candidates: list[Candidate], statement: Statement, expected: Rule | None, search: Search
) -> Found:
    values = next((v for rule, v in candidates if rule == expected), ())
    words = expected.words() if expected else ""
    truncated = values and all(
        compare.fit(v, p, d) is not None
        for v, p, d in zip(values, statement.published, statement.decimals, strict=True)
    )
    if truncated:
        return Found(list(values), words, UNSTATED, compare.TRUNCATED, search)
    ranges = list(zip(*(v for _, v in candidates), strict=True))
    outside = any(
        p < min(v for v in r if not math.isnan(v)) or p > max(v for v in r if not math.isnan(v))
        for r, p in zip(ranges, statement.published, strict=True)
    )
    if statement.args.get("stated") or outside:
        note = "no candidate rule reaches the printed value" if outside else ""
        return Found(list(values), words, CONTRADICTS, note, search)
    note = "the text leaves the rule open, and no candidate gives these numbers"
    note += f"; {statement.unstated}" if statement.unstated else ""
    return Found(list(values), words, NOT_DERIVABLE, note, search)


def ratio(context: Context, statement: Statement) -> Found:
    """Divide two printed numbers: arithmetic of the text itself."""
    if not context.paper:
        return Found(missing="arithmetic of the paper's text; see the two claims it is made of")
    first, second = statement.args["of"]
    return Found([first / second], f"printed {first} / printed {second}")


def fact(context: Context, statement: Statement) -> Found:
    """Call the named function of `facts`."""
    args = dict(statement.args)
    return FACTS[args.pop("name")](context, **args)


KINDS: dict[str, Callable[[Context, Statement], Found]] = {
    "score": score,
    "change": change,
    "search": searched,
    "ratio": ratio,
    "fact": fact,
}
