"""Statements about pathways, single models' losses, and what SFT foretells."""

from __future__ import annotations

import math

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.board import CODE_MODELS, LABELS, MODELS, VARIANT, cell
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import NOT_DERIVABLE, Found
from codealign.analysis.claims.own import only_means
from codealign.analysis.claims.rules import EQUAL, SETS, Selection, pick
from codealign.analysis.claims.tables_facts import BEST, EACH, absent, truth
from codealign.records import STAGES

ALL = (*SETS["F1-F3 and F4"], *SETS["NF1-NF5"])


def gains_more(context: Context, benchmarks: str) -> Found:
    """Compare mean relative changes: pretrained, then finetuned (true: pretrained gain more)."""
    arms = [
        pick(context.board, Selection(benchmarks, EACH, variants=(v,))).relative
        for v in VARIANT.values()
    ]
    if not all(map(len, arms)):
        return absent(f"{benchmarks} of both variants")
    rule = f"mean relative change (%) over all cells of {benchmarks}, {EACH}: PTA, FTA"
    means = [float(a.mean()) for a in arms]
    return truth(means[0] > means[1], means, rule, p_value=clarity.means(*arms))


def gains_on_average(context: Context, benchmarks: str, variant: str) -> Found:
    """Return the mean relative change over all cells, nothing selected (true: above 0)."""
    cells = pick(context.board, Selection(benchmarks, EACH, variants=(VARIANT[variant],)))
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    rule = f"mean relative change (%) over all cells of {benchmarks}, {EACH}, {VARIANT[variant]}"
    mean = float(cells.relative.mean())
    return truth(mean > 0, [mean], rule, p_value=clarity.mean(cells.relative))


def larger_gains_more(context: Context) -> Found:
    """Compare mean relative changes of the 7B and the 1.3B deepseek model, both pathways."""
    arms = []
    for short in ("ds7", "ds1"):
        parts = [
            pick(context.board, Selection(n, EACH, models=(MODELS[short],))).relative
            for n in ("F1-F3 and F4", "NF1-NF5")
        ]
        arms.append(np.concatenate(parts))
    if not all(map(len, arms)):
        return absent("two sizes of one family")
    means = [float(a.mean()) for a in arms]
    rule = f"mean relative change (%) over all tasks, {EACH}: deepseek 7B, 1.3B"
    p_value = clarity.means(*arms)
    plain = truth(means[0] > means[1], means, rule, unstated=True, p_value=p_value)
    grid = "scores x pathways x stage x relative or absolute"
    return readings.widen(context, plain, readings.larger(context), grid)


def code_models_improve(context: Context, variant: str) -> Found:
    """Count code models x dimensions that improve (best of DPO and BoNBoN; true: all)."""
    selection = Selection("NF1-NF5", BEST, variants=(VARIANT[variant],), models=CODE_MODELS)
    cells = pick(context.board, selection)
    if not len(cells):
        return absent("the paper's code-specialized models with CODAL")
    better = cells.change > 0
    rule = f"code models x NF1-NF5 that improve ({BEST}), and all of them, {VARIANT[variant]}"
    plain = truth(bool(better.all()), [better.sum(), len(better)], rule)
    grid = "stage x every score or the mean of a dimension"
    others = readings.code_dimensions(context, VARIANT[variant])
    return readings.widen(context, plain, others, grid)


def code_range(context: Context) -> Found:
    """Return the least and greatest relative change of CODAL's average over code models (PTA)."""
    cells = pick(
        context.board, Selection("Avg", BEST, variants=("pretrained",), models=CODE_MODELS)
    )
    if not len(cells):
        return absent("the paper's code-specialized models with CODAL")
    rule = f"least and greatest relative change of the CODAL average, {BEST}, code models, PTA"
    return Found([float(cells.relative.min()), float(cells.relative.max())], rule)


def losses(context: Context, model: str, variant: str) -> Found:
    """Count functional scores of one model that fall with DPO or BoNBoN (true: none)."""
    selection = Selection("F1-F3 and F4", EACH, "every base", (VARIANT[variant],), (MODELS[model],))
    cells = pick(context.board, selection)
    if not len(cells):
        return absent(f"{MODELS[model]} {VARIANT[variant]}")
    fallen = int((cells.change < 0).sum())
    rule = f"functional scores below the base, of {len(cells)} ({EACH})"
    plain = truth(fallen == 0, [fallen], rule, f"{fallen} of {len(cells)} fall" if fallen else "")
    others = readings.no_losses(context, MODELS[model], VARIANT[variant])
    return readings.widen(context, plain, others, "scores x stage")


def starts_above(context: Context, model: str, cut: float) -> Found:
    """Return the least functional base score of a pretrained model (true: at least the cut)."""
    mask = context.board.rows(SETS["F1-F3 and F4"], ("pretrained",), (MODELS[model],))
    if not mask.any():
        return absent(MODELS[model])
    base = context.board.values[mask, 0] / context.board.scale[mask]
    below = context.board.benchmark[mask][base < cut - EQUAL]
    note = f"below: {', '.join(below)}; mean {np.nanmean(base):.3f}"
    plain = truth(not len(below), [float(np.nanmin(base))], "least base score", note)
    others = readings.starts(context, MODELS[model], cut)
    return readings.widen(context, plain, others, "scores x least or mean", readings.DEFINITE)


HALVES = (
    (SETS["F1-F3"], SETS["F4"]),
    (SETS["NF1"] + SETS["NF3"] + SETS["NF5"], SETS["NF2"] + SETS["NF4"]),
)
"""Benchmarks of each requirement in two halves that share no problem's base answer."""


