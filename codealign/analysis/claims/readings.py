"""Other readings of a statement in words, tried before it is said to contradict the tables.

A statement such as "Llama performs better with DPO" names no scores, stage or measure. When its
plain reading fails, every reading of a grid is asked. A definite statement (a printed range, "all
models") is then contradicted only if no reading bears it out; a general pattern if fewer than half
do. How many do is always said: one of forty is not the same as forty of forty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from codealign.analysis.claims.context import Context
from codealign.analysis.claims.matching import SHOWN, in_words
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DISTINGUISHABLE,
    UNSTATED,
    Judgement,
    Search,
)
from codealign.analysis.claims.rules import (
    CODE_MODELS,
    EQUAL,
    LABELS,
    MODELS,
    PAPER_FLOOR,
    SETS,
    STAGE_RULES,
    Selection,
    pick,
)
from codealign.analysis.scores import benchmark as about
from codealign.records import STAGES, VARIANTS

Reading = tuple[str, bool, tuple[float, ...]]
"""Words, whether the statement holds so, the numbers compared."""
FAMILIES = ("HE", "F1", "F1-F3", "F4", "F1-F3 and F4", "NF1-NF5", "Avg")
PATTERN, DEFINITE = 0.5, 0.0
"""Share of readings that must bear out a general pattern, and a definite statement."""
PATHWAYS = (("pretrained", "finetuned"), ("pretrained",), ("finetuned",))
FINALS = ("DPO and BoNBoN, each", "best of DPO and BoNBoN", "best of SFT, DPO and BoNBoN")


def widen(
    context: Context,
    outcome: Judgement,
    readings: Iterable[Reading],
    grid: str,
    enough: float = PATTERN,
) -> Judgement:
    """Try other readings of a statement whose plain one fails; a run keeps the plain reading.

    A contradicted statement becomes "reproduced under an unstated rule" if enough readings bear it
    out. One that the scores do not distinguish stays so, with the count of readings beside it.

    Parameters
    ----------
    found : the plain reading's finding.
    readings : other readings.
    grid : what they vary, in words.
    enough : share of the readings that has to bear it out; at least one has to in any case.
    """
    if not context.paper or outcome.verdict not in (CONTRADICTS, NOT_DISTINGUISHABLE):
        return outcome
    tried = list(readings)
    held = [r for r in tried if r[1]]
    plain = in_words(outcome.rule, outcome.values)
    matches = [in_words(words, values) for words, _, values in held[:SHOWN]]
    search = Search(grid, len(tried), len(held), matches, plain, of="readings")
    note = f"{len(held)} of {len(tried)} readings bear it out"
    note = "; ".join(n for n in (outcome.note, note) if n)
    few = len(held) < max(1, enough * len(tried))
    if few or outcome.verdict == NOT_DISTINGUISHABLE:
        return replace(outcome, search=search, note=note)
    words, _, values = held[0]
    note = f"{note}; plain reading fails: {plain}"
    return replace(
        outcome, values=list(values), rule=words, verdict=UNSTATED, note=note, search=search
    )


def leads(
    context: Context, models: tuple[str, ...], variants: tuple[str, ...], favours: str, always: bool
) -> Iterator[Reading]:
    """Readings of "models favour a technique": which scores, wins or mean difference.

    With `always`, the favoured technique has to be ahead in every score ("consistently").
    """
    at = STAGES.index(favours)
    pathways = PATHWAYS if len(variants) > 1 else (variants,)
    for name, variants in product(FAMILIES, pathways):
        mask = context.board.rows(SETS[name], variants, models)
        values, scale = context.board.values[mask], context.board.scale[mask]
        ahead = (values[:, at] - values[:, 5 - at]) / scale
        if not len(ahead):
            continue
        where = f"{name}; {' and '.join(variants)}"
        wins, losses = int((ahead > EQUAL).sum()), int((ahead < -EQUAL).sum())
        if always:
            yield f"never behind: {where}", wins > 0 and not losses, (wins, losses)
            continue
        yield f"more scores ahead than behind: {where}", wins > losses, (wins, losses)
        mean = 100 * float(ahead.mean())
        yield f"higher mean score (% of the scale): {where}", mean > EQUAL, (mean,)


def larger(context: Context) -> Iterator[Reading]:
    """Readings of "the 7B model gains more than the 1.3B": scores, pathways, stage, measure."""
    for name, variants, stages in product(FAMILIES, PATHWAYS, FINALS):
        arms = [
            pick(context.board, Selection(name, stages, variants=variants, models=(MODELS[m],)))
            for m in ("ds7", "ds1")
        ]
        where = f"{name}; {stages}; {' and '.join(variants)}"
        for measure in ("relative", "change") if all(map(len, arms)) else ():
            means = tuple(float(getattr(a, measure).mean()) for a in arms)
            yield f"mean {measure}: {where}", means[0] > means[1] + EQUAL, means


def failures(context: Context) -> Iterator[Reading]:
    """Readings of "pretrained models fail catastrophically less often".

    Varied: scores, stage, size of the loss, and the base score from which a loss counts.
    """
    floors = ("any base above 0", PAPER_FLOOR)
    for name, stages, floor, cut in product(FAMILIES, FINALS, floors, (10, 20, 30, 50)):
        arms = [
            pick(context.board, Selection(name, stages, floor, (v,))).relative < -cut
            for v in VARIANTS
        ]
        if all(map(len, arms)):
            lost = tuple(100 * float(a.mean()) for a in arms)
            words = f"share (%) of scores that lose more than {cut} %: {name}; {stages}; {floor}"
            yield words, lost[0] < lost[1], lost


def highest(context: Context, benchmark: str, printed: float) -> Iterator[Reading]:
    """Readings of "the highest score of all": among all models, of one stage, or one variant."""
    board, half = context.board, 0.5 * 10.0 ** -about(benchmark).decimals
    rows = np.flatnonzero(board.benchmark == benchmark)
    groups = [("all", rows, range(4))]
    groups += [(f"{LABELS[s]} models", rows, [i]) for i, s in enumerate(STAGES) if i]
    groups += [(f"{v} models", rows[board.variant[rows] == v], range(4)) for v in VARIANTS]
    for among, mine, stages in groups:
        values = board.values[mine][:, stages]
        if np.isfinite(values).any():
            row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
            best, at = float(values[row, column]), mine[row]
            who = f"{board.model[at]} {board.variant[at]}, {LABELS[STAGES[stages[column]]]}"
            words = f"highest {about(benchmark).label} among {among}: {who}"
            yield words, abs(best - printed) <= half + EQUAL, (best,)


def thresholds(context: Context, cut: float) -> Iterator[Reading]:
    """Readings of "models above a threshold improve": which scores make a model's base score."""
    board = context.board
    cells = pick(board, Selection("F1-F3 and F4", FINALS[0], "every base", ("pretrained",)))
    for name in ("HE", "HE+", "F1", "F1-F2", "F1-F3", "F4", "F1 and F4", "HE+ and F4"):
        mask = board.rows(SETS[name], ("pretrained",))
        base = board.values[mask, 0] / board.scale[mask]
        means = {m: base[board.model[mask] == m].mean() for m in set(board.model[mask])}
        low = np.array([means.get(m, np.nan) < cut - EQUAL for m in cells.model])
        if low.any() and not low.all():
            shares = tuple(100 * float((cells.change[m] > 0).mean()) for m in (low, ~low))
            words = f"share of scores that improve, models whose mean base {name} is below {cut:g}"
            yield f"{words}, then the others", shares[0] < shares[1], shares


