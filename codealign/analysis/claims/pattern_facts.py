"""Statements about patterns: thresholds, techniques, what explains success, degradation."""

from __future__ import annotations

import numpy as np

from codealign.analysis.claims import clarity, readings
from codealign.analysis.claims.board import LABELS, MODELS, VARIANT
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import CONTRADICTS, Found
from codealign.analysis.claims.rules import EQUAL, SETS, Selection, pick
from codealign.analysis.claims.tables_facts import BEST, EACH, absent, truth
from codealign.analysis.scores import benchmark as about
from codealign.records import STAGES


def threshold(context: Context, cut: float, level: str) -> Found:
    """Compare the share that improves below and above a base pass@1.

    `level` "cells" splits single scores, "models" splits models by their mean base score over the
    functional benchmarks (O2 says "on average").
    """
    selection = Selection("F1-F3 and F4", EACH, "every base", ("pretrained",))
    cells = pick(context.board, selection)
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
        plain = Found([float(base.min())], rule, CONTRADICTS, note)
        others, grid = readings.thresholds(context, cut), "the scores that a model's base is"
        return readings.widen(context, plain, others, grid, readings.DEFINITE)
    better = [cells.change[m] > 0 for m in (low, high)]
    shares = [100 * float(b.mean()) for b in better]
    rule = f"share of cells that improve ({EACH}), {level} with base below {cut:.2f}, then above"
    p_value = clarity.shares(*better)
    return truth(shares[0] < shares[1], shares, rule, unstated=True, p_value=p_value)


def technique(
    context: Context, model: str, variants: list[str], favours: str, subset: bool = False
) -> Found:
    """Count scores of a model family in which one technique beats the other.

    True: the favoured one leads; with `subset`, it leads in some scores at least.
    """
    names = (*SETS["F1-F3 and F4"], *SETS["NF1-NF5"])
    mask = context.board.rows(names, tuple(VARIANT[v] for v in variants))
    prefix = MODELS[model].rsplit("-", 1)[0]
    family = tuple(sorted({m for m in context.board.model if prefix in m}))
    mask &= np.isin(context.board.model, family)
    values = context.board.values[mask]
    values = values[np.isfinite(values[:, 2:]).all(axis=1)]
    if not len(values):
        return absent(f"{MODELS[model]} and its family with DPO and BoNBoN")
    ahead = values[:, STAGES.index(favours)] - values[:, 5 - STAGES.index(favours)]
    wins, losses = int((ahead > EQUAL).sum()), int((ahead < -EQUAL).sum())
    rule = f"scores where {LABELS[favours]} is ahead, where it is behind, of {len(values)}"
    if subset:
        return truth(wins > 0, [wins, losses], rule)
    p_value = clarity.lead(wins, losses)
    plain = truth(wins > losses, [wins, losses], rule, unstated=True, p_value=p_value)
    others = readings.leads(
        context, family, tuple(VARIANT[v] for v in variants), favours, always=False
    )
    return readings.widen(context, plain, others, "scores x pathways x wins or mean difference")


def best_stage(context: Context, pairs: dict[str, str], variant: str, benchmark: str) -> Found:
    """Check which stage is the best for each model (true: all as said)."""
    found = {}
    for short in pairs:
        mask = context.board.rows((benchmark,), (VARIANT[variant],), (MODELS[short],))
        if not mask.any():
            return absent(MODELS[short])
        found[short] = STAGES[int(np.nanargmax(context.board.values[mask][0]))]
    rule = f"stage with the highest {about(benchmark).label}, {VARIANT[variant]}: " + ", ".join(
        f"{MODELS[m]} {LABELS[s]}" for m, s in found.items()
    )
    wrong = [MODELS[m] for m in pairs if found[m] != pairs[m]]
    note = f"differs: {', '.join(wrong)}" if wrong else ""
    return truth(not wrong, [len(pairs) - len(wrong), len(pairs)], rule, note)


def explained(context: Context) -> Found:
    """Compare the shares of variance of relative gains that model and starting point explain."""
    parts = [pick(context.board, Selection(n, BEST)) for n in ("F1-F3 and F4", "NF1-NF5")]
    gains = np.concatenate([c.relative for c in parts])
    if len(gains) < 3 or not gains.std():
        return absent("enough changes")
    model, start = (np.concatenate([getattr(c, f) for c in parts]) for f in ("model", "variant"))
    shares = [100 * readings.eta_squared(gains, g) for g in (model, start)]
    if len(set(model)) < 2 or len(set(start)) < 2:
        return absent("at least two models and both variants")
    rule = f"eta squared (%) of relative changes ({BEST}) by model, by starting point"
    plain = truth(shares[0] > shares[1], shares, rule, unstated=True)
    grid = "scores x stage x relative or absolute"
    return readings.widen(context, plain, readings.explained(context), grid)


def degrades(context: Context, benchmarks: str, variant: str) -> Found:
    """Share of preference-aligned scores below the base (frequent: more than a third)."""
    cells = pick(context.board, Selection(benchmarks, EACH, "every base", (VARIANT[variant],)))
    if not len(cells):
        return absent(f"{benchmarks}, {VARIANT[variant]}")
    fallen = cells.change < 0
    share, p_value = 100 * float(fallen.mean()), clarity.share(fallen, 1 / 3)
    rule = f"share of {len(cells)} scores below the base ({EACH}); frequent: more than a third"
    return truth(share > 100 / 3, [share], rule, unstated=True, p_value=p_value)


def fewer_failures(context: Context, cut: float) -> Found:
    """Compare shares of relative losses beyond a cut: pretrained, then finetuned (true: fewer)."""
    lost = []
    for variant in VARIANT.values():
        parts = [
            pick(context.board, Selection(n, EACH, variants=(variant,)))
            for n in ("F1-F3 and F4", "NF1-NF5")
        ]
        lost.append(np.concatenate([c.relative for c in parts]) < -cut)
    if not all(map(len, lost)):
        return absent("both variants")
    shares = [100 * float(part.mean()) for part in lost]
    rule = f"share of scores that lose more than {cut:g} % of the base, pretrained then finetuned"
    p_value = clarity.shares(*lost)
    plain = truth(shares[0] < shares[1], shares, rule, unstated=True, p_value=p_value)
    grid = "scores x stage x base floor x size of the loss"
    return readings.widen(context, plain, readings.failures(context), grid)


def trade_offs(context: Context, benchmarks: str) -> Found:
    """Share of aligned models in which some benchmarks rise while others fall (true: half)."""
    mixed = []
    for stage in ("DPO", "BoNBoN"):
        cells = pick(context.board, Selection(benchmarks, stage, "every base"))
        for key in sorted(set(zip(cells.model, cells.variant, strict=True))):
            mine = (cells.model == key[0]) & (cells.variant == key[1])
            change = cells.change[mine]
            mixed.append((change > 0).any() and (change < 0).any())
    if not mixed:
        return absent(benchmarks)
    share = 100 * float(np.mean(mixed))
    rule = f"share of {len(mixed)} aligned models with both gains and losses in {benchmarks}"
    p_value = clarity.share(np.array(mixed), 0.5)
    return truth(share > 50, [share, len(mixed)], rule, unstated=True, p_value=p_value)
