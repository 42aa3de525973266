"""What the charts share: sources, rows of marks with intervals, numbers in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.style import STAGE_COLOURS, STAGE_MARKERS
from codealign.analysis.labels import model_labels
from codealign.analysis.scores import PAPER, benchmark, percent_of_scale
from codealign.records import STAGES, VARIANTS


def source_phrase(frame: pd.DataFrame) -> str:
    """Return where a frame's numbers come from, for captions."""
    runs = sorted(set(frame["source"]) - {PAPER})
    parts = ["published numbers"] * (PAPER in set(frame["source"]))
    parts += [f"measured in run {name}" for name in runs]
    return " and ".join(parts) or "no numbers"


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """Return a column's distinct values in their order; models not in the paper come last."""
    order = {"stage": STAGES, "variant": VARIANTS, "model": tuple(model_labels())}[column]
    distinct = dict.fromkeys(frame[column])
    return [name for name in order if name in distinct] + [n for n in distinct if n not in order]


def in_points(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the frame with these columns in percent of each benchmark's scale."""
    return frame.assign(**{column: percent_of_scale(frame, column) for column in columns})


def points(value: float) -> str:
    """Return a change in points as it is printed: one decimal below 10, "0" for nothing."""
    text = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def numbers(values: Sequence[int]) -> str:
    """Return e.g. "n = 28", or "n = 20 to 28" where they differ."""
    low, high = min(values), max(values)
    return f"n = {low}" if low == high else f"n = {low} to {high}"


def gains_and_losses(changes: pd.DataFrame, unit: str = "points") -> str:
    """Return how many changes rose and fell, how many clearly, and the largest, as a sentence."""
    known = changes[changes["absolute"].notna()]
    if known.empty:
        return "There is no change to show."
    up, down = known[known["absolute"] > 0], known[known["absolute"] < 0]
    sure = (up["low"] > 0).sum(), (down["high"] < 0).sum()
    text = (
        f"Gains among {len(known)} changes: {len(up)}, losses: {len(down)}. The 95% interval "
        f"leaves out zero for gains: {sure[0]}, for losses: {sure[1]}"
    )
    largest = [(word, part.loc[part["absolute"].abs().idxmax()])
               for word, part in (("gain", up), ("loss", down)) if len(part)]  # fmt: skip
    named = "; ".join(
        f"largest {word}: {_place(row)} {points(row['absolute'])} {unit}" for word, row in largest
    )
    return f"{text}. {named[0].upper()}{named[1:]}." if named else f"{text}."


def _place(row: Any) -> str:
    model, variant = labels.model_label(row["model"]), labels.VARIANTS[row["variant"]]
    stage, on = labels.STAGES[row["stage"]], benchmark(row["benchmark"]).label
    return f"{model} {variant} {stage} on {on}"


def interval(
    axes: Axes, row: Any, y: float, value: str = "value", colour: str = "", marker: str = "",
    size: float = 2.9,
) -> None:  # fmt: skip
    """Draw one row's value at a height, with its interval from `low` to `high` if it has one.

    Colour and shape are those of the row's stage where no others are given.
    """
    colour = colour or STAGE_COLOURS[row["stage"]]
    marker = marker or STAGE_MARKERS[row["stage"]]
    if pd.notna(row["low"]) and pd.notna(row["high"]):
        axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=0.8, zorder=2)
    axes.plot(row[value], y, marker, color=colour, markersize=size, markeredgewidth=0, zorder=3)


def lane(one: Any, of: Sequence[Any], apart: float) -> float:
    """Return how far from the middle of a row the mark of one of several is drawn."""
    return (list(of).index(one) - (len(of) - 1) / 2) * apart


def as_rows(axes: Axes, names: Sequence[str], label: str = "", zero: bool = True) -> None:
    """Make the y axis one of named rows, every second one shaded, and the x axis one to read at."""
    for i in range(0, len(names), 2):
        axes.axhspan(i - 0.5, i + 0.5, color=style.BAND, linewidth=0, zorder=0)
    if zero:
        axes.axvline(0, color=style.MUTED, linewidth=0.7, zorder=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def around(axes: Axes, low: float, high: float) -> None:
    """Let the x axis span the data and a little more; leave it where there are none."""
    if math.isfinite(low) and math.isfinite(high):
        room = 0.04 * max(high - low, 1e-9)
        axes.set_xlim(low - room, high + room)


def stage_mark(stage: str, label: str = "") -> Line2D:
    """Return the legend's mark of a stage."""
    return Line2D([], [], color=STAGE_COLOURS[stage], marker=STAGE_MARKERS[stage], markersize=4,
                  linewidth=0.8, label=label or labels.STAGES[stage])  # fmt: skip


def foot(figure: Figure, label: str, handles: Sequence[Any] = (), ncols: int = 4) -> None:
    """Write below all panels what their x axes show, and the legend."""
    figure.legend(handles=handles, title=label, title_fontsize=style.NORMAL, ncols=ncols,
                  loc="outside lower center", borderaxespad=0.2, borderpad=0.1)  # fmt: skip