def improving(context: Context, name: str, variant: str) -> Iterator[Reading]:
    """Readings of "all models improve": which stages count as aligned."""
    for stages in STAGE_RULES:
        cells = pick(context.board, Selection(name, stages, "every base", (variant,)))
        better = int((cells.change > 0).sum())
        words = f"scores that improve, and all of them: {name}; {stages}; {variant}"
        yield words, better == len(cells), (better, len(cells))


def code_dimensions(context: Context, variant: str) -> Iterator[Reading]:
    """Readings of "code models improve in all five dimensions": stage, every score or means."""
    for stages in STAGE_RULES:
        selection = Selection("NF1-NF5", stages, "every base", (variant,), CODE_MODELS)
        cells = pick(context.board, selection)
        better = int((cells.change > 0).sum())
        yield f"all scores improve: {stages}", better == len(cells), (better, len(cells))
        means = [cells.relative[cells.benchmark == b].mean() for b in SETS["NF1-NF5"]]
        least = float(min(means))
        yield f"least mean relative change (%) of a dimension: {stages}", least > 0, (least,)


def inferior(context: Context, names: tuple[str, ...]) -> Iterator[Reading]:
    """Readings of "aligned pretrained models are inferior": by model or on average, to what."""
    board = context.board
    mask = np.isin(board.benchmark, names)
    for unit, (against, column) in product(
        ("model means", "overall mean"), (("finetuned base", 0), ("finetuned aligned", None))
    ):
        groups = ("",) if unit == "overall mean" else tuple(sorted(set(board.model)))
        pairs = []
        for model in groups:
            mine = mask & (board.model == model) if model else mask
            scaled = board.values / board.scale[:, None]
            pre, fine = (scaled[mine & (board.variant == v)] for v in VARIANTS)
            goal = fine[:, 0] if column == 0 else fine[:, 2:].max(axis=1)
            pairs.append((100 * pre[:, 2:].max(axis=1).mean(), 100 * goal.mean()))
        above = sum(a > b + EQUAL for a, b in pairs)
        words = f"{unit} above the {against}, and all of them"
        yield words, above == 0, (above, len(pairs))


