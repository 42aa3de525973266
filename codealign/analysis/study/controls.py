"""Experiments whose effect is known: each arm's gain over its own SFT, its labels, its training.

An arm is the main cells or an ablation. Where hidden tests are known (`prefs.tasks: grammar`), the
share of an arm's chosen responses that they refuse is its label noise: 0 for pairs that these tests
labelled (the positive control), half for pairs that a coin tossed (the placebo).

A gain is pass@1 of the aligned model minus that of the SFT model it started from, in points, over
the distinct problems that both were asked (the added tests' score where a benchmark has two). Its
interval holds the seeds and the choice of problems: the variances of the mean over seeds and of the
mean over problems are added, with degrees of freedom by Welch and Satterthwaite. The problems'
variance, taken of means over seeds, has a part of the seeds' in it: the interval is a little wide.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats as scipy_stats

from codealign.analysis.stats import CONFIDENCE
from codealign.paths import RunPaths
from codealign.records import ALIGNED, read_jsonl

CELL = ["model", "variant", "trained", "ablation", "stage"]
TRAINED = [*CELL, "seed", "examples", "steps", "gap", "target", "noise"]
ARMS = [*CELL, "seeds", "problems", "gain", "low", "high", "above_base", *TRAINED[6:]]
BASES = {"humaneval": "humaneval_plus", "mbpp": "mbpp_plus"}
"""Scores that are left out where the run has the same problems' score with the added tests."""
Answers = Mapping[tuple[str, str], float]
"""Value of each problem, {(benchmark, problem): value}."""
Models = dict[tuple[str, str, str, str, int], Answers]
"""Answers of each model, by model, variant, ablation, stage and seed; a base's seed is -1."""


def trained(root: Path | str) -> pd.DataFrame:
    """Return one row (`TRAINED`) a trained adapter of a run: its pairs, labels and reached gap.

    `examples` counts pairs; `gap` and `target` are in nats, NaN where a technique has none; `noise`
    is the share of the chosen responses that hidden tests refuse, NaN without hidden tests.
    """
    rows = []
    for part in RunPaths(Path(root)).parts():
        for path in sorted(part.root.glob("checkpoints/*/*/*/*/training.json")):
            model, variant, requirement, stage = path.parts[-5:-1]
            found = json.loads(path.read_text(encoding="utf-8"))
            cell = [model, variant, requirement, part.ablation, stage, _seed(part)]
            rows.append([*cell, *(found.get(name) for name in TRAINED[6:])])
    frame = pd.DataFrame(rows, columns=TRAINED)
    frame[TRAINED[6:]] = frame[TRAINED[6:]].astype(float)
    return frame


def _seed(part: RunPaths) -> int:
    """Return a part's seed, as its folder says; 0 in a run with one seed."""
    return int(part.seeded.name) if part.seeded != part.top else 0


def arms(root: Path | str) -> pd.DataFrame:
    """Return one row (`ARMS`) an aligned cell of a run's functional arms.

    The numbers of training are means over the seeds. Without an interval (one seed): bounds NaN.
    """
    training, answers = trained(root), _answers(Path(root))
    aligned = training[training["stage"].isin(ALIGNED) & (training["trained"] == "functional")]
    own_sft = set(training.loc[training["stage"] == "sft", "ablation"])
    rows = []
    for cell, own in aligned.groupby(CELL, sort=False):
        place = dict(zip(CELL, cell, strict=True))
        start = place["ablation"] if place["ablation"] in own_sft else ""
        pairs = {seed: _beside(answers, place, start, seed) for seed in own["seed"]}
        found = _gain({seed: pair for seed, pair in pairs.items() if pair})
        if found["seeds"]:
            rows.append({**place, **found, **own[TRAINED[6:]].mean().to_dict()})
    return pd.DataFrame(rows, columns=ARMS)


