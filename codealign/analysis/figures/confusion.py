"""Confusion heat map of two judges: how often each pair of ratings met on an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.metrics import confusion_matrix

from codealign.analysis.agreement import SCALE, Paired
from codealign.analysis.figures import style
from codealign.analysis.figures.style import Drawn, canvas, save, styled

COLOURS = LinearSegmentedColormap.from_list("count", ["#f8f8f6", "#6fb0d6", "#0b5c94"])


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
    with styled():
        figure = canvas(3.1, 3.4)
        axes = figure.add_subplot()
        axes.imshow(counts, cmap=COLOURS, vmin=0, vmax=max(counts.max(), 1))
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = count > 0.6 * counts.max()
                axes.text(column, row, str(count), ha="center", va="center", size=style.SMALL,
                          color="white" if dark else style.INK)  # fmt: skip
        edges = np.arange(len(SCALE) + 1) - 0.5
        axes.stairs(edges[1:], edges, baseline=edges[:-1], color=style.ORANGE, linewidth=0.9)
        axes.set_xticks(range(len(SCALE)), SCALE)
        axes.set_yticks(range(len(SCALE)), SCALE)
        axes.set(xlabel=f"rating by {second}", ylabel=f"rating by {first}")
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    caption = (
        f"How often each pair of ratings met: {first} (rows) and {second} (columns), "
        f"{len(paired.first)} answers rated by both, {paired.unrated} left out as unrated. "
        f"Outlined: equal ratings. {note}"
    )
    return Drawn(f"confusion_{_plain(first)}_{_plain(second)}", caption.strip(), figure)


def write_confusion(paired: Paired, first: str, second: str, out: Path, note: str = "") -> Drawn:
    """Draw the heat map, write it as PDF, SVG and PNG to a folder, and return it."""
    drawn = confusion(paired, first, second, note)
    with styled():
        save(drawn, out)
    return drawn


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
