"""Published against run: the run's changes over the range of the paper's five models."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    present,
    source_phrase,
)
from codealign.analysis.figures.style import STAGE_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import PAPER, benchmarks, percent_of_scale
from codealign.records import PATHWAY, STAGES

TRAINED = [s for s in STAGES if s != "base"]
LANE = 0.26
"""Vertical distance of the stages of one benchmark."""


def versus(changes: pd.DataFrame, model: str) -> Drawn | None:
    """Draw the changes of one model of a run over the published range, in points of the scale.

    Bars span the smallest to the largest published change of the five models, the tick is their
    median; marks are the run's changes with 95% intervals. None if the run has no change.
    """
    run = _in_percent(changes[(changes["source"] != PAPER) & (changes["model"] == model)])
    if run.empty:
        return None
    printed = _in_percent(changes[changes["source"] == PAPER])
    names = [n for n in benchmarks() if n in set(run["benchmark"])]
    variants = present(run, "variant")
    figure = canvas(0.75 + 0.3 * len(names))
    panels = figure.subplots(1, len(variants), sharex=True, sharey=True, squeeze=False)[0]
    for axes, variant in zip(panels, variants, strict=True):
        _panel(axes, printed[printed["variant"] == variant], run[run["variant"] == variant], names)
        axes.set_title(f"{PATHWAY[variant]}: from {labels.VARIANTS[variant]}")
    panels[0].set_yticks(range(len(names)), [benchmarks()[n].label for n in names])
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4)
    caption = (
        f"Published and run: change against base of {model_label(model)}, in points (percent of "
        "each benchmark's scale), over the range of the paper's five models (bar) and their "
        f"median (tick); {source_phrase(pd.concat([printed, run]))}. Published and measured "
        "benchmarks differ in their problems where the run used embedded ones."
    )
    return Drawn(f"published_and_{model}", caption, figure)


def _in_percent(changes: pd.DataFrame) -> pd.DataFrame:
    found = changes.copy()
    for column in ("absolute", "low", "high"):
        found[column] = percent_of_scale(changes, column)
    return found


def _panel(axes: Axes, printed: pd.DataFrame, run: pd.DataFrame, names: list[str]) -> None:
    for i, name in enumerate(names):
        if i % 2 == 0:
            axes.axhspan(i - 0.5, i + 0.5, color="#f3f4f5", linewidth=0, zorder=0)
        for at, stage in enumerate(TRAINED):
            y = i + (at - 1) * LANE
            _range(axes, y, _of(printed, name, stage)["absolute"])
            for row in _of(run, name, stage).to_dict("records"):
                _mark(axes, y, row)
    axes.axvline(0, color=style.MUTED, linewidth=0.7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("change against base, points")
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _of(frame: pd.DataFrame, name: str, stage: str) -> pd.DataFrame:
    return frame[(frame["benchmark"] == name) & (frame["stage"] == stage)]


def _range(axes: Axes, y: float, values: pd.Series) -> None:
    if len(values):
        axes.plot([values.min(), values.max()], [y, y], color=style.RULE, linewidth=3.2,
                  solid_capstyle="butt", zorder=1)  # fmt: skip
        axes.plot(values.median(), y, "|", color=style.MUTED, markersize=4, zorder=2)


def _mark(axes: Axes, y: float, row: dict) -> None:
    colour = STAGE_COLOURS[row["stage"]]
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.8, zorder=3)
    axes.plot(row["absolute"], y, STAGE_MARKERS[row["stage"]], color=colour, markersize=3,
              markeredgewidth=0, zorder=4)  # fmt: skip


def _legend() -> list:
    bar = Patch(color=style.RULE, label="paper: range of five models")
    marks = [
        Line2D([], [], color=STAGE_COLOURS[s], marker=STAGE_MARKERS[s], markersize=4, linewidth=0.8,
               label=f"run: {labels.STAGES[s]}")
        for s in TRAINED
    ]  # fmt: skip
    return [bar, *marks]
