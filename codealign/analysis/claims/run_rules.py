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
from codealign.analysis.claims.grids import FLOORS, MODEL_SETS
from codealign.analysis.claims.model import Found
from codealign.analysis.claims.rules import STAGE_RULES, SUCCESSES, Cells, Selection, pick
from codealign.records import seed_of

PLAIN = "DPO and BoNBoN, each"


def on_a_run(context: Context, grid: str, args: dict[str, object], words: str) -> Found:
    """Apply the rule in words, found in the paper's tables, to a run's scores."""
    if grid in ("gains", "successes"):
        selection = _selection(words, args)
        found = None if selection is None else _interval(context, grid, selection, words)
    else:
        values = context.value_of(grid, args, words) if words else ()
        unknown = not values or any(map(math.isnan, values))
        found = None if unknown else Found(list(values), words)
    return found or Found(rule=words, missing="the run has no scores for this rule")


def _selection(words: str, args: dict[str, object]) -> Selection | None:
    """Read the selection back from a candidate's words; None where the words name no rule."""
    parts = words.split(": ", 1)[-1].split("; ")
    if len(parts) < 3 or parts[1] not in STAGE_RULES or parts[2] not in FLOORS:
        return None
    models = args.get("models", ("all",))
    who = MODEL_SETS[models[0]] if len(models) == 1 else ()
    return Selection(parts[0], parts[1], parts[2], tuple(args["variants"]), who)


def _interval(context: Context, grid: str, selection: Selection, words: str) -> Found | None:
    if grid == "gains":
        selection = replace(selection, stages=PLAIN)
    cells = pick(context.board, selection)
    if not len(cells):
        return None
    return _average(cells, selection) if grid == "gains" else _share(cells, words)


def _average(cells: Cells, selection: Selection) -> Found:
    values = cells.relative[np.isfinite(cells.relative)]
    seed = seed_of("claims", selection.words())
    low, high, method = stats.bootstrap_mean(values, seed)
    rule = f"mean relative change (%): {selection.words()}"
    mean = float(values.mean()) if len(values) else math.nan
    if math.isnan(low) or len(values) < clarity.LEAST:
        return Found([mean], rule, note=f"{len(values)} cells are too few for an interval")
    return Found([mean], rule, interval=(low, high), note=f"{method} over {len(values)} cells")


def _share(cells: Cells, words: str) -> Found:
    value = SUCCESSES[words.split(": ")[0]](cells)
    low, high, _ = stats.wilson(round(value / 100 * len(cells)), len(cells))
    return Found([value], words, interval=(100 * low, 100 * high))
