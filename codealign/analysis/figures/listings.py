"""Figures 1, 5 and 6: highlighted listings of our own example code."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pandas as pd
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from codealign.analysis.figures import style
from codealign.analysis.figures.diagrams import heading
from codealign.analysis.figures.style import Drawn, blank, canvas
from codealign.errors import CodealignError
from codealign.paths import DATA

EXAMPLES = DATA / "examples"
MONO = "DejaVu Sans Mono"
ADVANCE = 0.602
"""Width of a character of the monospaced font, as a share of its size."""
LINE = 1.42
"""Distance of lines, as a multiple of the type size."""
INCH = 72
PAD = 0.09
COLOURS: tuple[tuple[_TokenType, str, bool], ...] = (
    (Comment, style.MUTED, False),
    (String, style.GOOD, False),
    (Keyword, style.KEYWORD, True),
    (Number, style.BAD, False),
    (Name.Function, style.FUNCTION, True),
    (Name.Builtin, style.KEYWORD, False),
    (Name.Exception, style.BAD, False),
    (Operator.Word, style.KEYWORD, True),
)
"""Colours of token types (contrast with white at least 5:1) and whether they are bold."""


@dataclass(frozen=True)
class Panel:
    """A framed box with a title, holding code or running text.

    Attributes
    ----------
    title : line above the frame's rule.
    body : the text; code is highlighted.
    colour : of frame and title: green for the wanted, red for the unwanted side.
    code : whether the body is Python.
    """

    title: str
    body: str
    colour: str
    code: bool = True

    def lines(self, width: float, size: float) -> list[str]:
        """Return the lines as they are set in a panel `width` inches wide."""
        room = int((width - 2 * PAD) * INCH / (size * (ADVANCE if self.code else style.ADVANCE)))
        if not self.code:
            return textwrap.wrap(self.body, room)
        lines = self.body.splitlines()
        longest = max(map(len, lines))
        if longest > room:
            raise CodealignError(f"{self.title}: a line of {longest} characters, room for {room}")
        return lines

    def height(self, width: float, size: float) -> float:
        """Return the panel's height in inches."""
        return (len(self.lines(width, size)) * LINE * size + 2.0 * size) / INCH + 2 * PAD


def example(name: str) -> str:
    """Return the source of one example of `data/examples` with single blank lines."""
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").strip("\n")
    return text.replace("\n\n\n", "\n\n")


def draw_panel(axes: Axes, panel: Panel, at: tuple[float, float], width: float, height: float,
               size: float) -> None:  # fmt: skip
    """Draw a panel with its upper left corner `at` (inches)."""
    x, y = at
    frame = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.05", linewidth=0.8,
        edgecolor=panel.colour, facecolor=style.FILLS["listing"][0],
    )  # fmt: skip
    axes.add_patch(frame)
    step = size / INCH
    top = y + PAD + step
    axes.text(x + PAD, top, panel.title, color=panel.colour, size=size, weight="bold")
    axes.plot([x, x + width], [top + 0.5 * step] * 2, color=panel.colour, lw=0.5)
    for number, line in enumerate(panel.lines(width, size)):
        base = top + (1.95 + number * LINE) * step
        if panel.code:
            _draw_code(axes, x + PAD, base, line, size)
        else:
            axes.text(x + PAD, base, line, size=size)


def _draw_code(axes: Axes, x: float, y: float, line: str, size: float) -> None:
    column = 0
    for kind, text in PythonLexer(stripnl=False).get_tokens(line):
        text = text.rstrip("\n")
        if text.strip():
            colour, bold = _look(kind)
            axes.text(
                x + column * ADVANCE * size / INCH, y, text, family=MONO, size=size, color=colour,
                weight="bold" if bold else "normal", parse_math=False,
            )  # fmt: skip
        column += len(text)


def _look(kind: _TokenType) -> tuple[str, bool]:
    looks = ((colour, bold) for token, colour, bold in COLOURS if kind in token)
    return next(looks, (style.INK, False))


