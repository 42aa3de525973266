"""Figures of a study: changes with their seeds, the alignment tax, ablations."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.effects import Effect
from codealign.analysis.figures import style
from codealign.analysis.figures.common import as_rows, foot, lane, points
from codealign.analysis.figures.style import PATHWAY_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.analysis.study.effects import Compared, StudyRun, Varied, compared, groups
from codealign.cell import Cell
from codealign.records import PATHWAY, REQUIREMENTS, STAGES, VARIANTS

SEEDS = "means over seeds with 95% intervals over seeds and problems"
POINTS = "change against base, points (percent of the scale)"
TRAINED = STAGES[1:]


def study_figures(study: StudyRun) -> list[Drawn]:
    """Return the figures this run has something for. Call inside `style.styled()`."""
    if not study.repeated:
        return []
    by_model = [effects(study, model) for model in dict.fromkeys(p.model for p in study.places)]
    return [drawn for drawn in (*by_model, tax(study), ablations(study)) if drawn is not None]


def effects(study: StudyRun, model: str) -> Drawn | None:
    """Draw each seed's change against the base and their mean, one panel per requirement."""
    cells = [p for p in study.main if p.model == model and p.stage != "base"]
    if not cells:
        return None
    shown = [r for r in REQUIREMENTS if any(p.requirement == r for p in cells)]
    note = f"Ticks: each of {len(study.seeds)} seeds. Marks: {SEEDS}. The panels share one scale."
    figure = canvas(1.9, title=f"{model}: change by training, over seeds", note=note)
    panels = figure.subplots(1, len(shown), sharey=True, sharex=True, squeeze=False)[0]
    places = [(v, s) for v in VARIANTS for s in TRAINED]
    names = [f"{PATHWAY[v]} {labels.STAGES[s]}" for v, s in places]
    for axes, requirement in zip(panels, shown, strict=True):
        as_rows(axes, names)
        for place in (p for p in cells if p.requirement == requirement):
            y, change = places.index((place.variant, place.stage)), study.change(place)
            axes.plot(change.per_seed, [y] * len(change.per_seed), "|", color=style.MUTED,
                      markersize=5)  # fmt: skip
            _mark(axes, place, change, y)
        axes.set_title(labels.REQUIREMENTS[requirement])
    figure.supxlabel(POINTS, size=style.NORMAL)
    caption = (
        f"Changes of {model} over {len(study.seeds)} seed(s): each seed (tick) and {SEEDS}, in "
        "points (percent of scale, mean over a requirement's benchmarks)."
    )
    rows = [_row(place, study.change(place)) for place in cells]
    stem = f"study_effects_{model}"
    return Drawn(stem, caption, figure, _clear_changes(rows), pd.DataFrame(rows))


def _row(place: Cell, effect: Effect, **more: Any) -> dict[str, Any]:
    """Return an effect as a row of data."""
    return {
        "model": place.model, "requirement": place.requirement, "trained": place.trained,
        "variant": place.variant, "stage": place.stage, **more, "points": effect.value,
        "low": effect.low, "high": effect.high, "seeds": effect.seeds, "n": effect.n,
    }  # fmt: skip


def _clear_changes(rows: list[dict[str, Any]]) -> str:
    """Return which changes can be distinguished from 0, in a sentence."""
    sure = [r for r in rows if r["low"] > 0 or r["high"] < 0]
    named = "; ".join(
        f"{PATHWAY[r['variant']]} {labels.STAGES[r['stage']]}, "
        f"{labels.REQUIREMENTS[r['requirement']]}{_setting(r)}: {points(r['points'])} points"
        for r in sure
    )
    text = f"The 95% interval leaves out zero for {len(sure)} of {len(rows)} changes"
    return f"{text}: {named}." if named else f"{text}."


def _setting(row: dict[str, Any]) -> str:
    return f" with {row['setting']} {row['value']}" if row.get("setting") else ""


def _mark(axes: Axes, place: Cell, effect: Effect, y: float, filled: bool = True) -> None:
    colour = PATHWAY_COLOURS[place.variant]
    axes.plot([effect.low, effect.high], [y, y], color=colour, linewidth=0.8)
    axes.plot(effect.value, y, STAGE_MARKERS[place.stage], color=colour, markersize=3.6,
              markerfacecolor=colour if filled else style.PAPER, markeredgewidth=0.8)  # fmt: skip


