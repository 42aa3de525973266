"""What ratings say besides their mean, and how far each judge can be trusted.

Two readings, stages in pairs, length, order; agreement with a reference, and a ranking of judges.
The reference is a person where there are human ratings; otherwise another judge, which shows the
method and is no evidence about people.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import rankdata

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
from codealign.analysis.cells import cells_of
from codealign.analysis.contrasts import CHANGE
from codealign.analysis.labels import STAGES as NAMES
from codealign.analysis.questions import of
from codealign.analysis.ratings import CellRating
from codealign.analysis.scores import frame_of, published
from codealign.cell import Cell
from codealign.evaluate.codal_scores import LOWEST
from codealign.evaluate.judges import ANSWER_FIRST
from codealign.records import DIMENSIONS, Answer, Rating, Score, seed_of

STEPS = (("base", "sft"), ("sft", "dpo"), ("sft", "bonbon"), ("base", "dpo"), ("base", "bonbon"))
OVERALL = "all"
ROUNDING = 0.005
LEVELS = ("ordinal", "interval")


def _published_ratings() -> pd.DataFrame:
    return published()[lambda scores: scores["requirement"] == "non_functional"]


def below_the_scale() -> pd.DataFrame:
    """Return the published CODAL scores below 1 and what follows from them.

    The judge is asked for 1 to 10, so that a score S below 1 holds zeros: unrated answers counted
    as 0, or ratings of 0, which CODAL-Bench's script takes. S is then at least the share of answers
    rated 1 or more. Column `most_rated` is that bound in percent; S is printed with two decimals,
    so that it may be greater by 0.005.
    """
    rated = _published_ratings()
    low = rated[rated["value"] < LOWEST]
    low = low[["model", "variant", "stage", "benchmark", "value"]]
    low = low.assign(most_rated=100 * (low["value"] + ROUNDING))
    return low.sort_values("value").reset_index(drop=True)


def evidence_of_zeros() -> str:
    """Return the sentence on the published scores below 1, with its numbers."""
    low, every = below_the_scale(), _published_ratings()
    least = low.iloc[0]
    models = low.groupby(["model", "variant"]).ngroups
    return (
        f"{len(low)} of the {len(every)} published CODAL scores are below 1, of {models} models "
        f"(variants counted), the lowest {least['value']:g} ({least['model']}, "
        f"{least['variant']}, {NAMES[least['stage']]}). The judge is asked for a whole number from "
        "1 to 10, so that a mean below 1 holds zeros: unrated answers counted as 0, or ratings of "
        "0. A score S below 1 means that at most the share S of the answers was rated 1 or more: "
        f"of that lowest one at most {least['most_rated']:.1f} in 100 (S is rounded)."
    )


Rated = dict[int | None, dict[str, float | None]]
"""Of each seed (None: a base model, which no seed changes), the rating of each problem."""


def paired_stages(ratings: Iterable[CellRating]) -> pd.DataFrame:
    """Compare stages of the same pathway on the problems that both have a rating for.

    With several seeds every seed's stage is held against the one base model.

    Returns
    -------
    DataFrame
        Indexed by model and variant: pathway (the two as one name), dimension (`all`: the mean of
        the dimensions), before, after, n, left_out (problems without a rating at either stage),
        seeds, difference with bounds low and high (points), p_value, and `p_holm`, corrected over
        the table.
    """
    rated: dict[Cell, Rated] = defaultdict(dict)
    for r in ratings:
        place = r.cell.at(seed=None, benchmark=f"codal_{r.dimension}")
        rated[place].setdefault(r.cell.seed, {})[r.problem] = r.rating
    rows, places = [], []
    for base, step in product(dict.fromkeys(c.at(stage="", benchmark="") for c in rated), STEPS):
        pairs = {d: tuple(rated.get(base.at(benchmark=f"codal_{d}", stage=s), {}) for s in step)
                 for d in DIMENSIONS}  # fmt: skip
        pairs = {d: pair for d, pair in pairs.items() if all(pair)}
        every = {OVERALL: list(pairs), **{d: [d] for d in pairs}} if pairs else {}
        rows += [
            {"pathway": f"{base.model}/{base.variant}", "before": step[0], "after": step[1],
             "dimension": name, **_paired(base, step, {d: pairs[d] for d in wanted})}
            for name, wanted in every.items()
        ]  # fmt: skip
        places += [(base.model, base.variant)] * len(every)
    index = pd.MultiIndex.from_tuples(places, names=["model", "variant"])
    frame = pd.DataFrame(rows, index, STAGE_COLUMNS)
    frame["p_holm"] = stats.adjust(frame["p_value"], "holm") if rows else []
    return frame


STAGE_COLUMNS = [
    "pathway", "before", "after", "dimension", "n", "left_out", "seeds", "difference", "low",
    "high", "p_value",
]  # fmt: skip


def _paired(
    pathway: Cell, step: tuple[str, str], pairs: Mapping[str, tuple[Rated, Rated]]
) -> dict[str, object]:
    scores, items, n, left_out = [], {}, 0, 0
    for dimension, sides in pairs.items():
        sets = [by_problem for rated in sides for by_problem in rated.values()]
        every = set().union(*sets)
        # In a fixed order: a sum's last bits depend on it.
        both = [i for i in sorted(every) if all(ratings.get(i) is not None for ratings in sets)]
        n, left_out = n + len(both), left_out + len(every) - len(both)
        name = f"codal_{dimension}"
        for stage, rated in zip(step, sides, strict=True):
            for seed, by_problem in rated.items() if both else ():
                values = {i: float(by_problem[i]) for i in both}
                cell = pathway.at(stage=stage, benchmark=name, seed=seed or 0)
                items[cell] = values
                mean = sum(values.values()) / len(both)
                scores.append(Score("run", **cell.columns(), metric="rating", value=mean,
                                    n=len(both)))  # fmt: skip
    names = tuple(f"codal_{d}" for d in pairs)
    cells = cells_of(frame_of(scores), items)
    moved = of(cells, pathway.at(stage=step[1]), CHANGE, names=names, start=step[0])
    unit = float(SCALE[-1]) / 100
    return {
        "n": n, "left_out": left_out, "seeds": moved.seeds, "difference": moved.value * unit,
        "low": moved.low * unit, "high": moved.high * unit, "p_value": moved.p,
    }  # fmt: skip


def length_bias(
    ratings: Iterable[Rating], answers: Iterable[Answer], seed: int, resamples: int
) -> pd.DataFrame:
    """Correlate ratings with the length of the answers, for each judge.

    A correlation is no proof of a bias: longer answers may be better. A judge whose correlation is
    far from people's, or from another judge's, on the same answers is suspect.

    Returns
    -------
    DataFrame
        judge, dimension (`all`: ranks are taken within each dimension), n, unrated, rho
        (Spearman's, of rating and characters; the mid-ranks are what is resampled) with percentile
        bootstrap bounds low and high, and `how`: the coefficient, or why it is undefined.
    """
    length = {a.id: len(a.text) for a in answers}
    groups: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    for r in ratings:
        if r.id in length:
            groups[r.judge, r.dimension].append(r)
    rows = []
    for judge in dict.fromkeys(judge for judge, _ in groups):
        parts = {d: _ranks(groups[judge, d], length) for d in DIMENSIONS if (judge, d) in groups}
        for name, part in {OVERALL: np.concatenate([*parts.values()], axis=1), **parts}.items():
            total = sum(len(groups[judge, d]) for d in (parts if name == OVERALL else [name]))
            row = {"judge": judge, "dimension": name, "n": part.shape[1]}
            row["unrated"] = total - part.shape[1]
            rows.append(row | _correlation(part, seed_of(seed, judge, name), resamples))
    columns = ["judge", "dimension", "n", "unrated", "rho", "low", "high", "how"]
    return pd.DataFrame(rows, columns=columns)


def _ranks(ratings: Sequence[Rating], length: Mapping[str, int]) -> np.ndarray:
    """Return the ranks of rating and length of the rated answers, [2, answers], from 0 to 1."""
    rated = [r for r in ratings if r.rating is not None]
    both = [[r.rating for r in rated], [length[r.id] for r in rated]]
    return np.array([rankdata(values) / max(len(values), 1) for values in both])


def _correlation(ranks: np.ndarray, seed: int, resamples: int) -> dict[str, object]:
    n = ranks.shape[1]
    if n < 3 or np.ptp(ranks, axis=1).min() == 0:
        why = "fewer than three rated answers" if n < 3 else "all ratings or all lengths are equal"
        return {"rho": math.nan, "low": math.nan, "high": math.nan, "how": f"undefined: {why}"}
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    low, high = np.nanpercentile(_correlations(ranks[0][drawn], ranks[1][drawn]), stats.PERCENTILES)
    rho = float(_correlations(ranks[:1], ranks[1:])[0])
    how = "Spearman, bootstrap (percentile)"
    return {"rho": rho, "low": float(low), "high": float(high), "how": how}


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of each row of two [rows, items] arrays; NaN for a constant row."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def reference_position(judges: Mapping[str, Sequence[Rating]], seed: int) -> pd.DataFrame:
    """Compare each judge with itself when the answer comes before the reference.

    Single-answer grading has no second answer to swap, so this is the one position that can be
    examined. A judge `answer_first:<name>` is the judge `<name>` with the other order.

    Returns
    -------
    DataFrame
        judge, n, equal (percent of answers with the same rating), kappa, and `shift` (mean rating
        with the answer first minus that with the reference first) with bounds low and high. No
        rows: no judge of the run was asked in both orders.
    """
    rows = []
    for name in (n for n in judges if ANSWER_FIRST + n in judges):
        paired = pair(judges[name], judges[ANSWER_FIRST + name])
        change = np.subtract(paired.second, paired.first)
        low, high, _ = stats.paired_mean(paired.first, paired.second, 1.0)
        equal, shift = (
            float(values.mean()) if len(change) else math.nan for values in (change == 0, change)
        )
        rows.append([name, len(change), 100 * equal, kappa(paired.first, paired.second)[0], shift,
                     low, high])  # fmt: skip
    return pd.DataFrame(rows, columns=["judge", "n", "equal", "kappa", "shift", "low", "high"])


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


def confusion_tables(paired: Paired, drawn: np.ndarray) -> np.ndarray:
    """Return the 10 x 10 tables of pairs of ratings, from how often each item is drawn.

    Parameters
    ----------
    drawn : [resamples, items].
    """
    cells = 10 * (np.asarray(paired.first, dtype=int) - 1) + np.asarray(paired.second, dtype=int)
    one_hot = np.eye(len(SCALE) ** 2)[cells - 1]
    return (drawn @ one_hot).reshape(-1, len(SCALE), len(SCALE))


def _resampled(n: int, seed: int, resamples: int) -> np.ndarray:
    """Return how often each of n items is drawn, with replacement, in each resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)


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
        [
            {"judge": name, **_trusted(pair(reference, r), seed, resamples)}
            for name, r in judges.items()
        ]
    )


