"""Statements about the tables as wholes: ranges, ranks, consistency, shares and gaps."""

from __future__ import annotations

import math

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.board import LABELS, MODELS, VARIANT, Board
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    UNSTATED,
    Found,
)
from codealign.analysis.claims.rules import EQUAL, SETS, Selection, pick
from codealign.analysis.scores import benchmark as about
from codealign.records import STAGES

BEST = "best of DPO and BoNBoN"
EACH = "DPO and BoNBoN, each"
HALF = 0.005
"""Half a unit of the last digit of a printed rating."""


def truth(
    holds: bool,
    values: list[float],
    rule: str,
    note: str = "",
    unstated: bool = False,
    p_value: float | None = None,
) -> Found:
    """Return a finding for a statement that the scores bear out or not.

    With a `p_value` it is decided, either way and for a run too, only when that is below 0.05.
    """
    doubt = "" if p_value is None else f"p >= {p_value:.2g}"
    note = "; ".join(n for n in (note, doubt) if n)
    values = [round(float(v), 6) for v in values]
    if p_value is not None and not p_value < 1 - stats.CONFIDENCE:
        return Found(values, rule, NOT_DISTINGUISHABLE, note)
    verdict = (UNSTATED if unstated else REPRODUCED) if holds else CONTRADICTS
    return Found(values, rule, verdict, note, agrees=bool(holds))


def absent(what: str) -> Found:
    """Return the finding of a statement whose scores were not run."""
    return Found(missing=f"not run: {what}")


def below_scale(context: Context, minimum: float) -> Found:
    """Count CODAL dimension scores below the least rating that the judge can give."""
    board = context.board
    values = board.values[np.isin(board.benchmark, SETS["NF1-NF5"])]
    values = values[np.isfinite(values)]
    if not len(values):
        return absent("CODAL")
    below = int((values < minimum - EQUAL).sum())
    rule = f"number of mean ratings below {minimum:g}, of {len(values)} (a mean of ratings of at "
    note = f"{below} means lie below it: from zeros, unrated answers or ratings of 0"
    return truth(
        below == 0, [below, len(values)], rule + f"least {minimum:g} cannot be lower)",
        note if below else "",
    )  # fmt: skip


def value_range(
    context: Context,
    model: str,
    variant: str,
    benchmarks: str,
    stages: list[str],
    printed: list[float],
) -> Found:
    """Return the least and greatest score of one model over benchmarks and stages.

    Where a range of several stages is not as printed, every choice of fewer stages is tried.
    """
    board, who = context.board, (VARIANT[variant], MODELS[model])
    mask = board.rows(SETS[benchmarks], who[:1], who[1:])
    values = board.values[mask][:, [STAGES.index(s) for s in stages]]
    if not np.isfinite(values).any():
        return absent(f"{who[1]} {who[0]}, {benchmarks}")
    ends = [float(np.nanmin(values)), float(np.nanmax(values))]
    rule = f"least and greatest of {benchmarks}, stages {', '.join(LABELS[s] for s in stages)}"
    if not context.paper:
        return Found(ends, rule)
    holds = max(abs(e - p) for e, p in zip(ends, printed, strict=True)) <= HALF + EQUAL
    others = readings.ranges(context, who[1], who[0], benchmarks, printed, HALF)
    plain, grid = truth(holds, ends, rule), "which stages the range covers"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)


def highest(context: Context, benchmark: str, printed: float) -> Found:
    """Return the highest score of a benchmark and say whose it is (true: the printed one).

    Where it is another, the highest among the models of each stage or variant is tried.
    """
    values = context.board.values[context.board.benchmark == benchmark]
    if not np.isfinite(values).any():
        return absent(benchmark)
    tried = list(readings.highest(context, benchmark, printed))
    words, holds, found = tried[0]
    if not context.paper:
        return Found(list(found), words)
    plain = truth(holds, list(found), words)
    return readings.widen(context, plain, tried[1:], "among which models", readings.DEFINITE)


def largest_gain(context: Context, benchmark: str) -> Found:
    """Return the largest absolute change of a preference stage, and say whose it is."""
    board = context.board
    mask = board.benchmark == benchmark
    gain = board.values[mask][:, 2:] - board.values[mask][:, [0]]
    if not np.isfinite(gain).any():
        return absent(benchmark)
    row, column = np.unravel_index(int(np.nanargmax(gain)), gain.shape)
    who = f"{board.model[mask][row]} {board.variant[mask][row]}, {LABELS[STAGES[2 + column]]}"
    return Found(
        [float(gain[row, column])], f"largest absolute change of {about(benchmark).label}: {who}"
    )


def gain_ratio(
    context: Context, first: str, second: str, variant: str, benchmark: str, relative: bool = False
) -> Found:
    """Return the ratio of two models' gains (best of DPO and BoNBoN), absolute or relative."""
    gains = []
    for short in (first, second):
        mask = context.board.rows((benchmark,), (VARIANT[variant],), (MODELS[short],))
        values = context.board.values[mask]
        gain = values[:, 2:].max(axis=1) - values[:, 0] if len(values) else np.array([np.nan])
        gains.append(float((100 * gain / values[:, 0] if relative and len(values) else gain)[0]))
    if not all(math.isfinite(g) for g in gains):
        return absent(f"{MODELS[first]} and {MODELS[second]}")
    what = "relative (%)" if relative else "absolute"
    where = f"{about(benchmark).label}, {BEST}"
    rule = f"ratio of {what} gains of {where}: {gains[0]:.2f} / {gains[1]:.2f}"
    return Found([gains[0] / gains[1] if gains[1] else math.nan], rule)


