"""Profiles over CODAL's five dimensions: one panel per model and variant, one line per stage."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    present,
    source_phrase,
)
from codealign.analysis.figures.style import STAGE_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import benchmarks
from codealign.records import DIMENSIONS

NAMES = [f"codal_{dimension}" for dimension in DIMENSIONS]


def profiles(scores: pd.DataFrame) -> Drawn | None:
    """Draw the ratings of every stage over the five dimensions; None without CODAL scores."""
    part = scores[scores["benchmark"].isin(NAMES)]
    if part.empty:
        return None
    models, variants = present(part, "model"), present(part, "variant")
    width = style.WIDTH if len(models) > 2 else 1.2 + 1.6 * len(models)
    figure = canvas(0.6 + 1.35 * len(variants), width)
    panels = figure.subplots(len(variants), len(models), sharey="row", sharex=True, squeeze=False)
    for i, variant in enumerate(variants):
        for j, model in enumerate(models):
            rows = part[(part["variant"] == variant) & (part["model"] == model)]
            _panel(panels[i][j], rows)
            panels[i][j].set_ylim(0, 1.08 * part[part["variant"] == variant]["value"].max())
            if i == 0:
                panels[i][j].set_title(model_label(model), size=style.NORMAL)
        panels[i][0].set_ylabel(f"{labels.VARIANTS[variant]}\nrating, 0 to 10")
    handles = [_mark(stage) for stage in present(part, "stage")]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    caption = (
        "CODAL dimension profiles: mean rating of each dimension by stage. The rows have their own "
        f"scales; {source_phrase(part)}."
    )
    return Drawn("dimension_profiles", caption, figure)


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    for stage in present(rows, "stage"):
        values = rows[rows["stage"] == stage].set_index("benchmark")["value"].reindex(NAMES)
        axes.plot(range(len(NAMES)), values, color=STAGE_COLOURS[stage], linewidth=0.9,
                  marker=STAGE_MARKERS[stage], markersize=3, markeredgewidth=0)  # fmt: skip
    axes.set_xticks(range(len(NAMES)), [benchmarks()[n].column for n in NAMES])
    axes.margins(x=0.08)
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def _mark(stage: str) -> Line2D:
    return Line2D([], [], color=STAGE_COLOURS[stage], marker=STAGE_MARKERS[stage], markersize=4,
                  linewidth=1, label=labels.STAGES[stage])  # fmt: skip