def figure5() -> Drawn:
    """Draw Figure 5: the same function with and without error handling."""
    caption = "Figure 5. Error handling: a functional requirement. Our own example."
    sides = example("figure5_with"), example("figure5_without")
    return _preferred("figure5", "Error handling, a functional requirement", caption, *sides)


def figure6() -> Drawn:
    """Draw Figure 6: the same function, readable and unreadable."""
    caption = "Figure 6. Code readability: a non-functional requirement. Our own example."
    sides = example("figure6_readable"), example("figure6_unreadable")
    return _preferred("figure6", "Readability, a non-functional requirement", caption, *sides)


def _preferred(stem: str, title: str, caption: str, good: str, bad: str) -> Drawn:
    """Draw the preferred code above the dispreferred, at full width."""
    panels = [Panel("Preferred", good, style.GOOD), Panel("Dispreferred", bad, style.BAD)]
    gap, width, size = 0.1, style.WIDTH - 0.06, style.NORMAL
    heights = [p.height(width, size) for p in panels]
    total = sum(heights) + gap * (len(panels) - 1) + 0.06
    figure = canvas(total, title=title)
    axes = blank(figure, style.WIDTH, total)
    y = 0.03
    for panel, height in zip(panels, heights, strict=True):
        draw_panel(axes, panel, (0.03, y), width, height, size)
        y += height + gap
    return _drawn(stem, caption, figure, panels)


def _drawn(stem: str, caption: str, figure: Figure, panels: list[Panel]) -> Drawn:
    """Return a figure of listings; its alternative text says how each panel begins."""
    alt = []
    for p in panels:
        lines = p.body.splitlines()
        first = p.body.partition(".")[0].partition("!")[0].strip()
        if p.code:
            first = next(line for line in lines if line.startswith("def "))
        long = f"{len(lines)} lines of Python, " * p.code
        alt.append(f"{p.title}: {long}“{first}”.")
    data = pd.DataFrame([{"title": p.title, "text": p.body} for p in panels])
    return Drawn(stem, caption, figure, " ".join(alt), data)


def figure1() -> Drawn:
    """Draw Figure 1: aligned and misaligned responses, to a text task and to a coding task."""
    words = yaml.safe_load((EXAMPLES / "figure1_text.yaml").read_text(encoding="utf-8"))
    rows = [
        ("(a) Non-coding task", words["prompt"], words["text_focus"],
         words["aligned"], words["misaligned"], False),
        ("(b) Coding task", words["code_prompt"], words["code_focus"],
         example("figure1_aligned"), example("figure1_misaligned"), True),
    ]  # fmt: skip
    size, head, gap = 6.2, 0.36, 0.1
    half = (style.WIDTH - 0.06 - gap) / 2
    pairs = [
        (Panel("Aligned response", good, style.GOOD, code),
         Panel("Misaligned response", bad, style.BAD, code))
        for *_, good, bad, code in rows
    ]  # fmt: skip
    heights = [max(p.height(half, size) for p in pair) for pair in pairs]
    total = sum(heights) + 2 * head + 0.18
    figure = canvas(total, title="Aligned and misaligned responses to two tasks")
    axes = blank(figure, style.WIDTH, total)
    y = 0.0
    for (title, prompt, focus, *_), pair, height in zip(rows, pairs, heights, strict=True):
        heading(axes, y + 0.14, title, f"Focus: {focus}")
        axes.text(style.EDGE, y + 0.29, f"User: {prompt}", size=style.NORMAL)
        for column, panel in enumerate(pair):
            draw_panel(axes, panel, (0.03 + column * (half + gap), y + head), half, height, size)
        y += head + height + 0.12
    caption = (
        "Figure 1. Examples of aligned and misaligned responses across task domains. "
        "Our own examples on the subjects of the printed figure."
    )
    return _drawn("figure1", caption, figure, [panel for pair in pairs for panel in pair])
