"""How far each judge can be trusted: agreement with a reference, and a ranking of judges.

The reference is a person where there are human ratings; otherwise another judge, which shows the
method and is no evidence about people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from codealign.analysis import stats
from codealign.analysis.agreement import (
    ALIKE,
    SCALE,
    TOLERANCES,
    Paired,
    alphas,
    bounds,
    kappa,
    kappas,
    pair,
)
from codealign.records import Rating

LEVELS = ("ordinal", "interval")


def describe(reference: str, judges: Mapping[str, Sequence[Rating]]) -> str:
    """Return the sentence that says what the judges are held against, and what that shows."""
    if not judges:
        return "One judge and no people: there is nothing to compare."
    if reference == "human":
        return f"{', '.join(judges)} against people."
    return (
        f"{', '.join(judges)} against {reference}: a demonstration of the method, not evidence "
        "about people."
    )


def one_hot(paired: Paired) -> np.ndarray:
    """Return which of the 10 x 10 pairs of ratings each item has, [items, 100]."""
    cells = 10 * (np.asarray(paired.first, dtype=int) - 1) + np.asarray(paired.second, dtype=int)
    return np.eye(len(SCALE) ** 2)[cells - 1]


def resampled(n: int, seed: int, resamples: int) -> np.ndarray:
    """Return how often each of n items is drawn, with replacement, in each resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)


def _tables(drawn: np.ndarray, items: np.ndarray) -> np.ndarray:
    return (drawn @ items).reshape(-1, len(SCALE), len(SCALE))


def trust(
    reference: Sequence[Rating],
    judges: Mapping[str, Sequence[Rating]],
    seed: int,
    resamples: int = stats.RESAMPLES,
) -> pd.DataFrame:
    """Return each judge's agreement with a reference.

    Returns
    -------
    DataFrame
        judge, n, unrated, unmatched, then for `kappa` (linear weights), `alpha_ordinal` and
        `alpha_interval` the value with percentile bootstrap bounds `_low` and `_high`; `within_1`,
        `within_2`, `within_3` in percent with Wilson bounds; `shift`, the judge's mean rating
        minus the reference's; `how`: the coefficient, and why it or its interval is undefined.
    """
    return pd.DataFrame(
        [{"judge": name, **_row(pair(reference, r), seed, resamples)} for name, r in judges.items()]
    )


def _row(paired: Paired, seed: int, resamples: int) -> dict[str, object]:
    n = len(paired.first)
    value, how = kappa(paired.first, paired.second)
    row: dict[str, object] = {"n": n, "unrated": paired.unrated, "unmatched": paired.unmatched}
    coefficients = {"kappa": value, **dict.fromkeys((f"alpha_{x}" for x in LEVELS), math.nan)}
    drawn = dict.fromkeys(coefficients, np.array([math.nan]))
    if n > 1:
        items = one_hot(paired)
        whole = _tables(np.ones((1, n)), items)
        tables = _tables(resampled(n, seed, resamples), items)
        drawn["kappa"] = kappas(tables)
        for level in LEVELS:
            coefficients[f"alpha_{level}"] = float(_alphas(whole, level)[0])
            drawn[f"alpha_{level}"] = _alphas(tables, level)
    for name, value in coefficients.items():
        low, high = bounds(drawn[name])
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    if not math.isnan(coefficients["kappa"]) and math.isnan(row["kappa_low"]):
        how = f"{how}; {ALIKE}"
    for tolerance in TOLERANCES:
        row |= _within(paired, tolerance)
    shift = np.mean(np.subtract(paired.second, paired.first)) if n else math.nan
    return row | {"shift": float(shift), "how": how}


def _alphas(tables: np.ndarray, level: str) -> np.ndarray:
    return alphas(tables + tables.transpose(0, 2, 1), SCALE, level)


def _within(paired: Paired, tolerance: int) -> dict[str, float]:
    n = len(paired.first)
    near = np.abs(np.subtract(paired.first, paired.second)) <= tolerance
    low, high, _ = stats.wilson(int(near.sum()), n)
    name = f"within_{tolerance}"
    share = 100 * float(near.mean()) if n else math.nan
    return {name: share, f"{name}_low": 100 * low, f"{name}_high": 100 * high}


def ranking(
    reference: Sequence[Rating],
    judges: Mapping[str, Sequence[Rating]],
    seed: int,
    resamples: int = stats.RESAMPLES,
) -> pd.DataFrame:
    """Rank judges by kappa with the reference, over the items that all of them rated.

    Returns
    -------
    DataFrame
        place, judge, n, kappa, `best` (share of bootstrap resamples in which this judge comes out
        first) and `turned` (share in which the judge ranked just below comes out at least as high;
        NaN for the last): what another sample of as many items might have shown.
    """
    shared = set.intersection(
        *({r.id for r in each if r.rating is not None} for each in (reference, *judges.values()))
    )
    pairs = {
        name: pair([r for r in reference if r.id in shared], [r for r in ratings if r.id in shared])
        for name, ratings in judges.items()
    }
    if len(shared) < 2 or not pairs:
        return pd.DataFrame(columns=["place", "judge", "n", "kappa", "best", "turned"])
    drawn = resampled(len(shared), seed, resamples)
    values = {name: kappa(p.first, p.second)[0] for name, p in pairs.items()}
    order = sorted(values, key=lambda name: -np.nan_to_num(values[name], nan=-np.inf))
    spread = {name: kappas(_tables(drawn, one_hot(pairs[name]))) for name in order}
    known = ~np.isnan(np.stack(list(spread.values()))).any(axis=0)
    top = np.stack([spread[name][known] for name in order]).argmax(axis=0)
    rows = []
    for place, name in enumerate(order):
        below = spread[order[place + 1]][known] if place + 1 < len(order) else None
        turned = math.nan if below is None else float((below >= spread[name][known]).mean())
        row = {"place": place + 1, "judge": name, "n": len(shared), "kappa": values[name]}
        rows.append({**row, "best": float((top == place).mean()), "turned": turned})
    return pd.DataFrame(rows)