def _models_after_sft(context: Context) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (fell in SFT on one half, best final mean below the base on the other), both ways.

    One entry per model, variant and requirement (each is a training run of its own). "Fell" and
    "ended below" both hold the base's error; measured on different problems they do not share it.
    """
    board, found = context.board, []
    for first, second in ((0, 1), (1, 0)):
        fell, failed = [], []
        for halves in HALVES:
            for group in np.unique(board.group):
                mine = [(board.group == group) & np.isin(board.benchmark, h) for h in halves]
                means = [(board.values[m] / board.scale[m][:, None]).mean(axis=0) for m in mine
                         if m.any()]  # fmt: skip
                if len(means) == 2 and np.isfinite(means).all():
                    one, other = means[first], means[second]
                    fell.append(one[1] < one[0] - EQUAL)
                    failed.append(other[2:].max() < other[0] - EQUAL)
        found.append((np.array(fell, dtype=bool), np.array(failed, dtype=bool)))
    return found


def sft_predicts(context: Context) -> Found:
    """Compare shares of models that end below the base: fell in SFT, or not (true: more often)."""
    both = _models_after_sft(context)
    fell, failed = (np.concatenate([b[i] for b in both]) for i in (0, 1))
    if not fell.any() or fell.all():
        return absent("models that fell in SFT and models that did not, with DPO and BoNBoN")
    shares = [100 * float(failed[m].mean()) for m in (fell, ~fell)]
    rule = (
        f"share (%) of models ending below the base ({BEST}) on one half of the benchmarks: "
        f"{fell.sum()} times one fell in SFT on the other half, {(~fell).sum()} times not"
    )
    p_value = max(clarity.association(*b) for b in both)
    return truth(shares[0] > shares[1], shares, rule, unstated=True, p_value=p_value)


def stable_succeeds(context: Context) -> Found:
    """Share of models not fallen in SFT that end at the base or above (true: most)."""
    both = _models_after_sft(context)
    fell, failed = (np.concatenate([b[i] for b in both]) for i in (0, 1))
    if not (~fell).any():
        return absent("models that did not fall in SFT")
    share = 100 * float((~failed[~fell]).mean())
    rule = (
        f"share (%) of models reaching the base ({BEST}) on one half of the benchmarks, "
        f"{(~fell).sum()} times one had not fallen in SFT on the other half"
    )
    p_value = max(clarity.share(~b[1][~b[0]], 0.5) for b in both if (~b[0]).any())
    return truth(share > 50, [share], rule, unstated=True, p_value=p_value)


def sft_falls_in_both(context: Context) -> Found:
    """Count scores that fall during SFT in each pathway (true: some in both)."""
    counts = []
    for variant in VARIANT.values():
        values = context.board.values[context.board.rows(ALL, (variant,))]
        if not np.isfinite(values[:, :2]).all(axis=1).any():
            return absent(f"SFT, {variant}")
        counts.append(int((values[:, 1] < values[:, 0] - EQUAL).sum()))
    return truth(all(counts), counts, "scores that fall during SFT: pretrained, finetuned")


def base_tests(context: Context, cells: list[str], printed: list[float]) -> Found:
    """Say that the text quotes another column, and whether the printed one moves alike."""
    values = [context.board.value(cell(text)) for text in cells]
    if any(math.isnan(v) for v in values):
        return absent("; ".join(cell(text).words() for text in cells))
    n = cell(cells[0]).about.n
    counts = [round(p * n) for p in printed]
    whole = all(abs(c / n - p) <= 0.0005 for c, p in zip(counts, printed, strict=True))
    alike = (values[1] < values[0]) == (printed[1] < printed[0])
    note = (
        f"Table 5 prints the plus tests only; the quoted numbers are {'' if whole else 'not '}"
        f"whole counts of {n} ({counts[0]}, {counts[1]}), and the plus column moves "
        f"{'alike' if alike else 'apart'}"
    )
    rule = "the plus column of the same category, which cannot hold the quoted numbers"
    return Found(values, rule, NOT_DERIVABLE, note, agrees=None if context.paper else alike)


def significant_everywhere(context: Context, model: str, variant: str, stage: str) -> Found:
    """Count CODAL dimensions whose change survives Holm's correction (true: all five)."""
    rows = context.changes
    mine = rows[
        (rows["model"] == MODELS[model])
        & (rows["variant"] == VARIANT[variant])
        & (rows["stage"] == stage)
        & rows["benchmark"].isin(SETS["NF1-NF5"])
    ]
    if not len(mine):
        return absent(f"{MODELS[model]} {VARIANT[variant]}, {stage}, CODAL")
    kept = int(((mine["p_holm"] < 1 - stats.CONFIDENCE) & (mine["absolute"] > 0)).sum())
    rule = "dimensions that improve with p < 0.05 after Holm's correction, and all of them"
    found = truth(kept == len(mine), [kept, len(mine)], rule)
    return only_means(found) if context.paper else found


def technique_always(context: Context, model: str, favours: str) -> Found:
    """Count functional scores in which the favoured technique is behind (true: none)."""
    mask = context.board.rows(SETS["F1-F3 and F4"], tuple(VARIANT.values()), (MODELS[model],))
    values = context.board.values[mask]
    values = values[np.isfinite(values[:, 2:]).all(axis=1)]
    if not len(values):
        return absent(f"{MODELS[model]} with DPO and BoNBoN")
    at = STAGES.index(favours)
    behind = int((values[:, at] < values[:, 5 - at] - EQUAL).sum())
    rule = f"functional scores in which {LABELS[favours]} is behind, of {len(values)}"
    plain = truth(behind == 0, [behind, len(values)], rule)
    others = readings.leads(
        context, (MODELS[model],), tuple(VARIANT.values()), favours, always=True
    )
    grid = "scores x pathways, never behind"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)
