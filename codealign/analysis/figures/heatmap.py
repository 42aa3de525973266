"""Heat map of relative improvement: benchmarks by model and pathway, one map a technique."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.patches import Rectangle

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    present,
    source_phrase,
)
from codealign.analysis.figures.style import Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import benchmark, every_benchmark
from codealign.records import PATHWAY, VARIANTS

LIMIT = 50.0
"""Percent at which the colour is full; larger changes keep their number."""
COLOURS = LinearSegmentedColormap.from_list(
    "change", ["#a8480a", "#e39a5b", "#f8f8f6", "#6fb0d6", "#0b5c94"]
)
NORM = TwoSlopeNorm(0, -LIMIT, LIMIT)


def heatmap(changes: pd.DataFrame, stage: str) -> Drawn | None:
    """Draw the relative improvement of one stage over base; None if the stage has no change.

    Parameters
    ----------
    changes : rows of `changes.changes`.
    stage : dpo, bonbon or sft.
    """
    part = changes[changes["stage"] == stage]
    if part.empty:
        return None
    names = [n for n in every_benchmark() if n in set(part["benchmark"])]
    columns = [(m, v) for m in present(part, "model") for v in VARIANTS]
    figure = canvas(0.215 * len(names) + 0.75, min(style.WIDTH, 1.7 + 0.42 * len(columns)))
    axes = figure.add_subplot()
    lookup = {(r["benchmark"], r["model"], r["variant"]): r for r in part.to_dict("records")}
    for y, name in enumerate(names):
        for x, column in enumerate(columns):
            _draw_cell(axes, x, y, lookup.get((name, *column)))
    _frame(axes, names, columns)
    bar = figure.colorbar(
        _scale(),
        ax=axes,
        aspect=45,
        pad=0.02,
        fraction=0.165 / figure.get_figwidth(),
        extend="both",
    )
    bar.outline.set_visible(False)
    bar.set_label("change against base, percent of the base score")
    said = labels.STAGES[stage]
    caption = (
        f"Relative improvement of {said} over base, in percent, by benchmark, model and pathway "
        f"(PTA from pretrained, FTA from fine-tuned); {source_phrase(part)}. Bold: told from no "
        "change at p < 0.05 without correction for the number of comparisons. "
        "n/a: the base score is 0. Colour is full at 50%."
    )
    return Drawn(f"heatmap_{stage}", caption, figure)


def _scale() -> object:
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(NORM, COLOURS)


def _draw_cell(axes: Axes, x: int, y: int, row: dict | None) -> None:
    value = row["relative"] if row else math.nan
    known = not math.isnan(value)
    colour = COLOURS(NORM(max(-LIMIT, min(LIMIT, value)))) if known else "#ececea"
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
    text = f"{value:+.0f}" if known else ("n/a" if row else "not run")
    text = "0" if text in ("+0", "-0") else text.replace("-", "−")
    bold = bool(row) and row["p_value"] < 0.05
    dark = known and abs(value) > 0.72 * LIMIT
    axes.text(
        x + 0.5, y + 0.52, text, ha="center", va="center", size=5.8 if known else 5,
        weight="bold" if bold else "normal", color="white" if dark else style.INK,
    )  # fmt: skip


def _frame(axes: Axes, names: list[str], columns: list[tuple[str, str]]) -> None:
    """Label rows by benchmark and columns by model and pathway; rule off models and tables."""
    axes.set(xlim=(0, len(columns)), ylim=(len(names), 0))
    axes.set_yticks([i + 0.5 for i in range(len(names))], [benchmark(n).label for n in names])
    axes.set_xticks([i + 0.5 for i in range(len(columns))], [PATHWAY[v] for _, v in columns])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=2)
    for side in axes.spines.values():
        side.set_visible(False)
    step = len(VARIANTS)
    for i in range(0, len(columns), step):
        axes.text(i + step / 2, -0.68, model_label(columns[i][0]), ha="center", va="bottom",
                  size=style.SMALL, weight="bold")  # fmt: skip
        if i:
            axes.axvline(i, color="white", linewidth=3)
    tables = [benchmark(n).table for n in names]
    for i in range(1, len(names)):
        if tables[i] != tables[i - 1]:
            axes.axhline(i, color="white", linewidth=3)