def no_losses(context: Context, model: str, variant: str) -> Iterator[Reading]:
    """Readings of "no degradation": scores and stages."""
    for name, stages in product(("F1", "F1-F3", "F4", "F1-F3 and F4"), STAGE_RULES):
        cells = pick(context.board, Selection(name, stages, "every base", (variant,), (model,)))
        fallen = int((cells.change < 0).sum())
        yield f"scores below the base: {name}; {stages}", fallen == 0, (fallen, len(cells))


def ranges(
    context: Context, model: str, variant: str, name: str, published: list[float], half: float
) -> Iterator[Reading]:
    """Readings of a range: which of the stages it covers."""
    values = context.board.values[context.board.rows(SETS[name], (variant,), (model,))]
    for size in (1, 2, 3):
        for stages in combinations((1, 2, 3), size):
            ends = (float(values[:, stages].min()), float(values[:, stages].max()))
            holds = max(abs(e - p) for e, p in zip(ends, published, strict=True)) <= half + 1e-9
            names = ", ".join(LABELS[STAGES[s]] for s in stages)
            yield f"least and greatest of {name}, only {names}", holds, ends


def starts(context: Context, model: str, cut: float) -> Iterator[Reading]:
    """Readings of "sufficient starting scores": which scores, each or on average."""
    for name in ("HE", "F1", "F1-F2", "F1-F3", "F4", "F1-F3 and F4"):
        mask = context.board.rows(SETS[name], ("pretrained",), (model,))
        base = context.board.values[mask, 0] / context.board.scale[mask]
        ends = (("least", base.min()), ("mean", base.mean())) if len(base) else ()
        for word, value in ends:
            yield f"{word} base score: {name}", value >= cut - EQUAL, (float(value),)


def explained(context: Context) -> Iterator[Reading]:
    """Readings of "model explains more than starting point": scores, stage, measure."""
    for name, stages in product(FAMILIES, FINALS):
        cells = pick(context.board, Selection(name, stages))
        for measure in ("relative", "change"):
            values = getattr(cells, measure) / (cells.scale if measure == "change" else 1)
            shares = tuple(100 * eta_squared(values, g) for g in (cells.model, cells.variant))
            words = f"eta squared (%) of the {measure}, model and start: {name}; {stages}"
            yield words, shares[0] > shares[1], shares


def eta_squared(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of variance that lies between groups (0 where all values are equal)."""
    total = float(((values - values.mean()) ** 2).sum())
    between = sum(
        (groups == g).sum() * (values[groups == g].mean() - values.mean()) ** 2
        for g in np.unique(groups)
    )
    return float(between) / total if total else 0.0
