"""The report of a run: a static site that needs no network, made from the run's own files."""

from __future__ import annotations

import json
import os
import re
import shutil
from html import unescape
from pathlib import Path

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.notebooks import write_notebook_pages
from codealign.report.page import PAGES, page
from codealign.report.sections import blocks

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = {"samples": ("samples.js",)}
"""What a page needs beside the script of every page."""
INDEX = "search-index.js"
LONGEST = 3000
"""Characters of a section, or of a row with a name of its own, that are searched."""
PART = re.compile(r'(?=<section id="|<tr id=")')
NAMED = re.compile(r'<(?:section|tr)[^>]* id="([^"]*)"')
HEADING = re.compile(r"<h2>(.*?)</h2>", re.S)
TITLE = re.compile(r"<title>(.*?)</title>", re.S)


def build_report(paths: RunPaths) -> Path:
    """Write the report's pages and one for each executed notebook; return `index.html`.

    What a failed or unfinished job should have given is named as missing, never left out in
    silence. Pages whose notebook has not changed are kept.
    """
    paths.report.mkdir(parents=True, exist_ok=True)
    for asset in ASSETS.iterdir():
        shutil.copy(asset, paths.report / asset.name)
    notebooks = write_notebook_pages(paths)
    _copy_changed(paths.figures, paths.report / "figures")
    _copy_changed(paths.tables, paths.report / "tables")
    for stem, sections in blocks(paths, notebooks).items():
        title = f"{PAGES[stem]}: {paths.root.name}"
        scripts = SCRIPTS.get(stem, ())
        write_text(paths.report / f"{stem}.html", page(title, sections, stem, scripts=scripts))
    write_index(paths.report)
    return paths.report / "index.html"


def _copy_changed(source: Path, target: Path) -> None:
    """Mirror a folder, copying only what is newer."""
    wanted = {p.relative_to(source) for p in source.rglob("*") if p.is_file()}
    for name in wanted:
        new, old = source / name, target / name
        if not old.exists() or old.stat().st_mtime < new.stat().st_mtime:
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(new, old)
    for old in target.rglob("*"):
        if old.is_file() and old.relative_to(target) not in wanted:
            os.unlink(old)


def write_index(report: Path) -> Path:
    """Write the index of every page in the report's folder; return its path."""
    # Hits are listed in this order: the report's own pages before those of the notebooks.
    pages = sorted(report.rglob("*.html"), key=lambda path: (len(path.parts), path.name))
    rows = [row for path in pages for row in _rows(path, path.relative_to(report).as_posix())]
    # A call, not JSON: a page that is opened from disk may load a script, but no data.
    write_text(report / INDEX, f"searchIndex({json.dumps(rows, ensure_ascii=False)});\n")
    return report / INDEX


def _rows(path: Path, name: str) -> list[list[str]]:
    """Return address, page, section and text of each part of a page.

    Pages are read again, as those of unchanged notebooks are kept and not made; by patterns, as
    they are all of `page.html`, and a tree of each would take ten times as long.
    """
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
        anchor = NAMED.match(part)[1]
        rows.append([f"{name}#{anchor}", title, section, _text(part)[:LONGEST]])
    return rows


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
