"""What alignment changed, over all benchmarks: heat map, and the plane of base score and change."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from codealign.analysis import labels
from codealign.analysis.cells import MEMBERS
from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    foot,
    gains_and_losses,
    in_points,
    points,
    present,
    source_phrase,
)
from codealign.analysis.figures.style import HEAT, PATHWAY_COLOURS, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import DRAWN, benchmark, every_benchmark
from codealign.records import ALIGNED, PATHWAY, REQUIREMENTS

EVIDENCE = 0.05
NOTE = (
    "Number: change against base in points (percent of the scale, not of the base score). Colour "
    "and bold type: whether it can be told from no change, by a 95% interval for each cell alone "
    "and after Holm's correction for all cells of a requirement."
)
CERTAINTY = ("after correction too", "interval leaves out 0", "may be chance")
DATA = [*DRAWN, "base", "value", "absolute", "low", "high", "relative", "p_value", "p_holm", "n"]
TITLES = {"functional": "Functional benchmarks", "non_functional": "CODAL's dimensions"}
MODEL_MARKERS = ("o", "s", "^", "D", "v", "p", "h", "*")
QUARTILES = (0.25, 0.75)
PLANE_NOTE = (
    "Small marks: one benchmark after DPO or BoNBoN. Large marks: a model's means over the "
    "benchmarks of its score; bars: the middle half of its small marks. Above the line alignment "
    "gained, below it lost."
)


def heatmap(changes: pd.DataFrame, stage: str) -> Drawn | None:
    """Draw the change of one stage over base, in points; None if the stage has no change.

    Parameters
    ----------
    changes : rows of `changes.changes`.
    stage : dpo, bonbon or sft.
    """
    part = changes[changes["stage"] == stage]
    if part.empty:
        return None
    part = in_points(part, "base", "value", "absolute", "low", "high")
    names = [n for n in every_benchmark() if n in set(part["benchmark"])]
    variants = present(part, "variant")  # a pathway that nobody ran has no column
    columns = [(m, v) for m in present(part, "model") for v in variants]
    by_cell = {(r["benchmark"], r["model"], r["variant"]): r for r in part.to_dict("records")}
    level = [[_level(by_cell.get((name, *column))) for column in columns] for name in names]
    width = max(3.5, min(style.WIDTH, 1.6 + 0.42 * len(columns)))
    height = 0.19 * len(names) + (0.85 if width == style.WIDTH else 1.15)
    figure = canvas(height, width, f"{labels.STAGES[stage]} against base, by benchmark", NOTE)
    axes = figure.add_subplot(facecolor=style.BAND)
    seaborn.heatmap(
        pd.DataFrame(level), ax=axes, cmap=ListedColormap(HEAT), vmin=-3.5, vmax=3.5, cbar=False,
        linewidths=0.8, linecolor=style.PAPER,
    )  # fmt: skip
    for y, name in enumerate(names):
        for x, column in enumerate(columns):
            _number(axes, x, y, by_cell.get((name, *column)), level[y][x])
    _frame(axes, names, columns, len(variants))
    _legend(figure)
    caption = (
        f"Change of {labels.STAGES[stage]} over base by benchmark, model and pathway (PTA from "
        f"pretrained, FTA from fine-tuned), in points; {source_phrase(part)}. Bold: the 95% "
        "interval leaves out 0, without correction for the number of comparisons. The CSV has the "
        "paper's measure, percent of the base score, and corrected p-values."
    )
    alone = part[part["benchmark"] != "codal"]
    return Drawn(f"heatmap_{stage}", caption, figure, gains_and_losses(alone), part[DATA])


def _level(row: dict | None) -> float:
    """Return the side and strength of a change: its step of `HEAT` from the middle; NaN: none."""
    if row is None or math.isnan(row["absolute"]):
        return math.nan
    strength = 1 + (row["p_value"] < EVIDENCE) + (row["p_holm"] < EVIDENCE)
    return float(np.sign(row["absolute"]) * strength)


def _number(axes: Axes, x: int, y: int, row: dict | None, level: float) -> None:
    known = not math.isnan(level)
    text = points(row["absolute"]) if known else ("unscored" if row else "not run")
    axes.text(
        x + 0.5, y + 0.52, text, ha="center", va="center", size=5.8 if known else 4.6,
        weight="bold" if abs(level) > 1 else "normal",
        color=style.ON if abs(level) > 2 else style.INK,
    )  # fmt: skip


def _frame(axes: Axes, names: list[str], columns: list[tuple[str, str]], step: int) -> None:
    """Label rows by benchmark and columns by model and pathway; part models and tables."""
    axes.set_yticks([i + 0.5 for i in range(len(names))], [benchmark(n).label for n in names])
    axes.set_xticks([i + 0.5 for i in range(len(columns))], [PATHWAY[v] for _, v in columns])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=2, rotation=0)
    for i in range(0, len(columns), step):
        axes.text(i + step / 2, -0.75, model_label(columns[i][0]), ha="center", va="bottom",
                  size=style.SMALL, weight="bold")  # fmt: skip
        if i:
            axes.axvline(i, color=style.PAPER, linewidth=3)
    tables = [benchmark(n).table for n in names]
    for i in range(1, len(names)):
        if tables[i] != tables[i - 1]:
            axes.axhline(i, color=style.PAPER, linewidth=3)


def _legend(figure: Figure) -> None:
    """Draw what the colours say: losses beside gains, on a wide figure losses above gains."""
    meanings = [*(f"loss, {text}" for text in CERTAINTY), "no change"]
    meanings += [f"gain, {text}" for text in reversed(CERTAINTY)]
    boxes = [Patch(color=c, label=text) for c, text in zip(HEAT, meanings, strict=True)]
    losses, none, gains = boxes[:3], boxes[3], boxes[:3:-1]
    wide = figure.get_figwidth() == style.WIDTH
    pairs = [box for pair in zip(losses, gains, strict=True) for box in pair]
    handles = [*pairs, none] if wide else [*losses, none, *gains]
    figure.legend(handles=handles, loc="outside lower center", ncols=4 if wide else 2,
                  handlelength=0.9, handletextpad=0.4, columnspacing=1.0)  # fmt: skip


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
    figure = canvas(2.9, title=title, note=PLANE_NOTE)
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
    return Drawn("stability_plasticity", caption, figure, _means_in_words(part), data)


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


def _means_in_words(part: pd.DataFrame) -> str:
    """Return each pathway's mean base score and change, by requirement."""
    means = part.groupby(["requirement", "variant"])[["base", "absolute"]].mean()
    parts = [
        f"{labels.REQUIREMENTS[r]} {PATHWAY[v]}: mean base score {row['base']:.1f}, mean change "
        f"{points(row['absolute'])} points"
        for (r, v), row in means.iterrows()
    ]
    return "; ".join(parts) + "."
