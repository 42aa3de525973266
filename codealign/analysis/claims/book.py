"""The ledger: every statement, recomputed from the paper's tables or set beside a run.

A statement is one of five kinds (`BY_KIND`): scores as printed, changes of named cells, a rule that
is searched for, a ratio of printed numbers, or a fact with a function or a pattern of its own.

What a line asks of a run is data (`data/run_lines.yaml`): a question of the engine, the same as the
answer, the findings and the advice ask (`analysis.questions`).

- A question agrees if its 95 % interval lies on the published side of 0, disagrees if it lies on
  the other, and is not distinguishable if it holds 0.
- A score agrees if the published value lies in its interval.
- One training run bears nothing out and contradicts nothing: where it would, it cannot tell.
- A check of the scores themselves (`exact`) agrees if it holds.
- Anything else shows its number and cannot tell: its rule was made for printed tables, and has no
  interval on a run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from inspect import isfunction, signature
from typing import Any

import numpy as np
import pandas as pd
import yaml

from codealign.analysis.cells import Problems
from codealign.analysis.claims import facts
from codealign.analysis.claims.grids import GRIDS, Candidate, Rule, read_rule
from codealign.analysis.claims.matching import (
    TRUNCATED,
    close,
    half_unit,
    look,
    relative_from,
    verdict,
    worth,
)
from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    CONTRADICTS,
    DISAGREES,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    OURS,
    REPRODUCED,
    UNSTATED,
    Claim,
    Judgement,
    Statement,
    statements,
)
from codealign.analysis.claims.patterns import pattern
from codealign.analysis.claims.rules import LABELS, Board, Scores, Selection, cell, words
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE
from codealign.analysis.questions import Question, observed, of, over_models, question_of
from codealign.analysis.scores import PAPER, benchmark, benchmarks
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.paths import DATA
from codealign.records import STAGES

NO_INTERVAL = "the run's number has no interval under this rule"
FACTS: dict[str, Callable[..., Judgement]] = {
    name: function
    for name, function in vars(facts).items()
    if isfunction(function) and function.__module__ == facts.__name__ and name[0] != "_"
}
"""The functions that statements of kind `fact` name; other names are those of patterns."""


def score(scores: Scores, statement: Statement) -> Judgement:
    """Read the named cells."""
    cells = [cell(text) for text in statement.args["cells"]]
    if missing := _absent(scores, cells):
        return Judgement(missing=missing)
    rule = f"the score{'s' if len(cells) > 1 else ''}: {'; '.join(map(words, cells))}"
    outcome = Judgement([scores.board.value(c) for c in cells], rule)
    return outcome if scores.paper else _bounded(scores, cells[0], SCORE, outcome)


def _absent(scores: Scores, cells: Sequence[Cell]) -> str:
    lacking = [words(c) for c in cells if math.isnan(scores.board.value(c))]
    return f"not run: {'; '.join(lacking)}" if lacking else ""


def _bounded(scores: Scores, c: Cell, measure: str, outcome: Judgement) -> Judgement:
    """Return the numbers of a run with the interval of the first cell's, in the print's unit."""
    effect = of(scores.cells, c, measure)
    unit = 1.0 if measure == RELATIVE else benchmark(c.benchmark).scale / 100
    bounds = {name: getattr(effect, name) * unit for name in ("value", "low", "high")}
    return replace(outcome, effect=replace(effect, **bounds), note=effect.missing)


def change(scores: Scores, statement: Statement) -> Judgement:
    """Compute relative (percent) or absolute changes of named cells against `from` (base)."""
    how, start = statement.args.get("how", "relative"), statement.args.get("from", "base")
    cells = [cell(text) for text in statement.args["cells"]]
    pairs = [(c.at(stage=start), c) for c in cells]
    if missing := _absent(scores, [*(before for before, _ in pairs), *cells]):
        return Judgement(missing=missing)
    rule = f"{how} change from {LABELS[start]}: {'; '.join(map(words, cells))}"
    outcome = Judgement([_change(scores, pair, how) for pair in pairs], rule)
    if scores.paper:
        return _on_paper(scores, statement, pairs, outcome)
    measure = CHANGE if how == "absolute" else RELATIVE
    return _bounded(scores, cells[0], measure, outcome) if start == "base" else outcome


def _change(scores: Scores, pair: tuple[Cell, Cell], how: str) -> float:
    before, after = map(scores.board.value, pair)
    if how == "absolute":
        return after - before
    return 100 * (after - before) / before if before else math.nan


def _on_paper(
    scores: Scores, statement: Statement, pairs: list[tuple[Cell, Cell]], outcome: Judgement
) -> Judgement:
    """Try the unrounded scores behind changes that do not match, then all others of the model."""
    decided, _ = verdict(outcome.values, statement)
    if decided in (REPRODUCED, UNSTATED):
        return outcome
    if note := _unrounded(scores, statement, pairs, outcome.values):
        return replace(outcome, verdict=UNSTATED, note=note)
    grid = "every stage and benchmark of the same model and variant, relative and absolute"
    others = _neighbours(scores, pairs[0][1])
    search, hits = look(others, statement.published[:1], statement.decimals[:1], grid)
    if len(statement.published) == 1 and hits:
        rule, values = hits[0]
        return Judgement(list(values), rule.words(), UNSTATED, "another cell matches", search)
    return replace(outcome, verdict=CONTRADICTS, search=search)


def _unrounded(
    scores: Scores, statement: Statement, pairs: list[tuple[Cell, Cell]], values: list[float]
) -> str:
    """Return how all changes that do not match follow from unrounded scores, or ""."""
    if statement.args.get("how") == "absolute":
        return ""
    halves = map(half_unit, statement.decimals)
    each = zip(pairs, values, statement.published, halves, strict=True)
    notes = [
        relative_from(pair, tuple(map(scores.board.value, pair)), published, half)
        for pair, value, published, half in each if not close(value, published, half)
    ]  # fmt: skip
    return "; ".join(notes) if all(notes) else ""


def _neighbours(scores: Scores, c: Cell) -> Iterator[Candidate]:
    for name, about in benchmarks().items():
        for start in ("base", "sft") if about.requirement == c.requirement else ():
            for stage in STAGES[STAGES.index(start) + 1 :]:
                pair = c.at(benchmark=name, stage=start), c.at(benchmark=name, stage=stage)
                for how in ("relative", "absolute"):
                    rule = Rule(how, Selection(words(pair[1]), "", "", ()), LABELS[start])
                    yield rule, (_change(scores, pair, how),)


def searched(scores: Scores, statement: Statement) -> Judgement:
    """Search a grid for rules that give the published numbers.

    `stated` in the arguments is the rule that the paper's own words describe, `rule` the one shown
    where several match and none is stated.
    """
    args = dict(statement.args)
    grid = args.pop("grid")
    own = args.get("variants", ())
    stated, rule = (read_rule(args.pop(k), own) if k in args else None for k in ("stated", "rule"))
    expected = stated or rule
    candidates = _candidates(scores.board, grid, args) if scores.paper or expected else []
    known = {rule.statistic for rule, _ in candidates}
    if expected and known and expected.statistic not in known:
        there = ", ".join(sorted(known))
        raise CodealignError(f"claims: {statement.id}: {expected.statistic!r} is none of {there}")
    values = next((list(v) for r, v in candidates if r == expected), [])
    words = expected.words() if expected else ""
    if not scores.paper:
        if not values or any(map(math.isnan, values)):
            return Judgement(rule=words, missing="the run has no scores for this rule")
        return Judgement(values, words)
    search, hits = look(candidates, statement.published, statement.decimals, GRIDS[grid].varied)
    by_rule = dict(hits)
    if stated in by_rule:
        return Judgement(list(by_rule[stated]), stated.words(), REPRODUCED, "", search)
    if hits:
        shown = rule if rule in by_rule else hits[0][0]
        note = "; ".join(n for n in (statement.unstated, worth(search)) if n)
        return Judgement(list(by_rule[shown]), shown.words(), UNSTATED, note, search)
    decided, note = _no_rule(candidates, statement, values)
    return Judgement(values, words, decided, note, search)


def _candidates(board: Board, grid: str, args: dict[str, Any]) -> list[Candidate]:
    """Return a grid's candidates, computed once for the same arguments."""
    key = f"{grid} {sorted(args.items())}"
    if key not in board.cache:
        board.cache[key] = list(GRIDS[grid].rules(board, args))
    return board.cache[key]


