"""The report of a run: a static site that needs no network, made from the run's own files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.notebooks import write_notebook_pages
from codealign.report.page import page
from codealign.report.sections import sections

ASSETS = Path(__file__).parent / "assets"


def build_report(paths: RunPaths) -> Path:
    """Write `report/index.html` and a page for each executed notebook; return the index.

    What a failed or unfinished job should have given is named as missing, never left out in
    silence. Pages whose notebook has not changed are kept.
    """
    paths.report.mkdir(parents=True, exist_ok=True)
    shutil.copy(ASSETS / "style.css", paths.report / "style.css")
    pages = write_notebook_pages(paths)
    _copy_changed(paths.figures, paths.report / "figures")
    _copy_changed(paths.tables, paths.report / "tables")
    index = paths.report / "index.html"
    write_text(index, page(f"codealign: {paths.root.name}", sections(paths, pages)))
    return index


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