def formats(root: Path | str, arm: str) -> pd.DataFrame:
    """Return one row a functional model that an arm scored in another format.

    Columns: model, variant, stage, then pass@1 (percent) in the main cells' format as `own` and in
    the arm's as `other`, and `mean`, `low`, `high` of other minus own; a base model is one model,
    whose bounds are NaN as those of a single seed.
    """
    answers = _answers(Path(root))
    found: dict[tuple[str, str, str], dict[int, tuple[Answers, Answers]]] = {}
    for (model, variant, name, stage, seed), other in answers.items():
        own = answers.get((model, variant, "", stage, seed))
        if name == arm and own:
            found.setdefault((model, variant, stage), {})[seed] = (own, other)
    rows = []
    for cell, seeds in found.items():
        change = pd.DataFrame(
            {s: {k: 100 * (b[k] - a[k]) for k in b if k in a} for s, (a, b) in seeds.items()}
        )
        own = pd.DataFrame({s: a for s, (a, _) in seeds.items()}).loc[change.index]
        low, high = interval(change.mean(), change.mean(axis=1))
        value = 100 * float(own.mean().mean())
        gain = float(change.mean().mean())
        rows.append([*cell, value, value + gain, gain, low, high, len(seeds)])
    columns = ["model", "variant", "stage", "own", "other", "mean", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _answers(root: Path) -> Models:
    """Return the answers of every model of a run to the functional benchmarks."""
    found = {}
    for part in RunPaths(root).parts():
        for path in sorted(part.root.glob("evals/*/*/functional/*/items.jsonl")):
            model, variant, _, stage = path.parts[-5:-1]
            seed = -1 if stage == "base" else _seed(part)
            found[model, variant, part.ablation, stage, seed] = _values(path)
    return found


def _values(path: Path) -> Answers:
    lines = [r for r in read_jsonl(path, dict) if r["value"] is not None]
    have = {line["benchmark"] for line in lines}
    left_out = {base for base, plus in BASES.items() if plus in have} | {"evalperf"}
    return {(r["benchmark"], r["id"]): r["value"] for r in lines if r["benchmark"] not in left_out}


def _beside(
    answers: Models, cell: Mapping[str, Any], start: str, seed: int
) -> tuple[Answers, Answers, Answers] | None:
    """Return the answers of a seed's aligned model, of the SFT model it started from, of the base.

    Parameters
    ----------
    start : arm of the SFT model: the cell's own if it trained one, else "", the main cells'.
    """
    place = (cell["model"], cell["variant"])
    mine = answers.get((*place, cell["ablation"], cell["stage"], seed))
    sft = answers.get((*place, start, "sft", seed))
    base = answers.get((*place, "", "base", -1))
    return (mine, sft, base) if mine and sft and base else None


def _gain(pairs: Mapping[int, tuple[Answers, Answers, Answers]]) -> dict[str, Any]:
    """Return the mean gain over SFT with its bounds, and that over the base, in points."""
    over = {
        seed: {key: 100 * (mine[key] - sft[key]) for key in mine if key in sft}
        for seed, (mine, sft, _) in pairs.items()
    }
    frame = pd.DataFrame(over)  # [problems, seeds]
    if frame.empty:
        return {"seeds": 0}
    by_seed, by_problem = frame.mean(), frame.mean(axis=1)
    low, high = interval(by_seed, by_problem)
    above = [
        100 * (mine[key] - base[key])
        for mine, _, base in pairs.values()
        for key in mine
        if key in base
    ]
    return {
        "seeds": len(by_seed), "problems": len(by_problem), "gain": by_seed.mean(),
        "low": low, "high": high, "above_base": sum(above) / len(above),
    }  # fmt: skip


def interval(by_seed: pd.Series, by_problem: pd.Series) -> tuple[float, float]:
    """Return the bounds of a mean over seeds and problems; NaN for one seed.

    Parameters
    ----------
    by_seed, by_problem : [seeds] means over problems, and [problems] means over seeds.
    """
    if len(by_seed) < 2:
        return math.nan, math.nan
    parts = [(float(v.var(ddof=1)) / len(v), len(v) - 1) for v in (by_seed, by_problem)]
    variance = sum(part for part, _ in parts)
    mean = float(by_seed.mean())
    if not variance:
        return mean, mean
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    half = float(scipy_stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)
    return mean - half, mean + half