def share_lower(context: Context, benchmarks: str) -> Found:
    """Share of base scores that are lower pretrained than finetuned (more than half: true)."""
    before, after = _paired_variants(context.board, benchmarks, 0)
    if not len(before):
        return absent("both variants' base scores")
    lower = float((before < after - EQUAL).mean())
    rule = f"share of {len(before)} base scores that are lower for the pretrained variant"
    wins, losses = int((before < after - EQUAL).sum()), int((before > after + EQUAL).sum())
    p_value = clarity.lead(wins, losses)
    return truth(lower > 0.5, [100 * lower, len(before)], rule, p_value=p_value)


def _paired_variants(board: Board, sets: str, stage: int | str) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled scores (pretrained, finetuned) of the same model and benchmark."""
    names = [n for s in sets.split(" + ") for n in SETS[s]]
    found: dict[str, dict[tuple[str, str], float]] = {v: {} for v in VARIANT.values()}
    for i in np.flatnonzero(np.isin(board.benchmark, names)):
        value = board.values[i, stage] if isinstance(stage, int) else board.values[i, 2:].max()
        if np.isfinite(value):
            found[board.variant[i]][board.model[i], board.benchmark[i]] = value / board.scale[i]
    shared = sorted(found["pretrained"].keys() & found["finetuned"].keys())
    return tuple(np.array([found[v][k] for k in shared]) for v in ("pretrained", "finetuned"))


def still_inferior(context: Context, benchmarks: str) -> Found:
    """Count aligned pretrained scores (best) that exceed the finetuned variant's base score."""
    aligned, _ = _paired_variants(context.board, benchmarks, "best")
    _, base = _paired_variants(context.board, benchmarks, 0)
    if not len(base) or len(aligned) != len(base):
        return absent("both variants with base and aligned scores")
    above = int((aligned > base + EQUAL).sum())
    rule = f"scores whose {BEST} (pretrained) exceeds the finetuned base, of {len(base)}"
    note = f"{above} exceptions" if above else ""
    plain = truth(above == 0, [above, len(base)], rule, note)
    others = readings.inferior(context, tuple(n for s in benchmarks.split(" + ") for n in SETS[s]))
    return readings.widen(context, plain, others, "each model's mean or overall x against what")


def gap_narrows(context: Context, benchmarks: str) -> Found:
    """Compare the mean gap between the variants before and after alignment (true: smaller)."""
    gaps = [after - before for before, after in
            (_paired_variants(context.board, benchmarks, s) for s in (0, "best"))]  # fmt: skip
    if not len(gaps[0]) or len(gaps[0]) != len(gaps[1]):
        return absent("both variants with base and aligned scores")
    rule = f"mean of finetuned - pretrained in % of the scale: base, then {BEST} of each"
    means = [100 * float(g.mean()) for g in gaps]
    return truth(means[1] < means[0], means, rule, p_value=clarity.mean(gaps[1] - gaps[0]))


def more_consistent(context: Context, variants: list[str], measure: str) -> Found:
    """Compare non-functional with functional changes: share improving, or their spread."""
    arms = [
        pick(context.board, Selection(name, EACH, variants=tuple(variants)))
        for name in ("NF1-NF5", "F1-F3 and F4")
    ]
    if min(map(len, arms)) < 2:
        return absent("functional and CODAL scores of these variants")
    where = f"non-functional then functional, {EACH}, {' and '.join(variants)}"
    if measure == "share":
        better = [cells.change > 0 for cells in arms]
        found = [100 * float(b.mean()) for b in better]
        rule = f"share (%) of cells that improve, {where}"
        p_value = clarity.shares(*better)
        return truth(found[0] > found[1], found, rule, unstated=True, p_value=p_value)
    changes = [cells.relative for cells in arms]
    found = [float(c.std(ddof=1)) for c in changes]
    rule = f"standard deviation of relative changes (%), {where}"
    p_value = clarity.spreads(*changes)
    return truth(found[0] < found[1], found, rule, unstated=True, p_value=p_value)


def steadier(context: Context, steady: str, other: str) -> Found:
    """Compare the spread of two models' relative changes over all functional and NF tasks."""
    arms = []
    for short in (steady, other):
        parts = [
            pick(context.board, Selection(n, EACH, models=(MODELS[short],))).relative
            for n in ("F1-F3 and F4", "NF1-NF5")
        ]
        arms.append(np.concatenate(parts))
    if min(map(len, arms)) < 2:
        return absent(f"{MODELS[steady]} and {MODELS[other]}")
    found = [float(a.std(ddof=1)) for a in arms]
    rule = f"standard deviation of the relative changes (%), {MODELS[steady]} then {MODELS[other]}"
    p_value = clarity.spreads(*arms)
    return truth(found[0] < found[1], found, rule, unstated=True, p_value=p_value)


def models_improve(context: Context, benchmarks: str, variant: str) -> Found:
    """Count the models that improve (best of DPO and BoNBoN); true: all of them."""
    cells = pick(context.board, Selection(benchmarks, BEST, "every base", (VARIANT[variant],)))
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    better = int((cells.change > 0).sum())
    rule = f"{VARIANT[variant]} models that improve in {benchmarks}, {BEST}, and all of them"
    note = "" if better == len(cells) else f"not: {', '.join(cells.model[cells.change <= 0])}"
    plain = truth(better == len(cells), [better, len(cells)], rule, note)
    others = readings.improving(context, benchmarks, VARIANT[variant])
    grid = "which stages count as aligned"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)
