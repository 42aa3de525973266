"""The numbers that stand for the paper's observations in a run, one for each seed.

Each takes a model's scores (`Study.parts`, main cells of one model) and returns {seed: number}.
Benchmark sets are those of the claims' rules. A seed without the scores has no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from codealign.analysis.claims.rules import SETS
from codealign.records import ALIGNED

Numbers = dict[int, float]
Contrast = Callable[[pd.DataFrame], Numbers]

PTA, FTA = ("pretrained",), ("finetuned",)
BOTH = (*PTA, *FTA)
F, NF = "F1-F3 and F4", "NF1-NF5"
CATASTROPHE = -30.0
"""Relative change (%) that counts as a catastrophic failure, as in the claims' rule for O19."""
GAINED, LOST = ("evoeval_difficult", "evoeval_creative"), ("evoeval_verbose", "evoeval_concise")
"""Categories of F4 in which the paper's example gains and loses (O9)."""


def pick(
    parts: pd.DataFrame,
    names: str | tuple[str, ...],
    variants: tuple[str, ...] = BOTH,
    stages: tuple[str, ...] = ALIGNED,
) -> pd.DataFrame:
    """Return the rows of a benchmark set (by its name in the claims' rules), pathways, stages."""
    wanted = SETS[names] if isinstance(names, str) else names
    return parts[
        parts["benchmark"].isin(wanted)
        & parts["variant"].isin(variants)
        & parts["stage"].isin(stages)
    ]


def means(rows: pd.DataFrame, column: str = "change") -> Numbers:
    """Return each seed's mean of a column."""
    return {int(s): float(v) for s, v in rows.groupby("seed")[column].mean().items()}


def shares(rows: pd.DataFrame, holds: Callable[[pd.DataFrame], pd.Series]) -> Numbers:
    """Return each seed's share (percent) of rows for which something holds."""
    return means(rows.assign(holds=100.0 * holds(rows)), "holds")


def minus(first: Numbers, second: Numbers) -> Numbers:
    """Return first minus second for the seeds that have both."""
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


def risen(rows: pd.DataFrame) -> pd.Series:
    """Mark the scores above their base."""
    return rows["change"] > 0


def fallen(rows: pd.DataFrame) -> pd.Series:
    """Mark the scores below their base."""
    return rows["change"] < 0


def plasticity(parts: pd.DataFrame) -> Numbers:
    """O1: functional mean relative change, PTA minus FTA."""
    return minus(*(means(pick(parts, F, v), "relative") for v in (PTA, FTA)))


def viable(parts: pd.DataFrame) -> Numbers:
    """O2: mean relative change of functional scores whose base is at least 0.10."""
    rows = pick(parts, F)
    return means(rows[rows["base"] >= 10], "relative")


def non_functional_gain(parts: pd.DataFrame) -> Numbers:
    """O3: mean relative change of the five dimensions, PTA."""
    return means(pick(parts, NF, PTA), "relative")


def technique(parts: pd.DataFrame, names: str = NF, variants: tuple[str, ...] = PTA) -> Numbers:
    """O4: mean change with BoNBoN minus that with DPO."""
    return minus(*(means(pick(parts, names, variants, (s,))) for s in ("bonbon", "dpo")))


def style(parts: pd.DataFrame) -> Numbers:
    """O6: relative change of coding style (NF4), PTA."""
    return means(pick(parts, "NF4", PTA), "relative")


def degradation(parts: pd.DataFrame) -> Numbers:
    """O7: share of functional scores that fall minus the share that rises, FTA."""
    rows = pick(parts, F, FTA)
    return minus(shares(rows, fallen), shares(rows, risen))


def sft_risk(parts: pd.DataFrame) -> Numbers:
    """O8: share of scores that end below the base: those that fell in SFT minus the others."""
    keys = ["variant", "requirement", "benchmark", "seed"]
    sft = parts[parts["stage"] == "sft"][[*keys, "change"]]
    rows = parts[parts["stage"].isin(ALIGNED)].merge(sft, on=keys, suffixes=("", "_sft"))
    after = [rows[rows["change_sft"] < 0], rows[rows["change_sft"] >= 0]]
    return minus(*(shares(arm, fallen) for arm in after))


def trade_off(parts: pd.DataFrame) -> Numbers:
    """O9: change on Difficult and Creative minus that on Verbose and Concise, FTA with DPO."""
    return minus(*(means(pick(parts, names, FTA, ("dpo",))) for names in (GAINED, LOST)))


def consistency(parts: pd.DataFrame) -> Numbers:
    """O11: standard deviation of relative changes, functional minus non-functional, FTA."""
    spreads = []
    for names in (F, NF):
        found = pick(parts, names, FTA).groupby("seed")["relative"].std(ddof=1)
        spreads.append({int(s): float(v) for s, v in found.items() if not math.isnan(v)})
    return minus(*spreads)


def stability(parts: pd.DataFrame) -> Numbers:
    """O14: mean relative change over both requirements, PTA minus FTA."""
    arms = [minus(*(means(pick(parts, n, v), "relative") for v in (PTA, FTA))) for n in (F, NF)]
    return {seed: (arms[0][seed] + arms[1][seed]) / 2 for seed in arms[0] if seed in arms[1]}


def responsiveness(parts: pd.DataFrame) -> Numbers:
    """O15: share of scores that rise, non-functional minus functional, both pathways."""
    return minus(*(shares(pick(parts, names), risen) for names in (NF, F)))


def task_type(parts: pd.DataFrame) -> Numbers:
    """O16: share of scores that rise, non-functional minus F1, PTA."""
    return minus(*(shares(pick(parts, names, PTA), risen) for names in (NF, "F1")))


def pathway_preference(parts: pd.DataFrame) -> Numbers:
    """O17: how much BoNBoN gains over DPO, over all scores, in PTA minus in FTA."""
    arms = []
    for variants in (PTA, FTA):
        rows = parts[parts["variant"].isin(variants)]
        arms.append(minus(*(means(rows[rows["stage"] == s]) for s in ("bonbon", "dpo"))))
    return minus(*arms)


def objective_preference(parts: pd.DataFrame) -> Numbers:
    """O18: how much BoNBoN gains over DPO, functional minus non-functional, both pathways."""
    return minus(*(technique(parts, names, BOTH) for names in (F, NF)))


def catastrophes(parts: pd.DataFrame) -> Numbers:
    """O19: share of scores that lose more than 30 % of the base, FTA minus PTA."""
    aligned = parts[parts["stage"].isin(ALIGNED)]
    arms = [aligned[aligned["variant"].isin(v)] for v in (FTA, PTA)]
    return minus(*(shares(rows, lambda r: r["relative"] < CATASTROPHE) for rows in arms))
