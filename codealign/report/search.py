"""The search over all pages: their text by section, as a script that the pages load when asked."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

from codealign.records import write_text

FILE = "search-index.js"
LONGEST = 3000
"""Characters of a section, or of a row with a name of its own, that are searched."""
PART = re.compile(r'(?=<section id="|<tr id=")')
NAMED = re.compile(r'<(?:section|tr)[^>]* id="([^"]*)"')
HEADING = re.compile(r"<h2>(.*?)</h2>", re.S)
TITLE = re.compile(r"<title>(.*?)</title>", re.S)


def write_index(report: Path) -> Path:
    """Write the index of every page in the report's folder; return its path."""
    # Hits are listed in this order: the report's own pages before those of the notebooks.
    pages = sorted(report.rglob("*.html"), key=lambda path: (len(path.parts), path.name))
    rows = [row for path in pages for row in _rows(path, path.relative_to(report).as_posix())]
    path = report / FILE
    # A call, not JSON: a page that is opened from disk may load a script, but no data.
    write_text(path, f"searchIndex({json.dumps(rows, ensure_ascii=False)});\n")
    return path


def _rows(path: Path, name: str) -> list[list[str]]:
    """Return address, page, section and text of each part of a page."""
    whole = path.read_text(encoding="utf-8")
    # Without the navigation, whose words every page has.
    html = whole.partition("<main")[2].partition('<nav class="around"')[0]
    named = TITLE.search(whole)
    if named is None:
        return []  # none of the report's pages
    title = _text(named[1])
    # A row with an id (a claim) is found by itself, under the heading of the section it is in.
    rows, section = [], ""
    for part in PART.split(html)[1:]:
        if heading := HEADING.search(part):
            section = _text(heading[1])
        rows.append([f"{name}#{NAMED.match(part)[1]}", title, section, _text(part)[:LONGEST]])
    return rows


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
