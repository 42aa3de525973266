"""The stability-plasticity plane: base score against change."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.cells import MEMBERS
from codealign.analysis.figures import style
from codealign.analysis.figures.common import foot, in_points, points, present, source_phrase
from codealign.analysis.figures.style import PATHWAY_COLOURS, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.records import ALIGNED, PATHWAY, REQUIREMENTS

TITLES = {"functional": "Functional benchmarks", "non_functional": "CODAL's dimensions"}
MODEL_MARKERS = ("o", "s", "^", "D", "v", "p", "h", "*")
QUARTILES = (0.25, 0.75)
NOTE = (
    "Small marks: one benchmark after DPO or BoNBoN. Large marks: a model's means over the "
    "benchmarks of its score; bars: the middle half of its small marks. Above the line alignment "
    "gained, below it lost."
)


def plane(changes: pd.DataFrame) -> Drawn | None:
    """Draw every aligned cell at its base score and its change, both in percent of the scale.

    The panels share their scales. Drawn are the benchmarks of a requirement's score, so that a
    model's means are those of the summary and the answer.
    """
    scored = [name for names in MEMBERS.values() for name in names]
    part = changes[changes["stage"].isin(ALIGNED) & changes["benchmark"].isin(scored)]
    if part.empty:
        return None
    part = in_points(part, "base", "absolute", "low", "high")
    kinds = [r for r in REQUIREMENTS if r in set(part["requirement"])]
    models = present(part, "model")
    title = "Stability and plasticity: what alignment changed, by base score"
    figure = canvas(2.9, title=title, note=NOTE)
    panels = figure.subplots(1, len(kinds), sharex=True, sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        _panel(axes, part[part["requirement"] == kind], models)
        axes.set_title(TITLES[kind])
    panels[0].set_ylabel("change, points")
    handles = [_mark(PATHWAY_COLOURS[v], "o", f"{PATHWAY[v]}, from {labels.VARIANTS[v]}")
               for v in present(part, "variant")]  # fmt: skip
    handles += [_mark(style.MUTED, _marker(m, models), model_label(m)) for m in models]
    columns = 4 if len(handles) > 5 else len(handles)
    foot(figure, "score of the base model, percent of the scale", handles, columns)
    caption = (
        "Stability-plasticity plane: base score against change, in percent of each benchmark's "
        "scale, on the benchmarks of the requirement's score. Small marks: one benchmark and "
        "technique; large marks: means over a model's benchmarks and techniques; "
        f"{source_phrase(part)}."
    )
    data = part[["source", "model", "variant", "requirement", "stage", "benchmark", "base",
                 "absolute", "low", "high", "n"]]  # fmt: skip
    return Drawn("stability_plasticity", caption, figure, _alt_text(part), data)


def _panel(axes: Axes, part: pd.DataFrame, models: list[str]) -> None:
    axes.axhline(0, color=style.MUTED, linewidth=0.7)
    axes.grid(True)
    axes.set_axisbelow(True)
    for variant, rows in part.groupby("variant"):
        colour = PATHWAY_COLOURS[variant]
        axes.scatter(rows["base"], rows["absolute"], s=6, color=colour, alpha=0.3, linewidths=0)
        for model, cells in rows.groupby("model"):
            x, y = cells["base"].mean(), cells["absolute"].mean()
            for column, bar in (("base", axes.hlines), ("absolute", axes.vlines)):
                low, high = cells[column].quantile(QUARTILES)
                bar(y if column == "base" else x, low, high, color=colour, linewidth=0.7)
            axes.scatter(x, y, s=34, color=colour, edgecolor=style.PAPER, linewidth=0.8,
                         marker=_marker(model, models), zorder=3)  # fmt: skip


def _marker(model: str, models: list[str]) -> str:
    return MODEL_MARKERS[models.index(model) % len(MODEL_MARKERS)]


def _mark(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4.5, label=label)


def _alt_text(part: pd.DataFrame) -> str:
    """Return each pathway's mean base score and change, by requirement."""
    means = part.groupby(["requirement", "variant"])[["base", "absolute"]].mean()
    parts = [
        f"{labels.REQUIREMENTS[r]} {PATHWAY[v]}: mean base score {row['base']:.1f}, mean change "
        f"{points(row['absolute'])} points"
        for (r, v), row in means.iterrows()
    ]
    return "; ".join(parts) + "."
