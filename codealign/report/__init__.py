"""The report of a run: a static site that needs no network, made from the run's own files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.notebooks import write_notebook_pages
from codealign.report.page import PAGES, page
from codealign.report.search import write_index
from codealign.report.sections import blocks

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = {"samples": ("samples.js",)}
"""What a page needs beside the script of every page."""


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