def _trusted(paired: Paired, seed: int, resamples: int) -> dict[str, object]:
    n = len(paired.first)
    value, how = kappa(paired.first, paired.second)
    row: dict[str, object] = {"n": n, "unrated": paired.unrated, "unmatched": paired.unmatched}
    coefficients = {"kappa": value, **dict.fromkeys((f"alpha_{x}" for x in LEVELS), math.nan)}
    drawn = dict.fromkeys(coefficients, np.array([math.nan]))
    if n > 1:
        whole = confusion_tables(paired, np.ones((1, n)))
        tables = confusion_tables(paired, _resampled(n, seed, resamples))
        drawn["kappa"] = kappas(tables)
        for level in LEVELS:
            coefficients[f"alpha_{level}"] = float(_alphas(whole, level)[0])
            drawn[f"alpha_{level}"] = _alphas(tables, level)
    for name, value in coefficients.items():
        low, high = bounds(drawn[name])
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    if not math.isnan(coefficients["kappa"]) and math.isnan(row["kappa_low"]):
        how = f"{how}; {ALIKE}"
    change = np.subtract(paired.second, paired.first)
    for tolerance in TOLERANCES:
        near, name = np.abs(change) <= tolerance, f"within_{tolerance}"
        low, high, _ = stats.wilson(int(near.sum()), n)
        row[name] = 100 * float(near.mean()) if n else math.nan
        row |= {f"{name}_low": 100 * low, f"{name}_high": 100 * high}
    return row | {"shift": float(change.mean()) if n else math.nan, "how": how}


def _alphas(tables: np.ndarray, level: str) -> np.ndarray:
    return alphas(tables + tables.transpose(0, 2, 1), SCALE, level)


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
    drawn = _resampled(len(shared), seed, resamples)
    values = {name: kappa(p.first, p.second)[0] for name, p in pairs.items()}
    order = sorted(values, key=lambda name: -np.nan_to_num(values[name], nan=-np.inf))
    spread = {name: kappas(confusion_tables(pairs[name], drawn)) for name in order}
    known = ~np.isnan(np.stack(list(spread.values()))).any(axis=0)
    top = np.stack([spread[name][known] for name in order]).argmax(axis=0)
    rows = []
    for place, name in enumerate(order):
        below = spread[order[place + 1]][known] if place + 1 < len(order) else None
        turned = math.nan if below is None else float((below >= spread[name][known]).mean())
        row = {"place": place + 1, "judge": name, "n": len(shared), "kappa": values[name]}
        rows.append({**row, "best": float((top == place).mean()), "turned": turned})
    return pd.DataFrame(rows)
