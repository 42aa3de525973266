"""The frame of every page of the report, and its tables; HTML is written by `templates/`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

PAGES = {
    "index": "Overview",
    "samples": "Samples",
    "tables": "Tables",
    "figures": "Figures",
    "training": "Training",
    "claims": "Claims",
    "findings": "Findings",
    "advice": "Advice",
    "notebooks": "Notebooks",
    "provenance": "Provenance",
}
"""File stem and title of the report's own pages, in the order of the navigation."""
NUMBER = re.compile(r"[-+]?\.?\d([^A-Za-z]| of ){,24}")
"""A cell that holds a number, maybe with interval and unit: it is not to be broken over lines."""
NUMERAL = re.compile(r"([-+]?\d[\d,]*)((?:\.\d+)?)")
DIGIT, POINT = "\u2007", "\u2008"
"""Spaces as wide as a digit and as a decimal point."""
TEMPLATES = Environment(
    loader=PackageLoader("codealign.report"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
parts = TEMPLATES.get_template("parts.html").module
"""Small pieces of HTML as functions: the macros of `parts.html`."""


@dataclass(frozen=True)
class PageSection:
    """One section of a page: an anchor, a heading, its HTML; its name in the page's contents."""

    anchor: str
    title: str
    body: str
    short: str = ""


def render(template: str, **values: Any) -> Markup:
    """Return a template's HTML; values that are not `Markup` are escaped."""
    return Markup(TEMPLATES.get_template(f"{template}.html").render(values))


def page(
    title: str,
    blocks: list[PageSection],
    current: str = "",
    root: str = "",
    scripts: Sequence[str] = (),
) -> str:
    """Return a whole HTML page: navigation over the report, contents of the page, its blocks.

    Parameters
    ----------
    current : key of `PAGES` that the navigation marks.
    root : path from the page to the report's folder, "" or "../".
    scripts : files of `assets/` that this page needs beside those of every page.
    """
    stems = list(PAGES)
    at = stems.index(current) if current else 0
    around = {"Previous": stems[at - 1] if at else "", "Next": (*stems[at + 1 :], "")[0]}
    return render(
        "page", title=title, blocks=blocks, current=current, root=root, pages=PAGES,
        scripts=["report.js", *scripts], around={k: v for k, v in around.items() if v},
    )  # fmt: skip


def wide(label: str) -> dict[str, str]:
    """Return the attributes of the box of something that may be wider than a narrow screen.

    The box scrolls by itself; a keyboard can reach and scroll it, under the name `label`.
    """
    return {"class": "wide", "tabindex": "0", "role": "region", "aria-label": label}


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    kind: str = "cards",
    extra: Sequence[dict[str, str]] = (),
    id: str = "",
) -> Markup:
    """Return an HTML table whose numbers stand under each other at the decimal point.

    Parameters
    ----------
    rows : cells as text, or as HTML if they are `Markup`. On a card each is named by its head.
    kind : "cards", whose rows become cards on a narrow screen, or "facts", a name and its value.
    extra : attributes of each row.
    """
    columns = [*zip(*rows, strict=True)]  # a number is aligned with those above and below it
    if kind == "cards":  # the values of facts have nothing in common
        columns = [aligned(column) for column in columns]
    numbers = [[bool(NUMBER.fullmatch(cell)) for cell in row] for row in rows]
    cells = [
        list(zip(*row, strict=True))
        for row in zip(zip(*columns, strict=True), numbers, strict=True)
    ]
    attributes = [dict(e) for e in extra] or [{} for _ in cells]
    return render(
        "table", head=head, rows=list(zip(attributes, cells, strict=True)), caption=caption,
        kind=kind, id=id,
    )  # fmt: skip


def aligned(column: Sequence[str]) -> list[str]:
    """Return a column's cells with spaces that put their numbers under each other.

    The first numbers of all cells that hold a number meet at the decimal point, then the second
    (an interval's lower bound), and so on. Text and HTML stay as they are.
    """
    numeric = [is_aligned(cell) and not isinstance(cell, Markup) for cell in column]
    widths = widths_of([cell for cell, is_one in zip(column, numeric, strict=True) if is_one])
    return [
        padded(cell, widths) if is_one else cell
        for cell, is_one in zip(column, numeric, strict=True)
    ]


def is_aligned(cell: str) -> bool:
    """Tell whether a cell's numbers are set under others': a count "5 of 9" stands by itself."""
    return bool(NUMBER.fullmatch(cell)) and " of " not in cell


def widths_of(cells: Sequence[str]) -> list[tuple[int, int]]:
    """Return the greatest widths before and after the point of the first numbers, the second, …"""
    widths: list[tuple[int, int]] = []
    for cell in cells:
        for at, (whole, rest) in enumerate(NUMERAL.findall(cell)):
            old = widths[at] if at < len(widths) else (0, 0)
            widths[at : at + 1] = [(max(old[0], len(whole)), max(old[1], len(rest)))]
    return widths


def padded(cell: str, widths: Sequence[tuple[int, int]], first: int = 0) -> str:
    """Return a cell whose numbers have these widths; `first` is the place of its first one."""
    places = iter(widths[first:])

    def pad(match: re.Match[str]) -> str:
        # Markup inside a number (1**2**) leaves more pieces than were measured: those stay.
        (before, after), (whole, rest) = next(places, (0, 0)), match.groups()
        # A number without decimals lacks their point, too, which is narrower than a digit.
        lacking = after - len(rest)
        filled = POINT * (lacking > 0 and not rest) + DIGIT * (lacking - (not rest))
        return DIGIT * (before - len(whole)) + whole + rest + filled

    return NUMERAL.sub(pad, cell)
