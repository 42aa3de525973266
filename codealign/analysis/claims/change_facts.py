"""Statements about changes: how many scores rise, fall or lead, and what SFT foretells."""

from __future__ import annotations

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import Judgement
from codealign.analysis.claims.rules import (
    CODE_MODELS,
    EQUAL,
    LABELS,
    MODELS,
    SETS,
    VARIANT,
    Pairs,
    Selection,
    pick,
)
from codealign.analysis.claims.truth import BEST, EACH, TASKS, absent, only_means, percent, truth
from codealign.records import STAGES, VARIANTS


def _of(context: Context, benchmarks: str, stages: str, variant: str, floor: str) -> Pairs:
    return pick(context.board, Selection(benchmarks, stages, floor, (VARIANT[variant],)))


def gains_on_average(context: Context, benchmarks: str, variant: str) -> Judgement:
    """Return the mean relative change over all cells, nothing selected (true: above 0)."""
    cells = _of(context, benchmarks, EACH, variant, "any base above 0")
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    rule = f"mean relative change (%) over all cells of {benchmarks}, {EACH}, {VARIANT[variant]}"
    mean = float(cells.relative.mean())
    return truth(mean > 0, [mean], rule, p_value=clarity.mean(cells.relative))


def degrades(context: Context, benchmarks: str, variant: str) -> Judgement:
    """Share of preference-aligned scores below the base (frequent: more than a third)."""
    cells = _of(context, benchmarks, EACH, variant, "every base")
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    fallen = cells.change < 0
    rule = f"share of {len(cells)} scores below the base ({EACH}); frequent: more than a third"
    p_value = clarity.share(fallen, 1 / 3)
    return truth(percent(fallen) > 100 / 3, [percent(fallen)], rule, unstated=True, p_value=p_value)


def models_improve(context: Context, benchmarks: str, variant: str) -> Judgement:
    """Count the models that improve (best of DPO and BoNBoN); true: all of them."""
    cells = _of(context, benchmarks, BEST, variant, "every base")
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    better = int((cells.change > 0).sum())
    rule = f"{VARIANT[variant]} models that improve in {benchmarks}, {BEST}, and all of them"
    note = "" if better == len(cells) else f"not: {', '.join(cells.model[cells.change <= 0])}"
    plain = truth(better == len(cells), [better, len(cells)], rule, note)
    others = readings.improving(context, benchmarks, VARIANT[variant])
    grid = "which stages count as aligned"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)


def code_models_improve(context: Context, variant: str) -> Judgement:
    """Count code models x dimensions that improve (best of DPO and BoNBoN; true: all)."""
    selection = Selection("NF1-NF5", BEST, variants=(VARIANT[variant],), models=CODE_MODELS)
    better = pick(context.board, selection).change > 0
    if not len(better):
        return absent("the paper's code-specialized models with CODAL")
    rule = f"code models x NF1-NF5 that improve ({BEST}), and all of them, {VARIANT[variant]}"
    plain = truth(bool(better.all()), [better.sum(), len(better)], rule)
    grid = "stage x every score or the mean of a dimension"
    others = readings.code_dimensions(context, VARIANT[variant])
    return readings.widen(context, plain, others, grid)


def losses(context: Context, model: str, variant: str) -> Judgement:
    """Count functional scores of one model that fall with DPO or BoNBoN (true: none)."""
    model, variant = MODELS[model], VARIANT[variant]
    selection = Selection("F1-F3 and F4", EACH, "every base", (variant,), (model,))
    change = pick(context.board, selection).change
    if not len(change):
        return absent(f"{model} {variant}")
    fallen = int((change < 0).sum())
    rule = f"functional scores below the base, of {len(change)} ({EACH})"
    note = f"{fallen} of {len(change)} fall" if fallen else ""
    others = readings.no_losses(context, model, variant)
    return readings.widen(
        context, truth(fallen == 0, [fallen], rule, note), others, "scores x stage"
    )


def _ahead(
    context: Context,
    names: tuple[str, ...],
    variants: tuple[str, ...],
    models: tuple[str, ...],
    favours: str,
) -> np.ndarray:
    """Return by how much a technique's scores exceed the other's, where both were run."""
    values = context.board.values[context.board.rows(names, variants, models)]
    values = values[np.isfinite(values[:, 2:]).all(axis=1)]
    at = STAGES.index(favours)
    return values[:, at] - values[:, 5 - at]


def technique(
    context: Context, model: str, variants: list[str], favours: str, subset: bool = False
) -> Judgement:
    """Count scores of a model family in which one technique beats the other.

    True: the favoured one leads; with `subset`, it leads in some scores at least.
    """
    prefix, of = MODELS[model].rsplit("-", 1)[0], tuple(VARIANT[v] for v in variants)
    family = tuple(sorted({m for m in context.board.model if prefix in m}))
    ahead = _ahead(context, SETS[TASKS[0]] + SETS[TASKS[1]], of, family or (prefix,), favours)
    if not len(ahead):
        return absent(f"{MODELS[model]} and its family with DPO and BoNBoN")
    wins, losses = int((ahead > EQUAL).sum()), int((ahead < -EQUAL).sum())
    rule = f"scores where {LABELS[favours]} is ahead, where it is behind, of {len(ahead)}"
    if subset:
        return truth(wins > 0, [wins, losses], rule)
    p_value = clarity.lead(wins, losses)
    plain = truth(wins > losses, [wins, losses], rule, unstated=True, p_value=p_value)
    others = readings.leads(context, family, of, favours, always=False)
    return readings.widen(context, plain, others, "scores x pathways x wins or mean difference")


