"""The frame of every page of the report."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Block:
    """One section of a page: an anchor, a heading, and its HTML."""

    anchor: str
    title: str
    body: str


def page(title: str, blocks: list[Block], root: str = "") -> str:
    """Return a whole HTML page with a table of contents.

    Parameters
    ----------
    root : path from the page to the report's folder, "" or "../".
    """
    links = "".join(f'<li><a href="#{b.anchor}">{escape(b.title)}</a></li>' for b in blocks)
    body = "".join(
        f'<section id="{b.anchor}"><h2>{escape(b.title)}</h2>{b.body}</section>' for b in blocks
    )
    home = f'<p><a href="{root}index.html">Report</a></p>' if root else ""
    nav = f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if len(blocks) > 1 else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{root}style.css"></head><body>'
        f"<header>{home}<h1>{escape(title)}</h1></header>"
        f"{nav}<main>{body}</main></body></html>\n"
    )


def table(head: list[str], rows: list[list[str]], caption: str = "") -> str:
    """Return an HTML table that scrolls sideways by itself on a narrow screen; cells are HTML."""
    top = "".join(f'<th scope="col">{h}</th>' for h in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    said = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption or "table")}">'
        f"<table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
