"""Dot plots of every score with its 95% interval, one figure for each of Tables 3, 4 and 5."""

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
from codealign.analysis.scores import Benchmark, benchmark, benchmarks
from codealign.records import STAGES

STEMS = {3: "scores_functional", 4: "scores_codal", 5: "scores_evoeval"}
TITLES = {3: "Functional benchmarks", 4: "CODAL", 5: "EvoEval"}
SPREAD = 0.19
"""Vertical distance of a group's stages, in groups."""


def dots(scores: pd.DataFrame, table: int) -> Drawn | None:
    """Draw the scores of one table: a panel a benchmark, a group a model and variant."""
    part = scores[scores["benchmark"].map(lambda name: benchmark(name).table) == table]
    if part.empty:
        return None
    columns = [b for b in benchmarks().values() if b.name in set(part["benchmark"])]
    columns = [b for b in columns if b.table == table]
    groups = [(m, v) for m in present(part, "model") for v in present(part, "variant")]
    figure = canvas(0.7 + 0.4 * len(groups))
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axes, b in zip(panels, columns, strict=True):
        _panel(axes, part[part["benchmark"] == b.name], b, groups)
    _label_groups(panels[0], groups)
    stages = [s for s in STAGES if s in set(part["stage"])]
    figure.legend(handles=[_mark(s) for s in stages], loc="outside lower center",
                  ncols=len(stages))  # fmt: skip
    methods = ", ".join(sorted(set(part["interval"]) - {""})) or "none known"
    caption = (
        f"{TITLES[table]} (Table {table}): scores with 95% intervals ({methods}); "
        f"{source_phrase(part)}."
    )
    return Drawn(STEMS[table], caption, figure)


def _panel(axes: Axes, rows: pd.DataFrame, b: Benchmark, groups: list[tuple[str, str]]) -> None:
    for i in range(0, len(groups), 2):
        axes.axhspan(i - 0.5, i + 0.5, color="#f3f4f5", linewidth=0, zorder=0)
    for row in rows.to_dict("records"):
        at = STAGES.index(row["stage"])
        y = groups.index((row["model"], row["variant"])) + (at - 1.5) * SPREAD
        colour = STAGE_COLOURS[row["stage"]]
        axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.7, alpha=0.55,
                  clip_on=False)  # fmt: skip
        axes.plot(row["value"], y, STAGE_MARKERS[row["stage"]], color=colour, markersize=2.6,
                  markeredgewidth=0, clip_on=False)  # fmt: skip
    axes.set_title(b.head.partition("(")[2].rstrip(")") or b.head, size=style.NORMAL)
    axes.set(xlim=(-0.04 * b.scale, 1.04 * b.scale), ylim=(len(groups) - 0.5, -0.5))
    axes.set_xticks([0, b.scale / 2, b.scale], ["0", f"{b.scale / 2:g}", f"{b.scale:g}"])
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _label_groups(axes: Axes, groups: list[tuple[str, str]]) -> None:
    names = [f"{model_label(m)}\n{labels.VARIANTS[v]}" for m, v in groups]
    axes.set_yticks(range(len(groups)), names)


def _mark(stage: str) -> Line2D:
    return Line2D([], [], color=STAGE_COLOURS[stage], marker=STAGE_MARKERS[stage], markersize=4,
                  linewidth=0.8, label=labels.STAGES[stage])  # fmt: skip
