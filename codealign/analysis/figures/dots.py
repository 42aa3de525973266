"""Rows of marks with 95% intervals: scores, CODAL's dimensions, a run beside paper or run."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.common import (
    around,
    as_rows,
    foot,
    gains_and_losses,
    in_points,
    interval,
    lane,
    numbers,
    points,
    present,
    source_phrase,
    stage_mark,
)
from codealign.analysis.figures.style import PATHWAY_COLOURS, WIDTH, Drawn, canvas
from codealign.analysis.labels import model_label
from codealign.analysis.scores import DRAWN, PAPER, Benchmark, benchmark, benchmarks
from codealign.records import ALIGNED, DIMENSIONS, PATHWAY, REQUIREMENTS, STAGES

STEMS = {3: "scores_functional", 4: "scores_codal", 5: "scores_evoeval"}
TITLES = {
    3: "Functional scores of every stage",
    4: "CODAL ratings of every stage",
    5: "EvoEval scores of every stage",
}
UNITS = {3: "solved, percent (EvalPerf: DPS, percent)", 4: "mean rating, of 10 points",
         5: "solved, percent"}  # fmt: skip
PERCENT = "percent of the scale"
RATED = [f"codal_{dimension}" for dimension in DIMENSIONS]
TRAINED = [s for s in STAGES if s != "base"]
COLUMNS = [*DRAWN, "value", "low", "high", "unit", "n"]
MOVED = [*DRAWN, "base", "absolute", "low", "high", "unit", "n"]


def dots(scores: pd.DataFrame, table: int) -> Drawn | None:
    """Draw the scores of one table: a panel per benchmark, a group per model and variant.

    All panels share one scale, which spans the data.
    """
    part = scores[scores["benchmark"].map(lambda name: benchmark(name).table) == table]
    if part.empty:
        return None
    if table != 4:
        part = in_points(part, "value", "low", "high")
    columns = [b for b in benchmarks().values() if b.name in set(part["benchmark"])]
    groups = [(m, v) for m in present(part, "model") for v in present(part, "variant")]
    stages = present(part, "stage")
    note = "Mark: score. Line: 95% interval. Thin line down a group: the score of its base model."
    figure = canvas(0.8 + 0.4 * len(groups), title=TITLES[table], note=note)
    panels = figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False)[0]
    names = [f"{model_label(m)}\n{labels.VARIANTS[v]}" for m, v in groups]
    for axes, b in zip(panels, columns, strict=True):
        as_rows(axes, names, zero=False)
        _scores(axes, part[part["benchmark"] == b.name], b, groups, stages)
    around(panels[0], part["low"].min(), part["high"].max())
    panels[0].xaxis.set_major_locator(MaxNLocator(2 if len(columns) > 5 else 3))
    foot(figure, UNITS[table], [stage_mark(s) for s in stages])
    unit = "rating of 10" if table == 4 else PERCENT
    data = part.assign(unit=unit)[COLUMNS]
    methods = ", ".join(sorted(set(part["interval"]) - {""})) or "none known"
    caption = (
        f"{TITLES[table]} (Table {table}): scores with 95% intervals ({methods}); "
        f"{source_phrase(part)}."
    )
    return Drawn(STEMS[table], caption, figure, _scores_in_words(part, table), data)


def _scores(
    axes: Axes, rows: pd.DataFrame, b: Benchmark, groups: list[tuple[str, str]], stages: list[str]
) -> None:
    for row in rows.to_dict("records"):
        middle = groups.index((row["model"], row["variant"]))
        y = middle + lane(row["stage"], stages, 0.19)
        if row["stage"] == "base":
            axes.plot([row["value"]] * 2, [y, middle + 0.4], color=style.MUTED, linewidth=0.4)
        interval(axes, row, y)
    name = b.label.removeprefix("EvoEval ").removeprefix("CODAL ")
    name = name.replace(" following", "\nfollowing")
    axes.set_title(name[0].upper() + name[1:], pad=9)
    counted = numbers([int(n) for n in rows["n"]])
    axes.annotate(counted, (0, 1), (0, 1.5), xycoords="axes fraction", textcoords="offset points",
                  size=style.SMALL - 0.6, color=style.MUTED)  # fmt: skip


def _scores_in_words(part: pd.DataFrame, table: int) -> str:
    """Return how often the aligned stages score above their base, and the highest score."""
    cell = ["model", "variant", "benchmark"]
    wide = part.pivot_table(index=cell, columns="stage", values="value")
    known = [s for s in TRAINED if s in wide and "base" in wide]
    above = ", ".join(
        f"{labels.STAGES[s]} in {(wide[s] > wide['base']).sum()} of {both}"
        for s in known
        if (both := int((wide[s].notna() & wide["base"].notna()).sum()))
    )
    if part["value"].notna().sum() == 0:
        return "Nothing has a score."
    best = part.loc[part["value"].idxmax()]
    place = f"{model_label(best['model'])} {labels.VARIANTS[best['variant']]}"
    unit = " of 10" if table == 4 else " percent"
    highest = (
        f"The highest score is {best['value']:.1f}{unit}: {place}, {labels.STAGES[best['stage']]}, "
        f"on {benchmark(best['benchmark']).label}."
    )
    return f"Above their base are: {above}. {highest}" if above else highest


def profiles(changes: pd.DataFrame) -> Drawn | None:
    """Draw how far each stage moved CODAL's five dimensions; None without CODAL's changes.

    A panel per model and pathway, all on one scale, with the base model's rating beside it.
    """
    part = changes[changes["benchmark"].isin(RATED)]
    if part.empty:
        return None
    models, variants = present(part, "model"), present(part, "variant")
    note = (
        "Mark: change of the mean rating. Line: 95% interval. Grey: the base model's rating, of 10."
    )
    title = "CODAL's five dimensions: what each stage changed"
    width = WIDTH if len(models) > 2 else 3.6 + 0.9 * (len(models) - 1)
    figure = canvas(0.75 + 1.3 * len(variants), width, title, note)
    panels = figure.subplots(len(variants), len(models), sharey=True, sharex=True, squeeze=False)
    names = [benchmark(name).label for name in RATED]
    low, high = part["low"].min(), part["high"].max()
    around(panels[0][0], low, high + 0.25 * (high - low))  # with room for the base's rating
    for i, variant in enumerate(variants):
        for j, model in enumerate(models):
            rows = part[(part["variant"] == variant) & (part["model"] == model)]
            as_rows(panels[i][j], names)
            _dimensions(panels[i][j], rows)
            heading = f"{model_label(model)}\n" * (i == 0) + PATHWAY[variant]
            panels[i][j].set_title(heading, size=style.SMALL + 0.5)
    foot(figure, "change of the rating, points", [stage_mark(s) for s in present(part, "stage")])
    caption = (
        "CODAL by dimension: change of the mean rating (scale of 10 points) against the base "
        f"model with 95% intervals; {source_phrase(part)}."
    )
    alt = gains_and_losses(part, "rating points")
    data = part.assign(unit="rating of 10")[MOVED]
    return Drawn("dimension_profiles", caption, figure, alt, data)


def _dimensions(axes: Axes, rows: pd.DataFrame) -> None:
    for row in rows.to_dict("records"):
        middle = RATED.index(row["benchmark"])
        y = middle + lane(row["stage"], TRAINED, 0.24)
        interval(axes, row, y, "absolute")
        if row["stage"] == rows["stage"].iloc[0]:
            axes.annotate(f"{row['base']:.1f}", (1, middle), (-1, 0), ha="right", va="center",
                          xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                          size=style.SMALL - 0.8, color=style.MUTED)  # fmt: skip


def versus(changes: pd.DataFrame, model: str) -> Drawn | None:
    """Draw the changes of one model of a run over those of the paper's five models.

    In points (percent of each benchmark's scale); None if the run has no change.
    """
    aligned = changes[changes["stage"].isin(ALIGNED)]
    moved = in_points(aligned, "base", "absolute", "low", "high")
    run = moved[(moved["source"] != PAPER) & (moved["model"] == model)]
    printed = moved[moved["source"] == PAPER]
    if run.empty:
        return None
    names = [n for n in benchmarks() if n in set(run["benchmark"])]
    variants = present(run, "variant")
    title = f"The paper's five models and {model_label(model)}: change by alignment"
    note = (
        "Grey: the paper's five models, one tick each. In colour: this run with its 95% interval; "
        "n: its problems. Benchmarks may differ in their problems."
    )
    figure = canvas(0.8 + 0.23 * len(names), title=title, note=note)
    panels = figure.subplots(1, len(variants), sharex=True, sharey=True, squeeze=False)[0]
    sizes = {n: numbers([int(x) for x in run[run["benchmark"] == n]["n"]]) for n in names}
    row_labels = [f"{benchmarks()[n].label}, {sizes[n]}" for n in names]
    for axes, variant in zip(panels, variants, strict=True):
        as_rows(axes, row_labels)
        for at, name in enumerate(names):
            here = [part[(part["benchmark"] == name) & (part["variant"] == variant)]
                    for part in (printed, run)]  # fmt: skip
            _beside(axes, *here, at)
        axes.set_title(f"{PATHWAY[variant]}: from {labels.VARIANTS[variant]}")
    paper = Line2D([], [], color=style.RULE, linewidth=4, marker="|", markeredgecolor=style.MUTED,
                   markersize=5, label="paper: five models")  # fmt: skip
    marks = [stage_mark(s, f"this run: {labels.STAGES[s]}") for s in ALIGNED]
    foot(figure, "change against base, points (percent of the scale)", [paper, *marks])
    both = pd.concat([printed, run])
    caption = (
        f"Published and run: change against base of {model_label(model)}, in points (percent of "
        "each benchmark's scale), over the changes of the paper's five models; "
        f"{source_phrase(both)}. Published and measured benchmarks differ in their problems where "
        "the run used embedded ones."
    )
    data, alt = both.assign(unit=PERCENT)[MOVED], _versus_in_words(printed, run)
    return Drawn(f"published_and_{model}", caption, figure, alt, data)


def _beside(axes: Axes, printed: pd.DataFrame, run: pd.DataFrame, at: int) -> None:
    for stage in ALIGNED:
        y = at + lane(stage, ALIGNED, 0.36)
        values = printed[printed["stage"] == stage]["absolute"]
        if len(values):
            axes.plot([values.min(), values.max()], [y, y], color=style.RULE, linewidth=3.6,
                      solid_capstyle="butt", zorder=1)  # fmt: skip
            axes.plot(values, [y] * len(values), "|", color=style.MUTED, markersize=3.6,
                      markeredgewidth=0.6, zorder=1.5)  # fmt: skip
        for row in run[run["stage"] == stage].to_dict("records"):
            interval(axes, row, y, "absolute")


def _versus_in_words(printed: pd.DataFrame, run: pd.DataFrame) -> str:
    """Return how many of the run's changes lie within the range of the five models."""
    place = ["variant", "stage", "benchmark"]
    span = printed.groupby(place)["absolute"].agg(["min", "max"])
    both = run[run["absolute"].notna()].join(span, on=place, how="inner")
    inside = ((both["min"] <= both["absolute"]) & (both["absolute"] <= both["max"])).sum()
    mean = points(run["absolute"].mean()) if len(both) else "unknown"
    return (
        f"{inside} of {len(both)} changes of the run lie within the range of the paper's five "
        f"models; their mean is {mean} points. {gains_and_losses(run)}"
    )


def differences(overall: pd.DataFrame, first: str, second: str) -> Drawn:
    """Draw second run minus first run, a panel per requirement, a row per evaluated model.

    Parameters
    ----------
    overall : one row per model, variant, requirement and stage (`runs.Comparison.overall`).
    """
    shown = [r for r in REQUIREMENTS if r in set(overall["requirement"])]
    places = list(
        dict.fromkeys(zip(*(overall[k] for k in ("model", "variant", "stage")), strict=True))
    )
    several = overall["model"].nunique() > 1
    names = [f"{m} " * several + f"{PATHWAY[v]} {labels.STAGES[s]}" for m, v, s in places]
    note = "Mark: difference of the scores. Line: its 95% interval."
    figure = canvas(0.8 + 0.2 * len(places), title=f"{second} minus {first}", note=note)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, requirement in zip(panels, shown, strict=True):
        for row in overall[overall["requirement"] == requirement].to_dict("records"):
            y = places.index((row["model"], row["variant"], row["stage"]))
            interval(axes, row, y, "change", PATHWAY_COLOURS[row["variant"]], size=4)
        as_rows(axes, names, "difference, points")
        axes.set_title(labels.REQUIREMENTS[requirement])
    clear = int(((overall["low"] > 0) | (overall["high"] < 0)).sum())
    caption = (
        f"{second} minus {first}, in points (percent of the scale): {clear} of {len(overall)} "
        "95% intervals exclude 0."
    )
    return Drawn("compare", caption, figure, caption, overall)
