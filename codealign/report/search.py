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
    pages = sorted(report.rglob("*.html"), key=lambda path: (len(path.parts), path.name))
    rows = [row for path in pages for row in _rows(path, path.relative_to(report).as_posix())]
    path = report / FILE
    write_text(path, f"searchIndex({json.dumps(rows, ensure_ascii=False)});\n")
    return path


def _rows(path: Path, name: str) -> list[list[str]]:
    """Return address, page, section and text of each part of a page."""
    whole = path.read_text(encoding="utf-8")
    html = whole.partition("<main")[2].partition('<nav class="around"')[0]
    title = _text(TITLE.search(whole)[1])
    rows, section = [], ""
    for part in PART.split(html)[1:]:
        if heading := HEADING.search(part):
            section = _text(heading[1])
        rows.append([f"{name}#{NAMED.match(part)[1]}", title, section, _text(part)[:LONGEST]])
    return rows


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
