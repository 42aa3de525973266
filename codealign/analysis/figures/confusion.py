"""Confusion heat map of two judges: how often each pair of ratings met on an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.colors import BoundaryNorm, ListedColormap
from sklearn.metrics import confusion_matrix

from codealign.analysis.agreement import SCALE, Paired
from codealign.analysis.figures import style
from codealign.analysis.figures.style import HEAT, Drawn, canvas, save, styled

COLOURS = HEAT[3:]


def confusion(paired: Paired, first: str, second: str, note: str = "") -> Drawn:
    """Draw the counts of every pair of ratings; the outlined diagonal is agreement.

    Parameters
    ----------
    first, second : names of the judges, for rows and columns.
    note : what the reader must know, added to the caption.
    """
    counts = np.zeros((len(SCALE), len(SCALE)), dtype=int)
    if paired.first:
        counts = confusion_matrix(paired.first, paired.second, labels=SCALE)
    sentence = _agreement(paired, first, second)
    top = max(counts.max(), 3)
    with styled():
        figure = canvas(3.3, 3.4, "Ratings of the same answers by two judges", sentence)
        axes = figure.add_subplot()
        seaborn.heatmap(
            counts, ax=axes, square=True, cbar=False, cmap=ListedColormap(COLOURS),
            norm=BoundaryNorm([0, 0.5, top / 3, 2 * top / 3, top + 1], len(COLOURS)),
            linewidths=0.6, linecolor=style.PAPER, xticklabels=SCALE, yticklabels=SCALE,
        )  # fmt: skip
        for (row, column), count in np.ndenumerate(counts):
            if count:
                ink = style.ON if count > 2 * top / 3 else style.INK
                axes.text(column + 0.5, row + 0.52, str(count), ha="center", va="center",
                          size=style.SMALL, color=ink)  # fmt: skip
        edges = np.arange(len(SCALE) + 1)
        axes.stairs(edges[1:], edges, baseline=edges[:-1], color=style.ORANGE, linewidth=1.0)
        axes.set(xlabel=f"rating by {second}", ylabel=f"rating by {first}")
        axes.tick_params(length=0, rotation=0)
    caption = (
        f"How often each pair of ratings met: {first} (rows) and {second} (columns), "
        f"{len(paired.first)} answers rated by both, {paired.unrated} left out as unrated. "
        f"Outlined: equal ratings. {note}"
    )
    met = [(SCALE[i], SCALE[j], count) for (i, j), count in np.ndenumerate(counts)]
    rows = pd.DataFrame(met, columns=[f"rating by {first}", f"rating by {second}", "answers"])
    stem = f"confusion_{_plain(first)}_{_plain(second)}"
    return Drawn(stem, caption.strip(), figure, sentence, rows)


def _agreement(paired: Paired, first: str, second: str) -> str:
    """Return how many ratings are equal and how many near, in a sentence."""
    n = len(paired.first)
    if not n:
        return "No answer was rated by both judges."
    apart = np.array(paired.second) - np.array(paired.first)
    lower, higher = (apart < 0).sum(), (apart > 0).sum()
    return (
        f"{n} answers. Equal (outlined): {(apart == 0).sum() / n:.0%}; at most 1 point apart: "
        f"{(abs(apart) <= 1).sum() / n:.0%}. {second} rates lower than {first} in {lower / n:.0%} "
        f"and higher in {higher / n:.0%}."
    )


def write_confusion(paired: Paired, first: str, second: str, out: Path, note: str = "") -> Drawn:
    """Draw the heat map, write it with its data to a folder, and return it."""
    drawn = confusion(paired, first, second, note)
    with styled():
        save(drawn, out)
    return drawn


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
