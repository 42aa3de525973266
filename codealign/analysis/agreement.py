"""Agreement of two judges on a 1-10 scale: within a tolerance, and weighted kappa (Cohen 1968).

The paper (section 6.2) gives kappa at tolerances of 1, 2 and 3 points and does not say how the
tolerance enters. Two readings are offered, and named in every result:

"snapped" (the default)
    A rating of the second judge within the tolerance of the first counts as equal to it, then the
    ordinary linear weighted kappa is taken. Chance agreement is computed after the snapping.
"free"
    The disagreement weight of a distance d is max(0, d - tolerance): Cohen (1968) admits any
    weights. The marginals stay as they were rated, so chance agreement grows with the tolerance.

At tolerance 0 both are the usual linear weighted kappa. Kappa is undefined (NaN, with the reason)
for fewer than two items and where no disagreement is possible by chance.

Krippendorff's alpha is 1 - observed disagreement / disagreement expected by chance (Krippendorff
2011, Computing Krippendorff's alpha-reliability, repository.upenn.edu/asc_papers/43). Unlike kappa
it takes the judges as interchangeable, and small samples into account.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score, confusion_matrix
from statsmodels.stats.inter_rater import cohens_kappa

from codealign.analysis import stats
from codealign.errors import CodealignError
from codealign.paths import DATA
from codealign.records import Rating
from codealign.texts import CELLS, read_sheet

SCALE = np.arange(1, 11)
TOLERANCES = (1, 2, 3)
RULES = ("snapped", "free")
TOO_FEW = "undefined: fewer than two items rated by both"
CONSTANT = "undefined: no disagreement is possible by chance"
ALIKE = "no interval: every resample gives the same value"


@dataclass(frozen=True)
class Paired:
    """Whole ratings of the same items by two judges, and how many items could not be paired."""

    first: list[int]
    second: list[int]
    unrated: int
    unmatched: int


def pair(first: Iterable[Rating], second: Iterable[Rating]) -> Paired:
    """Match two judges' ratings by item id; ratings are rounded to whole points (half up).

    Items that one judge left unrated, or only one judge saw, are counted, never taken as a rating.

    Raises
    ------
    CodealignError
        A rating outside 1 to 10.
    """
    left, right = ({r.id: r for r in ratings} for ratings in (first, second))
    shared = sorted(left.keys() & right.keys())
    rated = [i for i in shared if left[i].rating is not None and right[i].rating is not None]
    unmatched = len(left.keys() ^ right.keys())
    both = [[_whole(side[i]) for i in rated] for side in (left, right)]
    return Paired(*both, unrated=len(shared) - len(rated), unmatched=unmatched)


def _whole(rating: Rating) -> int:
    value = math.floor(rating.rating + 0.5)
    if not SCALE[0] <= value <= SCALE[-1]:
        raise CodealignError(
            f"rating {rating.rating} of item {rating.id} by {rating.judge} is outside 1 to 10"
        )
    return value


def snap(first: Sequence[int], second: Sequence[int], tolerance: int) -> np.ndarray:
    """Return the second judge's ratings with those within `tolerance` of the first set to it."""
    a, b = np.asarray(first, dtype=int), np.asarray(second, dtype=int)
    return np.where(np.abs(a - b) <= tolerance, a, b)


def kappa(
    first: Sequence[int], second: Sequence[int], tolerance: int = 0, rule: str = "snapped"
) -> tuple[float, str]:
    """Return linear weighted kappa (-1 to 1) and its name, or NaN and why it is undefined."""
    if rule not in RULES:
        raise CodealignError(f"tolerance rule {rule!r}: valid are {', '.join(RULES)}")
    if len(first) < 2:
        return math.nan, TOO_FEW
    second = snap(first, second, tolerance) if rule == "snapped" else second
    table = confusion_matrix(first, second, labels=SCALE)
    # Without disagreement by chance (both judges constant) kappa would be 1 - 0 / 0.
    if _chance(table[None], _weights(tolerance, rule))[0] == 0:
        return math.nan, CONSTANT
    name = f"linear weighted kappa, tolerance {tolerance} {rule}"
    if rule == "snapped":
        return float(cohen_kappa_score(first, second, labels=SCALE, weights="linear")), name
    value = cohens_kappa(table, weights=_weights(tolerance, rule), return_results=False)
    return float(value), name


def _weights(tolerance: int, rule: str) -> np.ndarray:
    distance = np.abs(SCALE[:, None] - SCALE[None, :])
    return distance if rule == "snapped" else np.maximum(0, distance - tolerance)


