"""Statements about scores as they stand: ranges, ranks, thresholds, one variant against another."""

from __future__ import annotations

import math

import numpy as np

from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import CONTRADICTS, NOT_DERIVABLE, Judgement
from codealign.analysis.claims.rules import (
    CODE_MODELS,
    EQUAL,
    LABELS,
    MODELS,
    SETS,
    VARIANT,
    Board,
    Selection,
    cell,
    pick,
    words,
)
from codealign.analysis.claims.truth import BEST, EACH, TASKS, absent, percent, truth
from codealign.analysis.scores import benchmark as about
from codealign.records import STAGES, VARIANTS

HALF = 0.005
"""Half a unit of the last digit of a printed rating."""


def _names(sets: str) -> list[str]:
    return [name for part in sets.split(" + ") for name in SETS[part]]


def below_scale(context: Context, minimum: float) -> Judgement:
    """Count CODAL dimension scores below the least rating that the judge can give."""
    board = context.board
    values = board.values[np.isin(board.benchmark, SETS["NF1-NF5"])]
    values = values[np.isfinite(values)]
    if not len(values):
        return absent("CODAL")
    below = int((values < minimum - EQUAL).sum())
    rule = (
        f"number of mean ratings below {minimum:g}, of {len(values)} (a mean of ratings of at "
        f"least {minimum:g} cannot be lower)"
    )
    note = f"{below} means lie below it: from zeros, unrated answers or ratings of 0"
    return truth(not below, [below, len(values)], rule, note if below else "")


def value_range(
    context: Context,
    model: str,
    variant: str,
    benchmarks: str,
    stages: list[str],
    printed: list[float],
) -> Judgement:
    """Return the least and greatest score of one model over benchmarks and stages.

    Where a range of several stages is not as printed, every choice of fewer stages is tried.
    """
    model, variant = MODELS[model], VARIANT[variant]
    mask = context.board.rows(SETS[benchmarks], (variant,), (model,))
    values = context.board.values[mask][:, [STAGES.index(s) for s in stages]]
    if not np.isfinite(values).any():
        return absent(f"{model} {variant}, {benchmarks}")
    ends = [float(np.nanmin(values)), float(np.nanmax(values))]
    rule = f"least and greatest of {benchmarks}, stages {', '.join(LABELS[s] for s in stages)}"
    if not context.paper:
        return Judgement(ends, rule)
    holds = max(abs(e - p) for e, p in zip(ends, printed, strict=True)) <= HALF + EQUAL
    others = readings.ranges(context, model, variant, benchmarks, printed, HALF)
    plain, grid = truth(holds, ends, rule), "which stages the range covers"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)


def highest(context: Context, benchmark: str, printed: float) -> Judgement:
    """Return the highest score of a benchmark and say whose it is (true: the printed one).

    Where it is another, the highest among the models of each stage or variant is tried.
    """
    values = context.board.values[context.board.benchmark == benchmark]
    if not np.isfinite(values).any():
        return absent(benchmark)
    (rule, holds, best), *others = readings.highest(context, benchmark, printed)
    if not context.paper:
        return Judgement(list(best), rule)
    plain, grid = truth(holds, best, rule), "among which models"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)


def largest_gain(context: Context, benchmark: str) -> Judgement:
    """Return the largest absolute change of a preference stage, and say whose it is."""
    board = context.board
    mask = board.benchmark == benchmark
    gain = board.values[mask][:, 2:] - board.values[mask][:, [0]]
    if not np.isfinite(gain).any():
        return absent(benchmark)
    row, column = np.unravel_index(int(np.nanargmax(gain)), gain.shape)
    who = f"{board.model[mask][row]} {board.variant[mask][row]}, {LABELS[STAGES[2 + column]]}"
    rule = f"largest absolute change of {about(benchmark).label}: {who}"
    return Judgement([float(gain[row, column])], rule)


def gain_ratio(
    context: Context, first: str, second: str, variant: str, benchmark: str, relative: bool = False
) -> Judgement:
    """Return the ratio of two models' gains (best of DPO and BoNBoN), absolute or relative."""
    gains = []
    for short in (first, second):
        values = context.board.values[
            context.board.rows((benchmark,), (VARIANT[variant],), (MODELS[short],))
        ]
        gain = values[:, 2:].max(axis=1) - values[:, 0] if len(values) else np.array([np.nan])
        gains.append(float((100 * gain / values[:, 0] if relative and len(values) else gain)[0]))
    if not all(map(math.isfinite, gains)):
        return absent(f"{MODELS[first]} and {MODELS[second]}")
    what = "relative (%)" if relative else "absolute"
    where = f"{about(benchmark).label}, {BEST}"
    rule = f"ratio of {what} gains of {where}: {gains[0]:.2f} / {gains[1]:.2f}"
    return Judgement([gains[0] / gains[1] if gains[1] else math.nan], rule)


