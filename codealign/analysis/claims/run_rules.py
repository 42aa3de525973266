"""Rules found by search, applied to a user's run without their flattering selections.

A mean over improving cells, or of the best of several stages, is positive whatever happened. On a
run an average is therefore taken over all DPO and BoNBoN cells, with a bootstrap interval over
cells; a share of successes keeps its rule and gets a Wilson interval.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from codealign.analysis import stats
from codealign.analysis.claims import clarity
from codealign.analysis.claims.context import Context
from codealign.analysis.claims.model import Found
from codealign.analysis.claims.rules import SUCCESSES, Cells, Rule, Selection, pick
from codealign.records import seed_of

PLAIN = "DPO and BoNBoN, each"


def on_a_run(context: Context, grid: str, args: dict[str, object], rule: Rule | None) -> Found:
    """Apply a rule found in the paper's tables to a run's scores."""
    found = None
    if rule and grid in ("gains", "successes"):
        found = _interval(context, grid, rule)
    elif rule:
        values = context.value_of(grid, args, rule)
        known = values and not any(map(math.isnan, values))
        found = Found(list(values), rule.words()) if known else None
    words = rule.words() if rule else ""
    return found or Found(rule=words, missing="the run has no scores for this rule")


def _interval(context: Context, grid: str, rule: Rule) -> Found | None:
    selection = rule.selection
    if grid == "gains":
        selection = replace(selection, stages=PLAIN)
    cells = pick(context.board, selection)
    if not len(cells):
        return None
    return _average(cells, selection) if grid == "gains" else _share(cells, rule)


def _average(cells: Cells, selection: Selection) -> Found:
    values = cells.relative[np.isfinite(cells.relative)]
    seed = seed_of("claims", selection.words())
    low, high, method = stats.bootstrap_mean(values, seed)
    rule = f"mean relative change (%): {selection.words()}"
    mean = float(values.mean()) if len(values) else math.nan
    if math.isnan(low) or len(values) < clarity.LEAST:
        return Found([mean], rule, note=f"{len(values)} cells are too few for an interval")
    return Found([mean], rule, interval=(low, high), note=f"{method} over {len(values)} cells")


def _share(cells: Cells, rule: Rule) -> Found:
    value = SUCCESSES[rule.statistic](cells)
    low, high, _ = stats.wilson(round(value / 100 * len(cells)), len(cells))
    return Found([value], rule.words(), interval=(100 * low, 100 * high))