def _no_rule(
    candidates: list[Candidate], statement: Statement, values: Sequence[float]
) -> tuple[str, str]:
    """Return the verdict where no candidate fits, and why; `values` are the expected rule's."""
    if verdict(values, statement)[0] in (REPRODUCED, UNSTATED):
        return UNSTATED, TRUNCATED
    reached = np.array([numbers for _, numbers in candidates]), np.array(statement.published)
    low, high = (bound(reached[0], axis=0) for bound in (np.nanmin, np.nanmax))
    outside = bool(((reached[1] < low) | (reached[1] > high)).any())
    if statement.args.get("stated") or outside:
        return CONTRADICTS, "no candidate rule reaches the printed value" if outside else ""
    note = "the text leaves the rule open, and no candidate gives these numbers"
    return NOT_DERIVABLE, "; ".join(n for n in (note, statement.unstated) if n)


def ratio(scores: Scores, statement: Statement) -> Judgement:
    """Divide two printed numbers: arithmetic of the text itself."""
    if not scores.paper:
        return Judgement(missing="arithmetic of the paper's text; see the two claims it is made of")
    first, second = statement.args["of"]
    return Judgement([first / second], f"printed {first} / printed {second}")


def named(scores: Scores, name: str, **args: Any) -> Judgement:
    """Return the judgement of a fact (`FACTS`) or pattern (`patterns.patterns`) by its name."""
    function = FACTS.get(name, partial(pattern, name=name))
    if "scores" in signature(function).parameters:
        return function(scores, **args)
    return function(**args) if scores.paper else Judgement(missing=facts.ONLY_PAPER)


