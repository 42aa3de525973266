"""The stability-plasticity plane: base score against change."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    present,
    source_phrase,
)
from codealign.analysis.figures.style import PATHWAY_COLOURS, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import percent_of_scale
from codealign.records import ALIGNED, PATHWAY, REQUIREMENTS

TITLES = {"functional": "Functional", "non_functional": "Non-functional (CODAL)"}
MODEL_MARKERS = ("o", "s", "^", "D", "P", "X", "v", "*")


def plane(changes: pd.DataFrame) -> Drawn | None:
    """Draw every aligned cell at its base score and its change, both in percent of the scale.

    Small marks are single benchmarks and techniques (DPO, BoNBoN); large ones are a model's means
    over them. The CODAL average is left out, for its five dimensions are there.
    """
    part = changes[changes["stage"].isin(ALIGNED) & (changes["benchmark"] != "codal")].copy()
    if part.empty:
        return None
    part["x"], part["y"] = percent_of_scale(part, "base"), percent_of_scale(part, "absolute")
    kinds = [r for r in REQUIREMENTS if r in set(part["requirement"])]
    figure = canvas(2.95)
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    models = present(part, "model")
    for axes, kind in zip(panels, kinds, strict=True):
        _panel(axes, part[part["requirement"] == kind], models)
        axes.set_title(TITLES[kind])
        axes.set_xlabel("base score, percent of scale")
    panels[0].set_ylabel("change after DPO or BoNBoN, points")
    figure.legend(handles=_legend(panels[0], models), loc="outside lower center", ncols=7,
                  handletextpad=0.1, columnspacing=1.0)  # fmt: skip
    caption = (
        "Stability-plasticity plane: base score against change, in percent of each benchmark's "
        "scale. Small marks: one benchmark and technique; large marks: means over a model's "
        f"benchmarks and techniques; {source_phrase(part)}."
    )
    return Drawn("stability_plasticity", caption, figure)


def _panel(axes: Axes, part: pd.DataFrame, models: list[str]) -> None:
    axes.axhline(0, color=style.MUTED, linewidth=0.7)
    axes.grid(True)
    axes.set_axisbelow(True)
    for variant, rows in part.groupby("variant"):
        colour = PATHWAY_COLOURS[variant]
        axes.scatter(rows["x"], rows["y"], s=7, color=colour, alpha=0.3, linewidths=0)
        means = rows.groupby("model")[["x", "y"]].mean()
        for model, mean in means.iterrows():
            axes.scatter(mean["x"], mean["y"], s=42, color=colour, edgecolor="white",
                         linewidth=0.8, marker=_marker(model, models), zorder=3)  # fmt: skip


def _marker(model: str, models: list[str]) -> str:
    return MODEL_MARKERS[models.index(model) % len(MODEL_MARKERS)]


def _legend(axes: Axes, models: list[str]) -> list:
    """Return handles: a colour for each pathway, a shape for each model."""
    paths = [
        axes.scatter([], [], s=30, color=colour, marker="o", label=PATHWAY[variant])
        for variant, colour in PATHWAY_COLOURS.items()
    ]
    shapes = [
        axes.scatter([], [], s=26, color=style.MUTED, marker=_marker(m, models),
                     label=model_label(m))
        for m in models
    ]  # fmt: skip
    return paths + shapes
