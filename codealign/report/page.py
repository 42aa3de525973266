"""The frame of every page of the report."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

PAGES = {
    "index": "Overview",
    "tables": "Tables",
    "figures": "Figures",
    "claims": "Claims",
    "findings": "Findings",
    "advice": "Advice",
    "provenance": "Provenance",
}
"""File stem and title of the report's own pages, in the order of the navigation."""


@dataclass(frozen=True)
class Block:
    """One section of a page: an anchor, a heading, and its HTML."""

    anchor: str
    title: str
    body: str


def page(title: str, blocks: list[Block], current: str = "", root: str = "") -> str:
    """Return a whole HTML page: navigation over the report, contents of the page, its blocks.

    Parameters
    ----------
    current : key of `PAGES`, or empty for a page that is not in the navigation.
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
        f'<main id="content">{_contents(blocks)}{body}</main></body></html>\n'
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
    links = "".join(f'<li><a href="#{b.anchor}">{escape(b.title)}</a></li>' for b in blocks)
    return f'<nav aria-label="On this page"><ul>{links}</ul></nav>'


def table(head: list[str], rows: list[str], caption: str, extra: str = "") -> str:
    """Return an HTML table that scrolls sideways by itself on a narrow screen.

    Parameters
    ----------
    rows : whole `<tr>` elements; `row` makes one.
    extra : attributes of the table element.
    """
    top = "".join(f'<th scope="col">{h}</th>' for h in head)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{extra}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(cells: list[str], extra: str = "") -> str:
    """Return one row of cells that are HTML."""
    return f"<tr{extra}>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
