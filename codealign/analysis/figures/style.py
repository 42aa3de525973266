"""One look for every figure: sizes for print, a colour-blind-safe palette, deterministic files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from codealign.records import write_text

WIDTH = 5.5
"""Width of the paper's text column in inches; every figure is drawn at the size it is printed."""
DPI = 220
SMALL, NORMAL, LARGE = 6.0, 7.0, 8.0
"""Type sizes in points."""
INK, MUTED, RULE = "#1b1f24", "#5a626b", "#c9ced4"
# Okabe and Ito (2008), a palette that stays distinct in the common forms of colour blindness.
BLUE, SKY, ORANGE, RED = "#0072b2", "#56b4e9", "#e69f00", "#d55e00"
GOOD, BAD = "#00694f", "#a34700"
"""Darker green and red for text: at least 5:1 on white."""
PATHWAY_COLOURS = {"pretrained": BLUE, "finetuned": RED}
STAGE_COLOURS = {"base": MUTED, "sft": ORANGE, "dpo": BLUE, "bonbon": RED}
STAGE_MARKERS = {"base": "o", "sft": "s", "dpo": "^", "bonbon": "D"}
FORMATS = ("pdf", "svg", "png")
FIXED = {
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": "codealign"},
    "svg": {"Date": None, "Creator": "codealign"},
    "png": {"Software": None},
}
"""Metadata without times or versions, so that the same numbers give the same bytes."""
RC = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "axes.titlesize": LARGE,
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": False,
    "grid.color": RULE,
    "grid.linewidth": 0.4,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "codealign",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "text.hinting": "no_hinting",
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Drawn:
    """A finished figure: file stem, caption (a sentence with its sources), and the drawing.

    A notebook shows it as a picture when it is the last value of a cell.
    """

    stem: str
    caption: str
    figure: Figure

    def _repr_png_(self) -> bytes:
        with styled():
            return rendered(self.figure, "png")


def rendered(figure: Figure, suffix: str) -> bytes:
    """Return the figure as a pdf, svg or png file's bytes. Call inside `styled()`."""
    buffer = BytesIO()
    figure.savefig(buffer, format=suffix, dpi=DPI, metadata=FIXED[suffix])
    return buffer.getvalue()


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save inside this context: the project's style, nothing of the user's settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def canvas(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of the given size in inches, free of pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def blank(figure: Figure, width: float, height: float) -> Axes:
    """Return axes over the whole figure without frame, in inches; the origin is at the top left."""
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def save(drawn: Drawn, out: Path) -> list[Path]:
    """Write one figure as PDF, SVG and PNG; return the paths. Call inside `styled()`."""
    paths = []
    out.mkdir(parents=True, exist_ok=True)
    drawn.figure.draw_without_rendering()
    drawn.figure.set_layout_engine("none")
    for suffix in FORMATS:
        path = out / f"{drawn.stem}.{suffix}"
        path.write_bytes(rendered(drawn.figure, suffix))
        paths.append(path)
    return paths


def write_captions(figures: list[Drawn], out: Path) -> Path:
    """Write `captions.json`, {stem: caption} in the order of showing."""
    path = out / "captions.json"
    text = json.dumps({d.stem: d.caption for d in figures}, indent=1, ensure_ascii=False)
    write_text(path, text + "\n")
    return path
