"""Figures of a study: changes with their seeds, the alignment tax, ablations."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.effects import Effect
from codealign.analysis.figures import style
from codealign.analysis.figures.style import PATHWAY_COLOURS, STAGE_MARKERS, Drawn, canvas
from codealign.analysis.study.ablations import Compared, Varied, compared, groups
from codealign.analysis.study.effects import Study
from codealign.cell import Cell
from codealign.records import PATHWAY, REQUIREMENTS, STAGES, VARIANTS

SEEDS = "means over seeds with 95% intervals over seeds and problems"
TRAINED = STAGES[1:]


def study_figures(study: Study) -> list[Drawn]:
    """Return the figures this run has something for. Call inside `style.styled()`."""
    if not study.repeated:
        return []
    found = [effects(study, model) for model in dict.fromkeys(p.model for p in study.places)]
    return [drawn for drawn in (*found, tax(study), ablations(study)) if drawn is not None]


def effects(study: Study, model: str) -> Drawn | None:
    """Draw each seed's change against the base, and the mean over seeds: a panel a requirement."""
    cells = [p for p in study.main if p.model == model and p.stage != "base"]
    if not cells:
        return None
    shown = [r for r in REQUIREMENTS if any(p.requirement == r for p in cells)]
    figure = canvas(2.2)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    places = [(v, s) for v in VARIANTS for s in TRAINED]
    for axes, requirement in zip(panels, shown, strict=True):
        for place in (p for p in cells if p.requirement == requirement):
            y, found = places.index((place.variant, place.stage)), study.change(place)
            ticks = found.per_seed
            axes.plot(ticks, [y] * len(ticks), "|", color=style.MUTED, markersize=4)
            _mark(axes, place, found, y)
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


def _mark(axes: Axes, place: Cell, found: Effect, y: float, filled: bool = True) -> None:
    colour = PATHWAY_COLOURS[place.variant]
    axes.plot([found.low, found.high], [y, y], color=colour, linewidth=0.8)
    axes.plot(found.value, y, STAGE_MARKERS[place.stage], color=colour, markersize=3.6,
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
    places = study.places
    both = [p for p in places if p.trained != p.requirement and not p.ablation
            and p.at(requirement=p.trained) in places]  # fmt: skip
    if not both:
        return None
    shown = [r for r in REQUIREMENTS if any(p.trained == r for p in both)]
    figure = canvas(2.6)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, trained in zip(panels, shown, strict=True):
        for place in (p for p in both if p.trained == trained):
            home = study.change(place.at(requirement=trained))
            _cross(axes, place, home, study.change(place))
        axes.axhline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.axvline(0, color=style.MUTED, linewidth=0.7, zorder=0)
        axes.set_title(f"trained for {labels.REQUIREMENTS[trained]}")
        axes.set(xlabel="change on its own benchmarks, points", ylabel="change on the others")
    figure.legend(handles=_legend(both), loc="outside lower center", ncols=5)
    caption = f"Alignment tax: what training for one requirement does to the other; {SEEDS}."
    return Drawn("study_tax", caption, figure)


def _cross(axes: Axes, place: Cell, home: Effect, other: Effect) -> None:
    colour = PATHWAY_COLOURS[place.variant]
    x, y = home.value, other.value
    axes.plot([home.low, home.high], [y, y], color=colour, linewidth=0.6)
    axes.plot([x, x], [other.low, other.high], color=colour, linewidth=0.6)
    axes.plot(x, y, STAGE_MARKERS[place.stage], color=colour, markersize=4, markeredgewidth=0)


def _legend(places: Iterable[Cell]) -> list[Line2D]:
    drawn = list(places)
    pathways = [
        Line2D([], [], color=PATHWAY_COLOURS[v], linewidth=2, label=PATHWAY[v])
        for v in VARIANTS
        if any(p.variant == v for p in drawn)
    ]
    stages = [
        Line2D([], [], color=style.INK, marker=STAGE_MARKERS[s], linestyle="", markersize=4,
               label=labels.STAGES[s])
        for s in TRAINED
        if any(p.stage == s for p in drawn)
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
    shown = [row.place for _, rows in found for row in rows]
    figure.legend(handles=_legend(shown), loc="outside lower center", ncols=5)
    caption = f"Ablations: change against base, main cells hollow; {SEEDS}."
    return Drawn("study_ablations", caption, figure)


def _group(axes: Axes, group: Varied, rows: list[Compared]) -> None:
    values = list(group.labels)
    cells = list(dict.fromkeys(row.place.at(ablation="") for row in rows))
    step = 0.6 / max(len(cells), 1)
    for row in rows:
        varied = row.place.ablation
        offset = (cells.index(row.place.at(ablation="")) - (len(cells) - 1) / 2) * step
        _mark(axes, row.place, row.change, values.index(varied) + offset, filled=bool(varied))
    names = [group.labels[v] + ("" if v else " (main)") for v in values]
    axes.set_yticks(range(len(values)), names)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_title(group.title)
    _zero(axes, "")
