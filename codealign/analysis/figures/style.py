"""How figures look: type sizes for print, one palette with its dark counterpart, fixed bytes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from codealign.records import write_text

WIDTH = 5.5
"""Width of the paper's text column in inches; every figure is drawn at the size it is printed."""
DPI, SCREEN_DPI = 220, 130
"""Dots per inch of the PNG files, and of the picture that a notebook shows."""
SMALL, NORMAL, LARGE = 6.0, 7.0, 8.5
"""Type sizes in points."""
ADVANCE = 0.53
"""Mean width of a letter of running text, as a share of its size."""
EDGE = 0.03
"""Distance of titles from the left edge, in inches."""
INK, MUTED, RULE, BAND, PAPER = "#1b1f24", "#5a626b", "#c9ced4", "#f3f4f5", "#fefefe"
"""Text, secondary text, rules and neutral bars, shaded rows, and the page itself (for gaps)."""
ON, DARK = "#fffffd", "#101214"
"""Text on BLUE and on the ends of HEAT; text on SKY, ORANGE and RED."""
# Okabe and Ito (2008), a palette that stays distinct in the common forms of colour blindness.
BLUE, SKY, ORANGE, RED = "#0072b2", "#56b4e9", "#e69f00", "#d55e00"
GOOD, BAD = "#00694f", "#a34700"
"""Darker green and red for text: at least 5:1 on white."""
HEAT = ("#a8480a", "#e0924f", "#f3d3b5", "#f2f2f0", "#c6deee", "#6fb0d6", "#0b5c94")
"""Steps of a diverging scale, from much lower over the same to much higher."""
PATHWAY_COLOURS = {"pretrained": BLUE, "finetuned": RED}
STAGE_COLOURS = {"base": MUTED, "sft": ORANGE, "dpo": BLUE, "bonbon": RED}
STAGE_MARKERS = {"base": "o", "sft": "s", "dpo": "^", "bonbon": "D"}
FILLS = {
    "data": ("#e3f1fa", BLUE),
    "model": ("#fdf1d8", "#a86f00"),
    "step": ("#f1f2f4", MUTED),
    "good": ("#dcf1ea", GOOD),
    "bad": ("#fae6dc", BAD),
    "listing": ("#fbfbfa", RULE),
}
"""Fill and edge of each kind of box: data, language model, computation, chosen, rejected, code."""
KEYWORD, FUNCTION = "#004f7c", "#7a2f5f"
THEME = {
    INK: "#e6e8eb", MUTED: "#a3acb6", RULE: "#48515b", BAND: "#1d2228", PAPER: "#14171a",
    ON: "#0d1013", BLUE: "#2f86c6", GOOD: "#4fc3a0", BAD: "#f0a06a", KEYWORD: "#7cc4f5",
    FUNCTION: "#e3a1cb", "#e3f1fa": "#12344a", "#fdf1d8": "#3b2f12", "#a86f00": "#d9a441",
    "#f1f2f4": "#272c32", "#dcf1ea": "#123a2e", "#fae6dc": "#47241a", "#fbfbfa": "#1a1e23",
    **dict(zip(HEAT, ("#f39a52", "#8f4a14", "#4d2e17", "#262b31", "#17364d", "#1c648f", "#6cbcf0"),
               strict=True)),
}  # fmt: skip
"""The colour that each colour becomes on a dark page; SKY, ORANGE, RED and DARK stay as they are.
Drawings use no other colours (a test reads the files)."""
FORMATS = ("pdf", "svg", "png")
CAPTIONS = "figures.json"
FIXED = {
    "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": "codealign"},
    "svg": {"Date": None, "Creator": "codealign"},
    "png": {"Software": None},
}
"""Metadata without times or versions, so that the same numbers give the same bytes."""
RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
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
    "svg.fonttype": "path",  # letters as shapes: no font is looked up where the picture is shown
    "pdf.fonttype": 42,
    "text.hinting": "no_hinting",
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Drawn:
    """A finished figure.

    A notebook shows it as a picture when it is the last value of a cell.

    Attributes
    ----------
    stem : name of its files.
    caption : what it shows and where the numbers come from.
    alt : its result in words, for those who do not see it; "": the caption.
    data : the numbers drawn, written as CSV beside it.
    """

    stem: str
    caption: str
    figure: Figure
    alt: str = ""
    data: pd.DataFrame | None = None

    @property
    def title(self) -> str:
        """The title written in the figure."""
        return str(self.figure.get_label())

    def _repr_png_(self) -> bytes:
        with styled():
            return rendered(self.figure, "png", SCREEN_DPI)