def best_stage(context: Context, pairs: dict[str, str], variant: str, benchmark: str) -> Judgement:
    """Check which stage is the best for each model (true: all as said)."""
    best = {}
    for short in pairs:
        mask = context.board.rows((benchmark,), (VARIANT[variant],), (MODELS[short],))
        if not mask.any():
            return absent(MODELS[short])
        best[short] = STAGES[int(np.nanargmax(context.board.values[mask][0]))]
    rule = f"stage with the highest {about(benchmark).label}, {VARIANT[variant]}: " + ", ".join(
        f"{MODELS[m]} {LABELS[s]}" for m, s in best.items()
    )
    wrong = [MODELS[m] for m in pairs if best[m] != pairs[m]]
    note = f"differs: {', '.join(wrong)}" if wrong else ""
    return truth(not wrong, [len(pairs) - len(wrong), len(pairs)], rule, note)


def starts_above(context: Context, model: str, cut: float) -> Judgement:
    """Return the least functional base score of a pretrained model (true: at least the cut)."""
    mask = context.board.rows(SETS["F1-F3 and F4"], ("pretrained",), (MODELS[model],))
    if not mask.any():
        return absent(MODELS[model])
    base = context.board.values[mask, 0] / context.board.scale[mask]
    below = context.board.benchmark[mask][base < cut - EQUAL]
    note = f"below: {', '.join(below)}; mean {np.nanmean(base):.3f}"
    plain = truth(not len(below), [np.nanmin(base)], "least base score", note)
    others = readings.starts(context, MODELS[model], cut)
    return readings.widen(context, plain, others, "scores x least or mean", readings.DEFINITE)


def code_range(context: Context) -> Judgement:
    """Return the least and greatest relative change of CODAL's average over code models (PTA)."""
    cells = pick(
        context.board, Selection("Avg", BEST, variants=("pretrained",), models=CODE_MODELS)
    )
    if not len(cells):
        return absent("the paper's code-specialized models with CODAL")
    rule = f"least and greatest relative change of the CODAL average, {BEST}, code models, PTA"
    return Judgement([float(cells.relative.min()), float(cells.relative.max())], rule)


def base_tests(context: Context, cells: list[str], printed: list[float]) -> Judgement:
    """Say that the text quotes another column, and whether the printed one moves alike."""
    quoted = [cell(text) for text in cells]
    values = [context.board.value(c) for c in quoted]
    if any(map(math.isnan, values)):
        return absent("; ".join(map(words, quoted)))
    n = about(quoted[0].benchmark).n
    counts = [round(p * n) for p in printed]
    whole = all(abs(c / n - p) <= 0.0005 for c, p in zip(counts, printed, strict=True))
    alike = (values[1] < values[0]) == (printed[1] < printed[0])
    note = (
        f"Table 5 prints the plus tests only; the quoted numbers are {'' if whole else 'not '}"
        f"whole counts of {n} ({counts[0]}, {counts[1]}), and the plus column moves "
        f"{'alike' if alike else 'apart'}"
    )
    rule = "the plus column of the same category, which cannot hold the quoted numbers"
    return Judgement(values, rule, NOT_DERIVABLE, note, agrees=None if context.paper else alike)


