"""A run held against a committed reference result: does it agree within the stated spread?

The reference is the mean and the standard deviation over seeds of every cell. A run that repeats
the experiment draws new seeds, or the same ones on another machine; its mean then lies within
t * sd * sqrt(1/n_reference + 1/n_run) of the reference's (a prediction interval). The deviation is
pooled over the trained cells of a requirement, as a single cell's, from five seeds, is too rough;
t is so wide that all cells together agree in 99 of 100 such runs. The base models have no spread:
their greedy answers differ between machines by rounding alone, for which `ROUNDING` is allowed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from codealign.analysis.scores import SEEDLESS, collect_all
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.errors import CodealignError
from codealign.records import write_text

CONFIDENCE = 0.99
"""Chance that every cell of a faithful repetition agrees."""
ROUNDING = 1.0
"""Points that a mean score may differ by through another processor's rounding alone."""
COLUMNS = [*SEEDLESS, "mean", "sd", "seeds"]


def seeds_frame(study: StudyRun) -> pd.DataFrame:
    """Return mean score (percent of scale), deviation and number of seeds of every cell."""
    rows = []
    for place in study.places:
        values = study.score(place).per_seed
        if not values:  # no seed has all of the benchmarks that some seed has
            continue
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        numbers = [sum(values) / len(values), 0.0 if place.stage == "base" else spread, len(values)]
        rows.append([*place.columns(SEEDLESS).values(), *numbers])
    return pd.DataFrame(rows, columns=COLUMNS)


def run_seeds(run_root: Path | str) -> pd.DataFrame:
    """Return the `seeds_frame` of a run's scores as they lie in its folder."""
    return seeds_frame(study_of(collect_all(run_root)))


def write_seeds(path: Path | str, study: StudyRun) -> pd.DataFrame:
    """Write `seeds_frame` as CSV and return it."""
    frame = seeds_frame(study)
    write_text(path, frame.round(4).to_csv(index=False))
    return frame


def read_seeds(path: Path | str) -> pd.DataFrame:
    """Read what `write_seeds` wrote."""
    if not Path(path).exists():
        raise CodealignError(f"{path}: no reference; `make keep-study` writes it from a study")
    return pd.read_csv(path).fillna({"ablation": ""})


def agreement(reference: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell that both have: its difference, what is allowed, whether it agrees.

    Parameters
    ----------
    reference, fresh : of `seeds_frame`. The reference needs two seeds or more.

    Raises
    ------
    CodealignError
        They have no cell in common.
    """
    both = reference.merge(fresh, on=SEEDLESS, suffixes=("_reference", ""))
    if both.empty:
        raise CodealignError("the run has no cell of the reference; was it evaluated?")
    both["difference"] = both["mean"] - both["mean_reference"]
    pools = {name: _pool(part) for name, part in reference.groupby("requirement")}
    both["allowed"] = [
        _allowed(r, *pools[r["requirement"]], len(both)) for r in both.to_dict("records")
    ]
    both["agrees"] = both["difference"].abs() <= both["allowed"]
    shown = ["mean_reference", "mean", "difference", "allowed", "agrees"]
    return both[[*SEEDLESS, *shown]]


def _pool(reference: pd.DataFrame) -> tuple[float, int]:
    """Return the pooled deviation of the trained cells and its degrees of freedom."""
    trained = reference[(reference["stage"] != "base") & (reference["seeds"] > 1)]
    freedom = trained["seeds"] - 1
    if trained.empty:
        return math.nan, 0
    variance = (trained["sd"] ** 2 * freedom).sum() / freedom.sum()
    return math.sqrt(variance), int(freedom.sum())


def _allowed(row: dict[str, Any], deviation: float, freedom: int, cells: int) -> float:
    """Return the half-width of the prediction interval in points, `ROUNDING` at least."""
    if row["stage"] == "base" or not freedom:
        return ROUNDING
    t = float(scipy_stats.t.ppf(1 - (1 - CONFIDENCE) / (2 * cells), freedom))
    share = 1 / row["seeds_reference"] + 1 / row["seeds"]
    return max(ROUNDING, t * deviation * math.sqrt(share))
