"""R1-R9 as rules over scores: each gives a verdict, the numbers, and the next step.

A change counts as clear only when its 95 % interval excludes 0; orders of means and shares need
p < 0.05 (`claims.clarity` has the tests and their assumption). The thresholds are those of
`codealign.train.gates`, which stop a training by the same rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codealign.analysis import stats
from codealign.analysis.changes import Items, changes
from codealign.analysis.claims import clarity
from codealign.analysis.scores import every_benchmark
from codealign.records import ALIGNED, PATHWAY
from codealign.train.gates import Verdict, alignment_gate, baseline_gate, sft_gate

SUPPORTED, NOT_SUPPORTED, CANNOT_TELL = "supported", "not supported", "cannot tell"
THRESHOLD = 0.10
"""Least baseline pass@1 of Observation 2."""
ALPHA = 1 - stats.CONFIDENCE
WHO = ["model", "variant"]
Finding = tuple[str, list[str], str]
"""Verdict, numbers, next step."""


@dataclass(frozen=True)
class Data:
    """What the rules look at: base and later scores without CODAL's average, and the changes.

    `scores` has a column `share` (value / scale); `aligned` are the changes of DPO and BoNBoN,
    `sft` those of SFT, both with `share` (absolute change / scale).
    """

    scores: pd.DataFrame
    aligned: pd.DataFrame
    sft: pd.DataFrame


def data_of(frame: pd.DataFrame, items: Items) -> Data:
    """Prepare tidy scores (and per-problem values, for paired intervals) for the rules."""
    rows = frame[(frame["benchmark"] != "codal") & frame["value"].notna()]
    scale = {b.name: b.scale for b in every_benchmark().values()}
    scores = rows.assign(share=rows["value"] / rows["benchmark"].map(scale).astype(float))
    moved = changes(rows, items)
    moved = moved.assign(share=moved["absolute"] / moved["benchmark"].map(scale).astype(float))
    aligned = moved["stage"].isin(ALIGNED)
    return Data(scores, moved[aligned], moved[~aligned])


def _order(
    first: float, second: float, p_value: float, told: list[str], steps: tuple[str, str]
) -> Finding:
    """Turn an order and its p-value into a finding; steps are (if it holds or unclear, if not)."""
    told = [*told, f"p = {p_value:.2g}"]
    if math.isnan(p_value) or p_value >= ALPHA:
        return CANNOT_TELL, told, f"within the noise, more problems would tell; {steps[0]}"
    return (SUPPORTED, told, steps[0]) if first > second else (NOT_SUPPORTED, told, steps[1])


def _lacking(what: str) -> Finding:
    return CANNOT_TELL, [], f"needs {what}"


def pathway(data: Data) -> Finding:
    """R1: does the pretrained pathway gain more, and does the finetuned one end higher?"""
    gains = [_of(data.aligned, variant=v)["share"].to_numpy() for v in PATHWAY]
    finals = [_of(data.scores, variant=v, stage=ALIGNED)["share"] for v in PATHWAY]
    if not all(map(len, gains)):
        return _lacking("aligned scores of both variants")
    told = [
        f"mean gain in % of the scale: PTA {100 * gains[0].mean():+.1f}, "
        f"FTA {100 * gains[1].mean():+.1f}",
        f"mean aligned score: PTA {100 * finals[0].mean():.1f}, FTA {100 * finals[1].mean():.1f}",
    ]
    higher = PATHWAY[tuple(PATHWAY)[int(finals[1].mean() > finals[0].mean())]]
    gained = "gains" if gains[0].mean() > 0 else "loses less, but does not gain"
    steps = (f"deploy {higher}, which ends higher; PTA {gained}",
             f"take {higher}: it ends higher, and PTA gains no more")  # fmt: skip
    return _order(gains[0].mean(), gains[1].mean(), clarity.means(*gains), told, steps)


def _of(rows: pd.DataFrame, **wanted: str | tuple[str, ...]) -> pd.DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column].isin([value] if isinstance(value, str) else value)]
    return rows


def requirement(data: Data) -> Finding:
    """R2: do non-functional scores improve more often than functional ones?"""
    better = [
        (_of(data.aligned, requirement=r)["absolute"] > 0).to_numpy()
        for r in ("non_functional", "functional")
    ]
    if not all(map(len, better)):
        return _lacking("aligned CODAL and functional scores")
    shares = [100 * float(b.mean()) for b in better]
    told = [f"improve: {shares[0]:.0f} % non-functional, {shares[1]:.0f} % functional"]
    steps = ("align for non-functional requirements first", "align for functional ones first")
    return _order(*shares, clarity.shares(*better), told, steps)


def size(data: Data) -> Finding:
    """R3: within a family, does the larger model gain more?"""
    gains: dict[str, dict[float, np.ndarray]] = {}
    for model, rows in data.aligned.groupby("model"):
        if found := re.search(r"^(.*?)-?(\d+(?:\.\d+)?)[bB]\b", str(model)):
            sizes = gains.setdefault(found[1].lower(), {})
            sizes[float(found[2])] = rows["share"].to_numpy()
    families = {f: sizes for f, sizes in gains.items() if len(sizes) > 1}
    if not families:
        return _lacking("two sizes of one model family (named like coder-1.3b and coder-7b)")
    pairs = [(sizes[max(sizes)], sizes[min(sizes)]) for sizes in families.values()]
    large, small = (np.concatenate(side) for side in zip(*pairs, strict=True))
    told = [f"mean gain in % of the scale: larger {100 * large.mean():+.1f}, "
            f"smaller {100 * small.mean():+.1f} ({', '.join(families)})"]  # fmt: skip
    steps = ("prefer the larger variant", "the smaller variant gains more here: size is no reason")
    return _order(large.mean(), small.mean(), clarity.means(large, small), told, steps)


def baselines(data: Data, threshold: float = THRESHOLD) -> dict[tuple[str, str], Verdict]:
    """Return the gate on the mean base pass@1 of every model and variant (n: problems)."""
    rows = _of(data.scores, stage="base", metric="pass@1")
    return {
        key: baseline_gate(float(group["value"].mean()), threshold, int(group["n"].sum()))
        for key, group in rows.groupby(WHO)
    }


def viability(data: Data) -> Finding:
    """R4: do models below the baseline threshold fail to improve, and those above improve?"""
    gates = baselines(data)
    rows = _of(data.aligned, requirement="functional")
    told = [f"{m} {v}: {gate.reason}" for (m, v), gate in gates.items()]
    if not gates or rows.empty:
        return _lacking("functional base scores and aligned scores")
    passed = np.array([gates[k].passed if k in gates else False for k in _keys(rows)])
    better = (rows["absolute"] > 0).to_numpy()
    weak = [f"{m} {v}" for (m, v), gate in gates.items() if not gate.passed]
    step = f"do not align {', '.join(weak)}" if weak else "every model is above the threshold"
    if passed.all() or not passed.any():
        return CANNOT_TELL, told, f"{step}; models on both sides of {THRESHOLD:.2f} would tell"
    shares = [100 * float(better[m].mean()) for m in (passed, ~passed)]
    told.append(f"improve: {shares[0]:.0f} % above the threshold, {shares[1]:.0f} % below")
    p_value = clarity.shares(better[passed], better[~passed])
    return _order(*shares, p_value, told, (step, "the threshold is no guide for these models"))


def _keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["model"], rows["variant"], strict=True))


def technique(data: Data) -> Finding:
    """R5: does any model clearly prefer one technique (sign test, Holm over the models)?"""
    names, leads = [], []
    for key, rows in data.aligned.groupby([*WHO, "requirement"]):
        wide = rows.pivot(index="benchmark", columns="stage", values="value")
        if set(ALIGNED) <= set(wide.columns):
            ahead = (wide["bonbon"] - wide["dpo"]).dropna()
            names.append(" ".join(key))
            leads.append((int((ahead > 0).sum()), int((ahead < 0).sum())))
    if not names:
        return _lacking("DPO and BoNBoN scores of one model")
    p_values = stats.adjust([clarity.lead(*lead) for lead in leads], "holm")
    told, clear = [], []
    for name, (wins, losses), p in zip(names, leads, p_values, strict=True):
        sure = f"p = {p:.2g} after Holm" if wins + losses else "all ties"
        told.append(f"{name}: BoNBoN ahead {wins}, DPO {losses} ({sure})")
        if p < ALPHA:
            clear.append(f"{'BoNBoN' if wins > losses else 'DPO'} for {name}")
    if clear:
        return SUPPORTED, told, f"use {'; '.join(clear)}; validate the others case by case"
    return CANNOT_TELL, told, "no clear preference: train both and compare on held-out problems"


def _mixed(rows: pd.DataFrame, what: str, steps: tuple[str, str]) -> Finding:
    """Look for aligned models with clear gains in some benchmarks and clear losses in others.

    Not supported needs clear changes in half of the models at least.
    """
    groups = {key: (int((g["low"] > 0).sum()), int((g["high"] < 0).sum()))
              for key, g in rows.groupby([*WHO, "stage"])}  # fmt: skip
    if not groups:
        return _lacking(f"aligned {what} scores")
    clear = {key: n for key, n in groups.items() if sum(n)}
    told = [f"{' '.join(key)}: {up} clear gains, {down} clear losses"
            for key, (up, down) in clear.items()]  # fmt: skip
    if not clear:
        return CANNOT_TELL, ["no change is clear of noise"], f"more problems would tell; {steps[0]}"
    both = [" ".join(key) for key, (up, down) in clear.items() if up and down]
    if both:
        return SUPPORTED, told, f"{steps[0]} (both ways: {', '.join(both)})"
    if len(clear) < len(groups) / 2:
        told.append(f"no clear change in {len(groups) - len(clear)} of {len(groups)} models")
        return CANNOT_TELL, told, f"more problems would tell; {steps[0]}"
    return NOT_SUPPORTED, told, steps[1]


def diversity(data: Data) -> Finding:
    """R6: do benchmarks disagree about the same aligned model?"""
    steps = ("evaluate on several benchmarks", "clear changes all go one way: one may do")
    return _mixed(_of(data.aligned, requirement="functional"), "functional", steps)


def early_stop(data: Data) -> Finding:
    """R7: do scores that fell during SFT end below the base more often?"""
    keys = [*WHO, "benchmark"]
    final = data.aligned.groupby(keys)["absolute"].max()
    sft = data.sft.set_index(keys)["absolute"].reindex(final.index).dropna()
    fell, failed = (sft < 0).to_numpy(), (final.reindex(sft.index) < 0).to_numpy()
    stop = [
        f"{r.model} {r.variant} ({r.benchmark})"
        for r in data.sft.itertuples()
        if not sft_gate(r.base, r.value, r.high).passed
    ]
    step = f"stop after SFT: {', '.join(stop)}" if stop else "no SFT has clearly done harm"
    if not fell.any() or fell.all():
        told = [f"{fell.sum()} of {len(fell)} scores fell during SFT"]
        return CANNOT_TELL, told, f"needs scores that fell and scores that did not; {step}"
    shares = [100 * float(failed[m].mean()) for m in (fell, ~fell)]
    told = [f"end below the base: {shares[0]:.0f} % of {fell.sum()} that fell during SFT, "
            f"{shares[1]:.0f} % of the rest"]  # fmt: skip
    p_value = clarity.shares(failed[fell], failed[~fell])
    return _order(*shares, p_value, told, (step, "a fall during SFT is no reason to stop here"))


def trade_offs(data: Data) -> Finding:
    """R8: do dimensions of one aligned model move in opposite directions?"""
    steps = ("watch every dimension, not the average", "no trade-off between dimensions is clear")
    return _mixed(_of(data.aligned, requirement="non_functional"), "CODAL", steps)


def compatibility(data: Data) -> Finding:
    """R9: are finetuned models harmed more often than pretrained ones?"""
    rows = data.aligned[data.aligned["high"].notna()]
    harmed = np.array(
        [not alignment_gate(r.base, r.value, r.high).passed for r in rows.itertuples()], dtype=bool
    )
    arms = [harmed[(rows["variant"] == v).to_numpy()] for v in ("finetuned", "pretrained")]
    if not all(map(len, arms)):
        return _lacking("aligned scores of both variants")
    shares = [100 * float(a.mean()) for a in arms]
    told = [f"clearly harmed: {shares[0]:.0f} % of finetuned, {shares[1]:.0f} % of pretrained"]
    worst = sorted({f"{m} {v}" for (m, v), h in zip(_keys(rows), harmed, strict=True) if h})
    step = f"screen before aligning further: {', '.join(worst)}" if worst else "no clear harm"
    return _order(*shares, clarity.shares(*arms), told, (step, step))


RULES: dict[str, Callable[[Data], Finding]] = {
    "R1": pathway,
    "R2": requirement,
    "R3": size,
    "R4": viability,
    "R5": technique,
    "R6": diversity,
    "R7": early_stop,
    "R8": trade_offs,
    "R9": compatibility,
}
