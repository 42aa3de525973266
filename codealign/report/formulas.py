"""Formulas of notebooks as pictures in the page: no script, no font, readable in the dark."""

from __future__ import annotations

import re
from html import escape

from matplotlib.path import Path
from matplotlib.textpath import TextPath

FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\w$])\$([^$\n`]+?)\$(?![\w$])", re.S)
"""TeX on lines of its own between `$$`, and in a line between `$`."""
SIZE = 16.0
"""Units of a drawing that are one em of the page."""
DRAW = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def with_formulas(markdown: str) -> str:
    """Return Markdown whose formulas are SVG, as far as matplotlib knows their TeX."""
    return FORMULA.sub(_drawn, markdown)


def _drawn(match: re.Match[str]) -> str:
    tex = " ".join((match[1] or match[2]).split())
    try:
        path = TextPath((0, 0), f"${tex}$", size=SIZE)
    except ValueError:
        return match[0]
    box = path.get_extents().padded(0.5)
    parts = [
        "Z" if code == Path.CLOSEPOLY else DRAW[code] + " ".join(f"{x:.1f}" for x in points)
        for points, code in path.iter_segments(simplify=False)
    ]
    at = "display: block" if match[1] else f"vertical-align: {box.y0 / SIZE:.2f}em"
    return (
        f'<svg class="formula" role="img" aria-label="{escape(tex)}" style="{at}; max-width: 100%" '
        f'width="{box.width / SIZE:.2f}em" height="{box.height / SIZE:.2f}em" '
        f'viewBox="{box.x0:.1f} {-box.y1:.1f} {box.width:.1f} {box.height:.1f}">'
        f'<path transform="scale(1 -1)" fill="currentColor" d="{"".join(parts)}"/></svg>'
    )
