"""The frame of every page of the report, and its tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

PAGES = {
    "index": "Overview",
    "tables": "Tables",
    "figures": "Figures",
    "claims": "Claims",
    "findings": "Findings",
    "advice": "Advice",
    "notebooks": "Notebooks",
    "provenance": "Provenance",
}
"""File stem and title of the report's own pages, in the order of the navigation."""
NUMBER = re.compile(r"[-+]?\.?\d([^A-Za-z]| of ){,24}")
"""A cell that holds a number, maybe with interval and unit: it is not to be broken over lines."""


@dataclass(frozen=True)
class Block:
    """One section of a page: an anchor, a heading, its HTML; its name in the page's contents."""

    anchor: str
    title: str
    body: str
    short: str = ""


def page(title: str, blocks: list[Block], current: str = "", root: str = "") -> str:
    """Return a whole HTML page: navigation over the report, contents of the page, its blocks.

    Parameters
    ----------
    current : key of `PAGES` that the navigation marks.
    root : path from the page to the report's folder, "" or "../".
    """
    body = "".join(
        f'<section id="{b.anchor}"><h2>{escape(b.title)}</h2>{b.body}</section>' for b in blocks
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{root}style.css">'
        f'<script src="{root}report.js" defer></script></head><body>'
        '<a class="skip" href="#content">Skip to content</a>'
        f"<header>{_site(current, root)}<h1>{escape(title)}</h1></header>"
        f'<main id="content" tabindex="-1">{_contents(blocks)}{body}</main></body></html>\n'
    )


def _site(current: str, root: str) -> str:
    links = "".join(
        f'<li><a href="{root}{stem}.html"{_here(stem == current)}>{said}</a></li>'
        for stem, said in PAGES.items()
    )
    return f'<nav aria-label="Report"><ul>{links}</ul></nav>'


def _here(is_here: bool) -> str:
    return ' aria-current="page"' if is_here else ""


def _contents(blocks: list[Block]) -> str:
    if len(blocks) < 2:
        return ""
    links = "".join(
        f'<li><a href="#{b.anchor}">{escape(b.short or b.title)}</a></li>' for b in blocks
    )
    return f'<nav aria-label="On this page"><ul>{links}</ul></nav>'


def wide(label: str) -> dict[str, str]:
    """Return the attributes of the box of something that may be wider than a narrow screen.

    The box scrolls by itself; a keyboard can reach and scroll it, under the name `label`.
    """
    return {"class": "wide", "tabindex": "0", "role": "region", "aria-label": label}


def boxed(html: str, label: str) -> str:
    """Return HTML in a box that scrolls sideways on a narrow screen, see `wide`."""
    attributes = " ".join(f'{name}="{escape(value)}"' for name, value in wide(label).items())
    return f"<div {attributes}>{html}</div>"


def table(
    head: list[str], rows: list[str], caption: str, extra: str = "", kind: str = "cards"
) -> str:
    """Return an HTML table.

    Parameters
    ----------
    rows : whole `<tr>` elements; `row` makes one.
    extra : attributes of the table element.
    kind : "cards", whose rows become cards on a narrow screen, or "facts", a name and its value.
    """
    top = "".join(f'<th scope="col">{h}</th>' for h in head)
    return (
        f'<table class="{kind}"{extra}><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def row(head: list[str], cells: list[str], extra: str = "") -> str:
    """Return one row of cells that are HTML; on a card each is named by its column's head."""
    shown = (
        f'<td data-label="{escape(name)}"{_number(cell)}>{cell}</td>'
        for name, cell in zip(head, cells, strict=True)
    )
    return f"<tr{extra}>{''.join(shown)}</tr>"


def _number(cell: str) -> str:
    return ' class="num"' if NUMBER.fullmatch(cell) else ""
