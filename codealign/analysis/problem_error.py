"""The error that an effect has from the choice of problems.

Infinitesimal jackknife: each problem contributes what it moves the contrast by, so that cells of
the same problems are paired; see `effects` for how it is combined with the spread over seeds.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from codealign.analysis.cells import STEP, Cells
from codealign.analysis.contrasts import CHANGE, RELATIVE, Part
from codealign.analysis.stats import CONFIDENCE

DRAWS = 500
"""Draws of problems for a count of signs."""


def _slopes(
    cells: Cells, part: Part, measure: str, alone: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return how the term's number moves with each of its scores: after, start, and in points.

    Of a relative change that stands `alone` the error is that under no change: Fieller's bounds
    hold 0 exactly where the change itself does.
    """
    if measure != RELATIVE:
        return part.share, -part.share * (measure == CHANGE), 1.0
    mean = (
        np.nanmean(cells.values[part.after], axis=2),
        np.nanmean(cells.values[part.start], axis=2),
    )
    top, bottom = (float((part.share * side).sum()) for side in mean)
    by = 1.0 if alone else top / bottom
    return 100 * part.share / bottom, -100 * by * part.share / bottom, 100 / bottom


def problem_error(cells: Cells, parts: list[Part], measure: str) -> tuple[float, float]:
    """Return the standard error from the choice of problems, and its degrees of freedom."""
    slopes: dict[int, float] = {}
    made_up = 0.0
    for part in parts:
        after, start, size = _slopes(cells, part, measure, len(parts) == 1)
        for rows, by in ((part.after, after), (part.start, start)):
            for row, slope in zip(rows.ravel(), by.ravel(), strict=True):
                slopes[int(row)] = slopes.get(int(row), 0.0) + part.weight * float(slope)
        made_up += _made_up(cells, part, size)
    moves, alone, freedom = influence(cells, slopes)
    return math.sqrt(float(moves @ moves) + alone + made_up), freedom


def _made_up(cells: Cells, part: Part, size: float) -> float:
    """Return the variance that two made-up problems, a step up and one down, add to a term.

    They are two in all, wherever they might stand: hence the mean over the benchmarks.
    """
    first = part.after[:, 0]
    steps = np.array([STEP[cells.about[row].metric] for row in first])
    n = cells.n[first]
    return float((2 * (part.weight * size * part.share.sum(axis=1) * steps / (n + 2)) ** 2).mean())


def influence(cells: Cells, slopes: dict[int, float]) -> tuple[np.ndarray, float, float]:
    """Return what each problem contributes to the error of a weighted sum of scores.

    Parameters
    ----------
    slopes : weight of each row.

    Returns
    -------
    Contributions [clusters] (their squares add up to the variance), the variance of the scores
    whose problems are not known, and degrees of freedom; NaN where a score has one problem.
    Of the latter, one model's stages answer the same problems: those that are added up are taken
    to err together, those that are set against each other to err independently.
    """
    alone: dict[tuple[str, str, str, bool], float] = {}
    least, bare = math.inf, None in cells.answers
    rows, touched = [], np.zeros(cells.clusters, dtype=bool)
    places = list(cells.index) if bare else []
    for row, slope in slopes.items():
        if not slope:
            continue
        if bare and cells.answers[row] is None:
            cell, n = places[row], int(cells.n[row])
            key = (cell.model, cell.variant, cell.benchmark, slope > 0)
            error = _share_error(float(np.nanmean(cells.values[row])), n)
            alone[key] = alone.get(key, 0.0) + slope * error
            least = min(least, n)
        else:
            rows.append(row)
            touched[cells.answers[row].cluster] = True
    moves = np.array([slopes[row] for row in rows]) @ cells.moves[rows]
    freedom = touched.sum() - 1 if rows else least - 1
    return moves, sum(error**2 for error in alone.values()), float(max(freedom, 1))


def _share_error(points: float, n: int) -> float:
    """Return the standard error of a score in percent of which only mean and n are known.

    That of a share, which no values between the same bounds exceed, with two made-up successes and
    two failures (Agresti and Coull 1998, Am. Stat. 52:119).
    """
    share = (points / 100 * n + 2) / (n + 4)
    return 100 * math.sqrt(share * (1 - share) / (n + 4))


def fieller(
    cells: Cells, parts: list[Part], measure: str, per_seed: tuple[float, ...]
) -> tuple[float, float] | None:
    """Return the bounds of one relative change by Fieller's theorem; None for any other effect.

    The set of ratios r for which after - r * start cannot be told from 0. It has no end where the
    start itself cannot be told from 0: then there is no interval.
    """
    if measure != RELATIVE or len(parts) != 1:
        return None
    part = parts[0]
    y, x = ({}, {})
    for rows, into in ((part.after, y), (part.start, x)):
        for row, share in zip(rows.ravel(), part.share.ravel(), strict=True):
            into[int(row)] = into.get(int(row), 0.0) + float(share)
    (of_y, alone_y, freedom), (of_x, alone_x, _) = influence(cells, y), influence(cells, x)
    t = stdtrit(freedom, (1 + CONFIDENCE) / 2) ** 2
    made_up = _made_up(cells, part, 1.0)
    top, bottom = (float(np.nansum([w * np.nanmean(cells.values[r]) for r, w in side.items()]))
                   for side in (y, x))  # fmt: skip
    seeds = 0.0
    if len(per_seed) > 1:
        spread = float(np.std(per_seed, ddof=1)) * bottom / 100
        seeds = stdtrit(len(per_seed) - 1, (1 + CONFIDENCE) / 2) ** 2 * spread**2 / len(per_seed)
    a = bottom**2 - t * (float(of_x @ of_x) + alone_x)
    b = -2 * (bottom * top - t * float(of_x @ of_y))
    c = top**2 - t * (float(of_y @ of_y) + alone_y + made_up) - seeds
    if a <= 0 or b * b < 4 * a * c:
        return math.nan, math.nan
    root = math.sqrt(b * b - 4 * a * c)
    low, high = ((-b + sign * root) / (2 * a) for sign in (-1, 1))
    return 100 * (low - 1), 100 * (high - 1)


def drawn_again(cells: Cells, parts: list[Part]) -> np.ndarray:
    """Return [rows, draws]: each cell's mean over its problems drawn again (weights of Poisson)."""
    rows = {int(r) for part in parts for r in (*part.after.ravel(), *part.start.ravel())}
    often = np.random.default_rng(cells.clusters).poisson(1, (DRAWS, cells.clusters))
    means = np.full((len(cells.index), DRAWS), np.nan)
    for row in rows:
        mine = cells.answers[row]
        if mine is not None:
            w = often[:, mine.cluster]
            means[row] = (w @ mine.value) / np.maximum(w.sum(axis=1), 1)
    return means
