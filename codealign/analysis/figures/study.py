"""Figures of a study: changes with their seeds, the alignment tax, ablations."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.style import PATHWAY_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.analysis.study.ablations import Varied, compared, groups
from codealign.analysis.study.effects import KEYS, Study, over_seeds
from codealign.records import PATHWAY, REQUIREMENTS, STAGES, VARIANTS

SEEDS = "means over seeds with 95% t intervals over seeds"
TRAINED = STAGES[1:]


def study_figures(study: Study) -> list[Drawn]:
    """Return the figures this run has something for. Call inside `style.styled()`."""
    if not study.repeated:
        return []
    found = [effects(study, model) for model in dict.fromkeys(study.parts["model"])]
    return [drawn for drawn in (*found, tax(study), ablations(study)) if drawn is not None]


def effects(study: Study, model: str) -> Drawn | None:
    """Draw each seed's change against the base, and the mean over seeds: a panel a requirement."""
    cells = study.main[(study.main["model"] == model) & (study.main["stage"] != "base")]
    if cells.empty:
        return None
    shown = [r for r in REQUIREMENTS if r in set(cells["requirement"])]
    figure = canvas(2.2)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    places = [(v, s) for v in VARIANTS for s in TRAINED]
    for axes, requirement in zip(panels, shown, strict=True):
        part = cells[cells["requirement"] == requirement]
        for y, (variant, stage) in enumerate(places):
            mine = part[(part["variant"] == variant) & (part["stage"] == stage)]
            axes.plot(mine["change"], [y] * len(mine), "|", color=style.MUTED, markersize=4)
        for row in over_seeds(part, "change").to_dict("records"):
            _mark(axes, row, places.index((row["variant"], row["stage"])))
        axes.set_title(labels.REQUIREMENTS[requirement])
        _zero(axes, "change against base, points")
    names = [f"{PATHWAY[v]} {labels.STAGES[s]}" for v, s in places]
    panels[0].set_yticks(range(len(places)), names)
    panels[0].set_ylim(len(places) - 0.5, -0.5)
    caption = (
        f"Changes of {model} over {len(study.seeds)} seed(s): each seed (tick) and {SEEDS}, in "
        "points (percent of scale, mean over a requirement's benchmarks)."
    )
    return Drawn(f"study_effects_{model}", caption, figure)


def _mark(axes: Axes, row: dict[str, Any], y: float, filled: bool = True) -> None:
    colour = PATHWAY_COLOURS[row["variant"]]
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.8)
    axes.plot(row["mean"], y, STAGE_MARKERS[row["stage"]], color=colour, markersize=3.6,
              markerfacecolor=colour if filled else "white", markeredgewidth=0.8)  # fmt: skip


def _zero(axes: Axes, label: str) -> None:
    axes.axvline(0, color=style.MUTED, linewidth=0.7, zorder=0)
    axes.set_xlabel(label)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def tax(study: Study) -> Drawn | None:
    """Draw the change on the other requirement's benchmarks over that on those trained for."""
    cells = study.cells[(study.cells["ablation"] == "") & (study.cells["stage"] != "base")]
    means = over_seeds(cells, "change")
    where = ["model", "variant", "trained", "stage"]
    home = means[means["requirement"] == means["trained"]]
    other = means[means["requirement"] != means["trained"]]
    both = home.merge(other, on=where, suffixes=("", "_other"))
    if both.empty:
        return None
    shown = [r for r in REQUIREMENTS if r in set(both["trained"])]
    figure = canvas(2.6)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, trained in zip(panels, shown, strict=True):
        for row in both[both["trained"] == trained].to_dict("records"):
            _cross(axes, row)
        axes.axhline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.axvline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.set_title(f"trained for {labels.REQUIREMENTS[trained]}")
        axes.set(xlabel="change on its own benchmarks, points", ylabel="change on the others")
    figure.legend(handles=_legend(both), loc="outside lower center", ncols=5)
    caption = f"Alignment tax: what training for one requirement does to the other; {SEEDS}."
    return Drawn("study_tax", caption, figure)


def _cross(axes: Axes, row: dict[str, Any]) -> None:
    colour = PATHWAY_COLOURS[row["variant"]]
    x, y = row["mean"], row["mean_other"]
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.6)
    axes.plot([x, x], [row["low_other"], row["high_other"]], color=colour, linewidth=0.6)
    axes.plot(x, y, STAGE_MARKERS[row["stage"]], color=colour, markersize=4, markeredgewidth=0)


def _legend(rows: pd.DataFrame) -> list[Line2D]:
    pathways = [
        Line2D([], [], color=PATHWAY_COLOURS[v], linewidth=2, label=PATHWAY[v])
        for v in VARIANTS
        if v in set(rows["variant"])
    ]
    stages = [
        Line2D([], [], color=style.INK, marker=STAGE_MARKERS[s], linestyle="", markersize=4,
               label=labels.STAGES[s])
        for s in TRAINED
        if s in set(rows["stage"])
    ]  # fmt: skip
    return pathways + stages


def ablations(study: Study) -> Drawn | None:
    """Draw each ablation's change against the base beside the main cells': a panel a setting."""
    found = [(group, compared(study, group)) for group in groups(study)]
    found = [(group, rows) for group, rows in found if rows]
    if not found:
        return None
    columns = 2 if len(found) > 1 else 1
    lines = -(-len(found) // columns)
    figure = canvas(0.6 + 1.15 * lines)
    panels = figure.subplots(lines, columns, sharex=True, squeeze=False).flatten()
    for axes, (group, rows) in zip(panels, found, strict=False):
        _group(axes, group, rows)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    figure.supxlabel("change against base, points", size=style.NORMAL)
    shown = pd.DataFrame([row for _, rows in found for row in rows])
    figure.legend(handles=_legend(shown), loc="outside lower center", ncols=5)
    caption = f"Ablations: change against base, main cells hollow; {SEEDS}."
    return Drawn("study_ablations", caption, figure)


def _group(axes: Axes, group: Varied, rows: list[dict[str, Any]]) -> None:
    values = list(group.labels)
    cells = list(dict.fromkeys(_cell(row) for row in rows))
    step = 0.6 / max(len(cells), 1)
    for row in rows:
        offset = (cells.index(_cell(row)) - (len(cells) - 1) / 2) * step
        _mark(axes, row, values.index(row["ablation"]) + offset, filled=bool(row["ablation"]))
    names = [group.labels[v] + ("" if v else " (main)") for v in values]
    axes.set_yticks(range(len(values)), names)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_title(group.title)
    _zero(axes, "")


def _cell(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[key] for key in KEYS if key != "ablation")