def rendered(figure: Figure, suffix: str, dpi: int = DPI, alt: str = "") -> bytes:
    """Return the figure as a pdf, svg or png file's bytes. Call inside `styled()`.

    An SVG has no background of its own and follows the page it is on (`themed`); the others are
    white. `alt` : what an SVG shows, in words.
    """
    buffer = BytesIO()
    ground = "none" if suffix == "svg" else "white"
    with _fonts_without_layout() if suffix == "pdf" else nullcontext():
        figure.savefig(buffer, format=suffix, dpi=dpi, metadata=FIXED[suffix], facecolor=ground)
    content = buffer.getvalue()
    if suffix == "svg":
        content = themed(content.decode(), str(figure.get_label()), alt).encode()
    return content


@contextmanager
def _fonts_without_layout() -> Iterator[None]:
    """Embed fonts without their layout tables.

    A PDF gives each letter its place, so nothing reads them there; cutting them down to a figure's
    letters takes longer than everything else about the file.
    """
    from fontTools import subset  # slow to load, and PDFs alone need it

    load_font = subset.load_font

    def without_layout(*args: Any, **more: Any) -> Any:
        font = load_font(*args, **more)
        for table in {"GDEF", "GPOS", "GSUB", "MATH", "kern"} & set(font.keys()):
            del font[table]
        return font

    subset.load_font = without_layout
    try:
        yield
    finally:
        subset.load_font = load_font


def themed(svg: str, title: str, alt: str) -> str:
    """Return an SVG that follows the page it is on, light or dark, and says what it shows.

    `light-dark()` takes the colour scheme of the element that holds the picture, be it an
    `<img>` or an inlined `<svg>`; a viewer that does not know it keeps the light colours, which are
    written at each shape.
    """
    rules = [
        f'.codealign [style*="{what}: {light}"]{{{what}:light-dark({light},{dark})!important}}'
        for light, dark in THEME.items()
        for what in ("fill", "stroke")
        if f"{what}: {light}" in svg
    ]
    style = f"<style>svg:root{{color-scheme:light dark}}{''.join(rules)}</style>"
    description = f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>"
    head, _, body = svg.partition('version="1.1">')
    return f'{head}version="1.1" class="codealign" role="img">\n {description}{style}{body}'


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save inside this context: the project's style, nothing of the user's settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def canvas(height: float, width: float = WIDTH, title: str = "", note: str = "") -> Figure:
    """Return an empty figure, free of pyplot's global state.

    Parameters
    ----------
    height, width : in inches, of what is below the title.
    title : in bold type at the top left.
    note : how to read the figure, below the title, broken into lines.
    """
    lines = textwrap.wrap(note, int((width - 2 * EDGE) * 72 / (SMALL * ADVANCE)))
    head = 0.25 * bool(title) + 0.125 * len(lines) + 0.04 * bool(lines)
    total = height + head
    figure = Figure(figsize=(width, total), layout="constrained", label=title)
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(rect=(0, 0, 1, height / total))
    at = EDGE / width
    figure.text(at, 1 - 0.13 / total, title, size=LARGE, weight="bold", va="center")
    for number, line in enumerate(lines):
        y = 1 - (0.3 + 0.125 * number) / total
        figure.text(at, y, line, size=SMALL, color=MUTED, va="center")
    return figure


def blank(figure: Figure, width: float, height: float) -> Axes:
    """Return axes below the title without frame, in inches; the origin is at the top left."""
    figure.set_layout_engine(None)
    axes = figure.add_axes((0, 0, 1, height / figure.get_figheight()))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return axes


def save(drawn: Drawn, out: Path) -> list[Path]:
    """Write a figure as PDF, SVG and PNG, and its data as CSV; return the paths.

    Call inside `styled()`.
    """
    paths = []
    out.mkdir(parents=True, exist_ok=True)
    if drawn.figure.get_layout_engine():
        drawn.figure.draw_without_rendering()
        drawn.figure.set_layout_engine(None)  # or each format would be laid out anew
    for suffix in FORMATS:
        paths.append(out / f"{drawn.stem}.{suffix}")
        content = rendered(drawn.figure, suffix, alt=drawn.alt or drawn.caption)
        paths[-1].write_bytes(content)
    if drawn.data is not None:
        paths.append(out / f"{drawn.stem}.csv")
        write_text(paths[-1], drawn.data.to_csv(index=False, float_format="%.6g"))
    return paths


def write_captions(figures: list[Drawn], out: Path) -> Path:
    """Write `figures.json`: title, caption and result of each figure by its stem; return its path.

    The figures stand in the order of showing.
    """
    texts = {
        d.stem: {"title": d.title, "caption": d.caption, "alt": d.alt or d.caption} for d in figures
    }
    write_text(out / CAPTIONS, json.dumps(texts, indent=1, ensure_ascii=False) + "\n")
    return out / CAPTIONS


def read_captions(folder: Path) -> dict[str, dict[str, str]]:
    """Return what `write_captions` has written to a folder; {} if there is nothing."""
    path = folder / CAPTIONS
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