def technique_always(context: Context, model: str, favours: str) -> Judgement:
    """Count functional scores in which the favoured technique is behind (true: none)."""
    models = (MODELS[model],)
    ahead = _ahead(context, SETS["F1-F3 and F4"], VARIANTS, models, favours)
    if not len(ahead):
        return absent(f"{MODELS[model]} with DPO and BoNBoN")
    behind = int((ahead < -EQUAL).sum())
    rule = f"functional scores in which {LABELS[favours]} is behind, of {len(ahead)}"
    plain = truth(behind == 0, [behind, len(ahead)], rule)
    others = readings.leads(context, models, VARIANTS, favours, always=True)
    grid = "scores x pathways, never behind"
    return readings.widen(context, plain, others, grid, readings.DEFINITE)


def trade_offs(context: Context, benchmarks: str) -> Judgement:
    """Share of aligned models in which some benchmarks rise while others fall (true: half)."""
    mixed = []
    for stage in ("DPO", "BoNBoN"):
        cells = pick(context.board, Selection(benchmarks, stage, "every base"))
        for group in np.unique(cells.group):
            change = cells.change[cells.group == group]
            mixed.append((change > 0).any() and (change < 0).any())
    if not mixed:
        return absent(benchmarks)
    share = percent(np.array(mixed))
    rule = f"share of {len(mixed)} aligned models with both gains and losses in {benchmarks}"
    p_value = clarity.share(np.array(mixed), 0.5)
    return truth(share > 50, [share, len(mixed)], rule, unstated=True, p_value=p_value)


def significant_everywhere(context: Context, model: str, variant: str, stage: str) -> Judgement:
    """Count CODAL dimensions whose change survives Holm's correction (true: all five)."""
    rows = context.changes
    place = [MODELS[model], VARIANT[variant], stage]
    mine = rows[
        (rows[["model", "variant", "stage"]] == place).all(axis=1)
        & rows["benchmark"].isin(SETS["NF1-NF5"])
    ]
    if not len(mine):
        return absent(f"{MODELS[model]} {VARIANT[variant]}, {stage}, CODAL")
    kept = int(((mine["p_holm"] < 1 - stats.CONFIDENCE) & (mine["absolute"] > 0)).sum())
    rule = "dimensions that improve with p < 0.05 after Holm's correction, and all of them"
    outcome = truth(kept == len(mine), [kept, len(mine)], rule)
    return only_means(outcome) if context.paper else outcome


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
    board, both = context.board, []
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
        both.append((np.array(fell, dtype=bool), np.array(failed, dtype=bool)))
    return both


def sft_predicts(context: Context) -> Judgement:
    """Compare shares of models that end below the base: fell in SFT, or not (true: more often)."""
    both = _models_after_sft(context)
    fell, failed = (np.concatenate(part) for part in zip(*both, strict=True))
    if not fell.any() or fell.all():
        return absent("models that fell in SFT and models that did not, with DPO and BoNBoN")
    shares = [percent(failed[m]) for m in (fell, ~fell)]
    rule = (
        f"share (%) of models ending below the base ({BEST}) on one half of the benchmarks: "
        f"{fell.sum()} times one fell in SFT on the other half, {(~fell).sum()} times not"
    )
    p_value = max(clarity.association(*b) for b in both)
    return truth(shares[0] > shares[1], shares, rule, unstated=True, p_value=p_value)


def stable_succeeds(context: Context) -> Judgement:
    """Share of models not fallen in SFT that end at the base or above (true: most)."""
    both = _models_after_sft(context)
    fell, failed = (np.concatenate(part) for part in zip(*both, strict=True))
    if fell.all():
        return absent("models that did not fall in SFT")
    share = percent(~failed[~fell])
    rule = (
        f"share (%) of models reaching the base ({BEST}) on one half of the benchmarks, "
        f"{(~fell).sum()} times one had not fallen in SFT on the other half"
    )
    p_value = max(clarity.share(~b[1][~b[0]], 0.5) for b in both if (~b[0]).any())
    return truth(share > 50, [share], rule, unstated=True, p_value=p_value)


def sft_falls_in_both(context: Context) -> Judgement:
    """Count scores that fall during SFT in each pathway (true: some in both)."""
    counts = []
    for variant in VARIANTS:
        rows = context.board.rows(SETS[TASKS[0]] + SETS[TASKS[1]], (variant,))
        base, sft = context.board.values[rows][:, :2].T
        if not np.isfinite(base + sft).any():
            return absent(f"SFT, {variant}")
        counts.append(int((sft < base - EQUAL).sum()))
    return truth(all(counts), counts, "scores that fall during SFT: pretrained, finetuned")