def tax(study: StudyRun) -> Drawn | None:
    """Draw the change on the other requirement's benchmarks over that on those trained for."""
    places = study.places
    both = [p for p in study.crossed if p.at(requirement=p.trained) in places]
    if not both:
        return None
    shown = [r for r in REQUIREMENTS if any(p.trained == r for p in both)]
    note = (
        "Right of the upright line: better at what it was trained for. Above the level line: "
        f"better at the other. Lines: {SEEDS}."
    )
    title = "What training for one requirement does to the other"
    figure = canvas(2.5, title=title, note=note)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    rows = []
    for axes, trained in zip(panels, shown, strict=True):
        for place in (p for p in both if p.trained == trained):
            home, other = study.change(place.at(requirement=trained)), study.change(place)
            _cross(axes, place, home, other)
            own = {"own_points": home.value, "own_low": home.low, "own_high": home.high}
            rows.append(_row(place, other, **own))
        axes.axhline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.axvline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.set_title(f"trained for {labels.REQUIREMENTS[trained]}")
        axes.set(xlabel="its own benchmarks, points", ylabel="the other's benchmarks, points")
    foot(figure, "", _legend(both), 5)
    caption = f"Alignment tax: what training for one requirement does to the other; {SEEDS}."
    alt = f"On the benchmarks that it was not trained for: {_clear_changes(rows)}"
    return Drawn("study_tax", caption, figure, alt, pd.DataFrame(rows))


def _cross(axes: Axes, place: Cell, home: Effect, other: Effect) -> None:
    colour = PATHWAY_COLOURS[place.variant]
    x, y = home.value, other.value
    axes.plot([home.low, home.high], [y, y], color=colour, linewidth=0.6)
    axes.plot([x, x], [other.low, other.high], color=colour, linewidth=0.6)
    axes.plot(x, y, STAGE_MARKERS[place.stage], color=colour, markersize=4, markeredgewidth=0)


def _legend(places: list[Cell]) -> list[Line2D]:
    pathways = [
        Line2D([], [], color=PATHWAY_COLOURS[v], linewidth=2, label=PATHWAY[v])
        for v in VARIANTS
        if any(p.variant == v for p in places)
    ]
    stages = [
        Line2D([], [], color=style.INK, marker=STAGE_MARKERS[s], linestyle="", markersize=4,
               label=labels.STAGES[s])
        for s in TRAINED
        if any(p.stage == s for p in places)
    ]  # fmt: skip
    return pathways + stages


def ablations(study: StudyRun) -> Drawn | None:
    """Draw each ablation's change against the base beside the main cells', a panel per setting."""
    per_group = [(group, compared(study, group)) for group in groups(study)]
    per_group = [(group, rows) for group, rows in per_group if rows]
    if not per_group:
        return None
    columns = 2 if len(per_group) > 1 else 1
    lines = -(-len(per_group) // columns)
    note = f"Filled: the setting varied. Hollow: the main cells. Lines: {SEEDS}."
    figure = canvas(0.7 + 1.1 * lines, title="What each varied setting changes", note=note)
    panels = figure.subplots(lines, columns, sharex=True, squeeze=False).flatten()
    for axes, (group, compared_rows) in zip(panels, per_group, strict=False):
        _group(axes, group, compared_rows)
    for axes in panels[len(per_group) :]:
        axes.set_visible(False)
        panels[len(per_group) - columns].tick_params(axis="x", labelbottom=True)
    shown = [row.place for _, rows in per_group for row in rows]
    foot(figure, POINTS, _legend(shown), 5)
    data = [
        _row(row.place, row.change, setting=group.title, value=row.label)
        for group, rows in per_group
        for row in rows
    ]
    varied = [r for r, place in zip(data, shown, strict=True) if place.ablation]
    caption = f"Ablations: change against base, main cells hollow; {SEEDS}."
    return Drawn("study_ablations", caption, figure, _clear_changes(varied), pd.DataFrame(data))


def _group(axes: Axes, group: Varied, rows: list[Compared]) -> None:
    values = list(group.labels)
    as_rows(axes, [group.labels[v] + ("" if v else " (main)") for v in values])
    cells = list(dict.fromkeys(row.place.at(ablation="") for row in rows))
    for row in rows:
        varied = row.place.ablation
        offset = lane(row.place.at(ablation=""), cells, 0.6 / max(len(cells), 1))
        _mark(axes, row.place, row.change, values.index(varied) + offset, filled=bool(varied))
    axes.set_title(group.title)