def _chance(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the disagreement expected by chance of each (resamples, 10, 10) table, times n."""
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    return np.einsum("ri,ij,rj->r", rows, weights, columns) / tables.sum(axis=(1, 2))


def kappas(tables: np.ndarray, tolerance: int = 0, rule: str = "snapped") -> np.ndarray:
    """Return linear weighted kappa of each [first, second] table of counts; NaN if undefined.

    Parameters
    ----------
    tables : [tables, 10, 10]; for the rule "snapped" the counts are those after snapping.
    """
    weights = _weights(tolerance, rule)
    chance = _chance(tables, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance > 0, 1 - np.einsum("rij,ij->r", tables, weights) / chance, np.nan)


def kappa_interval(
    first: Sequence[int],
    second: Sequence[int],
    tolerance: int,
    seed: int,
    rule: str = "snapped",
    resamples: int = stats.RESAMPLES,
) -> stats.Interval:
    """Return the percentile bootstrap interval of `kappa`, items drawn with replacement.

    Resamples in which kappa is undefined are left out, and the method's name counts them. Where all
    others give one value, as of judges that agree everywhere, there is no interval: one of width 0
    would claim certainty.
    """
    value, why = kappa(first, second, tolerance, rule)
    if math.isnan(value):
        return stats.Interval(math.nan, math.nan, why)
    second = snap(first, second, tolerance) if rule == "snapped" else second
    table = confusion_matrix(first, second, labels=SCALE)
    # Drawing items is drawing cells of their table, which needs no loop over resamples.
    drawn = np.random.default_rng(seed).multinomial(
        len(first), table.ravel() / table.sum(), size=resamples
    )
    values = kappas(drawn.reshape(-1, len(SCALE), len(SCALE)), tolerance, rule)
    low, high = bounds(values)
    if math.isnan(low):
        return stats.Interval(low, high, ALIKE)
    undefined = int(np.isnan(values).sum())
    left_out = f", {undefined} of {resamples} undefined" if undefined else ""
    return stats.Interval(low, high, f"bootstrap (percentile{left_out})")


def bounds(drawn: np.ndarray) -> tuple[float, float]:
    """Return the percentile bounds of the resamples that give a value; NaN if all give the same."""
    known = drawn[~np.isnan(drawn)]
    if not len(known) or not np.ptp(known):
        return math.nan, math.nan
    low, high = np.percentile(known, stats.PERCENTILES)
    return float(low), float(high)


def agreement(paired: Paired, seed: int, resamples: int = stats.RESAMPLES) -> pd.DataFrame:
    """Return agreement and kappa at each tolerance, one row per tolerance and rule.

    Columns: tolerance (points), rule, n, unrated, unmatched, agreement (percent of items within
    the tolerance) with Wilson bounds agreement_low and agreement_high, kappa with bootstrap bounds
    kappa_low and kappa_high, and `how`: the coefficient's name, and why it or its interval is
    undefined.
    """
    return pd.DataFrame(
        [_row(paired, t, rule, seed, resamples) for rule in RULES for t in TOLERANCES]
    )


def _row(paired: Paired, tolerance: int, rule: str, seed: int, resamples: int) -> dict[str, object]:
    first, second, n = paired.first, paired.second, len(paired.first)
    within = sum(abs(a - b) <= tolerance for a, b in zip(first, second, strict=True))
    low, high, _ = stats.wilson(within, n)
    value, how = kappa(first, second, tolerance, rule)
    interval = kappa_interval(first, second, tolerance, seed, rule, resamples)
    if interval.method == ALIKE:
        how = f"{how}; {ALIKE}"
    return {
        "tolerance": tolerance, "rule": rule, "n": n, "unrated": paired.unrated,
        "unmatched": paired.unmatched, "agreement": 100 * within / n if n else math.nan,
        "agreement_low": 100 * low, "agreement_high": 100 * high, "kappa": value,
        "kappa_low": interval.low, "kappa_high": interval.high, "how": how,
    }  # fmt: skip


def published_agreement() -> pd.DataFrame:
    """Return section 6.2's kappas and agreement; NaN where the paper gives no number."""
    return pd.read_csv(DATA / "judge_agreement.csv")


def read_human_ratings(path: Path | str) -> list[Rating]:
    """Read human ratings from a CSV with columns id, dimension, rating (1 to 10; blank: unrated).

    Raises
    ------
    CodealignError
        The file or a column is missing, an id repeats, or a rating is not a number from 1 to 10;
        every bad row is named.
    """
    path = Path(path)
    if not path.exists():
        raise CodealignError(f"{path}: no such file; expected a CSV with id, dimension, rating")
    rows = read_sheet(path, ["id", "dimension", "rating"])
    faults = [f"{path}:{line}: {fault}" for line, row in rows if (fault := _rating_fault(row))]
    times = Counter(row["id"] for _, row in rows if row and row["id"])
    faults += [f"{path}: id {i} repeats" for i, count in times.items() if count > 1]
    if faults:
        raise CodealignError("\n".join(faults))
    return [
        Rating(
            row["id"], row["dimension"], "human", float(row["rating"]) if row["rating"] else None,
            "" if row["rating"] else "left blank by the annotator", "paper section 6.2",
        )
        for _, row in rows
    ]  # fmt: skip


def _rating_fault(row: dict[str, str] | None) -> str:
    if row is None:
        return CELLS
    if not row["id"]:
        return "id is empty"
    if not row["rating"]:
        return ""
    try:
        value = float(row["rating"])
    except ValueError:
        return f"rating {row['rating']!r} is not a number"
    return "" if 1 <= value <= 10 else f"rating {row['rating']} is outside 1 to 10"


def alphas(
    coincidences: np.ndarray, values: np.ndarray, level: Literal["ordinal", "interval"]
) -> np.ndarray:
    """Return alpha of each coincidence matrix; NaN where no disagreement is possible.

    Parameters
    ----------
    coincidences : [matrices, values, values], symmetric: how often two values met on an item.
    values : the scale's values, rising.
    level : what the scale is taken for.
    """
    margins = coincidences.sum(axis=2)
    total = margins.sum(axis=1)
    places = np.broadcast_to(values, margins.shape)
    if level == "ordinal":
        # Ranks between two values, each end counted by half, in units of the ratings given.
        places = margins.cumsum(axis=1) - margins / 2
    distances = (places[:, :, None] - places[:, None, :]) ** 2
    observed = (coincidences * distances).sum(axis=(1, 2))
    expected = np.einsum("ri,rij,rj->r", margins, distances, margins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan)