BY_KIND: dict[str, Callable[[Scores, Statement], Judgement]] = {
    "score": score,
    "change": change,
    "search": searched,
    "ratio": ratio,
    "fact": lambda scores, statement: named(scores, **statement.args),
}


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
    rows = scores[scores["source"] == source]
    if rows.empty and not scores.empty:
        known = ", ".join(sorted(scores["source"].unique()))
        raise CodealignError(f"claims: no scores of source {source!r}; there are {known}")
    of_source = Scores(rows.reset_index(drop=True), items or {})
    return [recompute(of_source, statement) for statement in statements()]


def recompute(scores: Scores, statement: Statement) -> Claim:
    """Recompute one statement; its verdict is the paper's or the run's, by the scores' source."""
    outcome, decided, note = (_of_paper if scores.paper else _on_a_run)(scores, statement)
    return Claim(
        id=statement.id,
        place=statement.place,
        statement=statement.statement,
        published=statement.published,
        computed=[float(v) for v in outcome.values if math.isfinite(v)],
        unit=statement.unit,
        tolerance=[half_unit(d) for d in statement.decimals],
        rule=outcome.rule or outcome.missing,
        verdict=decided,
        origin="own" if statement.place == OURS else "reading" if statement.reading else "paper",
        note=note,
        search=outcome.search,
        computed_unit=outcome.unit or statement.unit,
    )


def _of_paper(scores: Scores, statement: Statement) -> tuple[Judgement, str, str]:
    """Return what the tables give for a statement, the verdict, and why."""
    outcome = BY_KIND[statement.kind](scores, statement)
    if outcome.verdict:
        note = outcome.note or (statement.unstated if outcome.search is None else "")
        return outcome, outcome.verdict, note
    decided, note = verdict(outcome.values, statement)
    return outcome, decided, "; ".join(n for n in (note, outcome.note) if n)


@cache
def _run_lines() -> dict[str, Any]:
    return yaml.safe_load((DATA / "run_lines.yaml").read_text(encoding="utf-8"))


def question(name: str) -> Question | None:
    """Return what a statement asks of a run, by its id; None if it asks nothing."""
    entry = _run_lines()["lines"].get(name)
    if entry is None or isinstance(entry, str):
        return observed(entry) if entry else None
    return question_of(entry, f"run_lines.yaml, {name}")


def _on_a_run(scores: Scores, statement: Statement) -> tuple[Judgement, str, str]:
    """Return what the run gives for a statement, the verdict, and why."""
    asked = question(statement.id)
    if asked is None:
        outcome = BY_KIND[statement.kind](scores, statement)
    elif math.isnan((effect := over_models(scores.cells, asked)).value):
        outcome = Judgement(rule=asked.rule, missing=effect.missing)
    else:
        outcome = Judgement([effect.value], asked.rule, note=effect.missing, effect=effect,
                            unit=asked.unit)  # fmt: skip
    decided, why = run_verdict(outcome, statement, asked is not None or statement.kind == "change")
    if decided != NOT_RUN and scores.cells.index and not scores.cells.values.any():
        return outcome, CANNOT_TELL, "every score of the run is 0"
    return outcome, decided, why


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
    if outcome.effect is None or math.isnan(outcome.effect.low):
        return CANNOT_TELL, _run_lines()["why"].get(statement.id) or outcome.note or NO_INTERVAL
    effect = outcome.effect
    published = statement.published[0] if statement.published else 1.0
    if signed:
        sides = [AGREES if sign * published > 0 else DISAGREES for sign in (1, -1)]
        verdict = effect.verdict_in_general(*sides)
    else:
        inside = effect.low <= published <= effect.high and (effect.value or published)
        verdict = CANNOT_TELL if effect.single else AGREES if inside else DISAGREES
    words = f"95 % interval{effect.alone}: {effect.low:.3g} to {effect.high:.3g}"
    after = {NOT_DISTINGUISHABLE: "it holds 0", CANNOT_TELL: "another training may differ"}
    return verdict, "; ".join(n for n in (words, after.get(verdict), outcome.note) if n)


def by_verdict(claims: list[Claim]) -> Mapping[str, int]:
    """Return the number of claims of each verdict that occurs, most frequent first."""
    return pd.Series([c.verdict for c in claims]).value_counts().to_dict()