def threshold(context: Context, cut: float, level: str) -> Judgement:
    """Compare the share that improves below and above a base pass@1.

    `level` "cells" splits single scores, "models" splits models by their mean base score over the
    functional benchmarks (O2 says "on average").
    """
    cells = pick(context.board, Selection("F1-F3 and F4", EACH, "every base", ("pretrained",)))
    if not len(cells):
        return absent("functional scores of pretrained models")
    base = cells.base / cells.scale
    if level == "models":
        base = np.array([base[cells.model == m].mean() for m in cells.model])
    low, high = base < cut - EQUAL, base >= cut - EQUAL
    if not low.any() or not high.any():
        side = "at least" if high.any() else "below"
        note = f"least mean base score {base.min():.3f}, greatest {base.max():.3f}"
        rule = f"every {level[:-1]} has a base pass@1 of {side} {cut:.2f}"
        plain = Judgement([float(base.min())], rule, CONTRADICTS, note)
        others, grid = readings.thresholds(context, cut), "the scores that a model's base is"
        return readings.widen(context, plain, others, grid, readings.DEFINITE)
    better = [cells.change[m] > 0 for m in (low, high)]
    shares = [percent(b) for b in better]
    rule = f"share of cells that improve ({EACH}), {level} with base below {cut:.2f}, then above"
    p_value = clarity.shares(*better)
    return truth(shares[0] < shares[1], shares, rule, unstated=True, p_value=p_value)


def explained(context: Context) -> Judgement:
    """Compare the shares of variance of relative gains that model and starting point explain."""
    parts = [pick(context.board, Selection(name, BEST)) for name in TASKS]
    gains, model, start = (
        np.concatenate([getattr(c, f) for c in parts]) for f in ("relative", "model", "variant")
    )
    if len(gains) < 3 or not gains.std():
        return absent("enough changes")
    if len(set(model)) < 2 or len(set(start)) < 2:
        return absent("at least two models and both variants")
    shares = [100 * readings.eta_squared(gains, groups) for groups in (model, start)]
    rule = f"eta squared (%) of relative changes ({BEST}) by model, by starting point"
    plain = truth(shares[0] > shares[1], shares, rule, unstated=True)
    grid = "scores x stage x relative or absolute"
    return readings.widen(context, plain, readings.explained(context), grid)


def _paired_variants(board: Board, sets: str, stage: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled scores (pretrained, finetuned) of the same model and benchmark, at a stage
    (None: the better of DPO and BoNBoN)."""
    known: dict[str, dict[tuple[str, str], float]] = {v: {} for v in VARIANTS}
    for i in np.flatnonzero(np.isin(board.benchmark, _names(sets))):
        value = board.values[i, 2:].max() if stage is None else board.values[i, stage]
        if np.isfinite(value):
            known[board.variant[i]][board.model[i], board.benchmark[i]] = value / board.scale[i]
    shared = sorted(known["pretrained"].keys() & known["finetuned"].keys())
    return tuple(np.array([known[v][k] for k in shared]) for v in VARIANTS)


def share_lower(context: Context, benchmarks: str) -> Judgement:
    """Share of base scores that are lower pretrained than finetuned (more than half: true)."""
    before, after = _paired_variants(context.board, benchmarks, 0)
    if not len(before):
        return absent("both variants' base scores")
    lower, higher = before < after - EQUAL, before > after + EQUAL
    rule = f"share of {len(before)} base scores that are lower for the pretrained variant"
    p_value = clarity.lead(int(lower.sum()), int(higher.sum()))
    return truth(lower.mean() > 0.5, [percent(lower), len(before)], rule, p_value=p_value)


def still_inferior(context: Context, benchmarks: str) -> Judgement:
    """Count aligned pretrained scores (best) that exceed the finetuned variant's base score."""
    aligned, _ = _paired_variants(context.board, benchmarks, None)
    _, base = _paired_variants(context.board, benchmarks, 0)
    if not len(base) or len(aligned) != len(base):
        return absent("both variants with base and aligned scores")
    above = int((aligned > base + EQUAL).sum())
    rule = f"scores whose {BEST} (pretrained) exceeds the finetuned base, of {len(base)}"
    note = f"{above} exceptions" if above else ""
    plain = truth(above == 0, [above, len(base)], rule, note)
    others = readings.inferior(context, tuple(_names(benchmarks)))
    return readings.widen(context, plain, others, "each model's mean or overall x against what")


def gap_narrows(context: Context, benchmarks: str) -> Judgement:
    """Compare the mean gap between the variants before and after alignment (true: smaller)."""
    gaps = [after - before for before, after in
            (_paired_variants(context.board, benchmarks, s) for s in (0, None))]  # fmt: skip
    if not len(gaps[0]) or len(gaps[0]) != len(gaps[1]):
        return absent("both variants with base and aligned scores")
    rule = f"mean of finetuned - pretrained in % of the scale: base, then {BEST} of each"
    means = [100 * float(g.mean()) for g in gaps]
    return truth(means[1] < means[0], means, rule, p_value=clarity.mean(gaps[1] - gaps[0]))
