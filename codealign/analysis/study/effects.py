"""Changes over seeds: of each seed against the base model, their mean, and how far they spread.

A seed makes its own preference data and trains its own models, so that the spread over seeds holds
the sampling of pairs and the training's chance. It does not hold the choice of problems: all seeds
answer the same ones, and the base model is one model with greedy answers, the same for all. The
intervals are Student's t over the seeds: a seed's score is a mean over hundreds of answers and so
close to normal, while a bootstrap of about five values is known to be too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from codealign.analysis import stats
from codealign.analysis.scores import CELL, PLACE, percent_of_scale
from codealign.analysis.summary import MEMBERS
from codealign.records import PATHWAY, STAGES

KEYS = ["model", "variant", "requirement", "trained", "ablation", "stage"]
"""What a mean over seeds is of; `requirement` is that of the benchmarks."""
SPREAD = ["mean", "low", "high", "sd", "seeds"]
Changes = Mapping[str, Mapping[str, list[Any]]]
"""Of each ablation: {setting: [value of the main cells, value here]}."""


@dataclass(frozen=True)
class Study:
    """A run's seeds, cross-evaluations and ablations.

    Attributes
    ----------
    parts : one row a trained score: `KEYS`, seed, benchmark; value, base and change in percent of
        the benchmark's scale, `relative` (change in percent of the base, NaN for a base of 0).
    cells : the same, as means over the benchmarks of a requirement (those of the summary), with a
        row for each base model (change 0, every seed).
    changes : what each ablation varies.
    """

    parts: pd.DataFrame
    cells: pd.DataFrame
    changes: Changes = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """Seeds that have trained scores."""
        return sorted(int(seed) for seed in self.parts["seed"].unique())

    @property
    def main(self) -> pd.DataFrame:
        """Cells of the study itself: no ablation, the benchmark's own requirement."""
        return self.cells[own(self.cells)]

    @property
    def repeated(self) -> bool:
        """Whether there is anything beyond one seed's main cells."""
        trained = self.cells[self.cells["stage"] != "base"]
        return len(self.seeds) > 1 or not own(trained).all()


def own(frame: pd.DataFrame) -> pd.Series:
    """Return a mask of the rows without ablation and cross-evaluation."""
    return (frame["ablation"] == "") & (frame["trained"] == frame["requirement"])


def study_of(raw: pd.DataFrame, changes: Changes | None = None) -> Study:
    """Return the study of a run's scores.

    Parameters
    ----------
    raw : `scores.collect_all` of the run.
    changes : what each ablation varies (`params.Ablation.changes`, by name).
    """
    parts = _parts(raw)
    seeds = sorted(parts["seed"].unique()) or [0]  # base models alone stand under seed 0
    return Study(parts, _cells(parts, _bases(raw), seeds), changes or {})


def _bases(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the base models' scores in percent of the scale, one row a benchmark."""
    base = raw[(raw["stage"] == "base") & own(raw) & raw["value"].notna()]
    base = base.drop_duplicates(CELL)
    return base.assign(base=percent_of_scale(base, "value"))


def _parts(raw: pd.DataFrame) -> pd.DataFrame:
    keys = ["model", "variant", "requirement", "benchmark"]
    trained = raw[(raw["stage"] != "base") & raw["value"].notna()]
    found = trained[[*CELL, *PLACE, "value"]].merge(_bases(raw)[[*keys, "base"]], on=keys)
    found["value"] = percent_of_scale(found, "value")
    found["change"] = found["value"] - found["base"]
    found["relative"] = 100 * found["change"] / found["base"].where(found["base"] > 0)
    return found[[*KEYS, "seed", "benchmark", "value", "base", "change", "relative"]]


def _cells(parts: pd.DataFrame, bases: pd.DataFrame, seeds: Sequence[int]) -> pd.DataFrame:
    wanted = [name for names in MEMBERS.values() for name in names]
    inside = parts[parts["benchmark"].isin(wanted)]
    columns = ["value", "base", "change"]
    found = inside.groupby([*KEYS, "seed"], as_index=False)[columns].mean()
    found["relative"] = 100 * found["change"] / found["base"].where(found["base"] > 0)
    base = bases[bases["benchmark"].isin(wanted)].groupby(KEYS, as_index=False)["base"].mean()
    rows = base.assign(value=base["base"], change=0.0, relative=0.0)
    repeated = [rows.assign(seed=seed) for seed in seeds]
    found = pd.concat([*repeated, found], ignore_index=True)
    found["pathway"] = found["variant"].map(PATHWAY)
    by = ["model", "requirement", "trained", "variant", "ablation", "stage", "seed"]
    return found.sort_values(by, key=_rank, kind="stable", ignore_index=True)


def _rank(column: pd.Series) -> pd.Series:
    order: dict[str, Callable[[Any], int]] = {
        "stage": STAGES.index, "variant": tuple(PATHWAY).index,
    }  # fmt: skip
    return column.map(order[column.name]) if column.name in order else column


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean, 95 % bounds, standard deviation and number of values of several seeds.

    One seed has no spread: its bounds and deviation are NaN.
    """
    # Rounded, so that the last bits of sums that are equal do not make a sign.
    known = [round(float(v), 9) for v in values if not math.isnan(v)]
    low, high, _ = stats.t_mean(known)
    deviation = float(pd.Series(known).std(ddof=1)) if len(known) > 1 else math.nan
    mean = sum(known) / len(known) if known else math.nan
    return dict(zip(SPREAD, (mean, low, high, deviation, len(known)), strict=True))


def over_seeds(frame: pd.DataFrame, column: str, by: Sequence[str] = KEYS) -> pd.DataFrame:
    """Return one row a group with the `SPREAD` of a column over its seeds."""
    rows = [
        {**dict(zip(by, key, strict=True)), **spread(group[column].tolist())}
        for key, group in frame.groupby(list(by), sort=False)
    ]
    return pd.DataFrame(rows, columns=[*by, *SPREAD])


def differences(
    frame: pd.DataFrame, coordinate: str, first: str, second: str, column: str = "change"
) -> pd.DataFrame:
    """Return first minus second of each seed, paired: both share the seed's data.

    Parameters
    ----------
    coordinate : one of `KEYS`, in which the two differ; all others are the same.

    Returns
    -------
    The other keys, seed, and the difference as `difference`.
    """
    keys = [key for key in [*KEYS, "seed"] if key != coordinate]
    a, b = (frame[frame[coordinate] == value][[*keys, column]] for value in (first, second))
    both = a.merge(b, on=keys, suffixes=("", "_second"))
    both["difference"] = both[column] - both[f"{column}_second"]
    return both[[*keys, "difference"]]
