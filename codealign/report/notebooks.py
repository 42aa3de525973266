"""Executed notebooks as pages of the report."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.page import Block, page


def write_notebook_pages(paths: RunPaths) -> dict[str, str]:
    """Render each executed notebook that is newer than its page.

    Returns the page's path, relative to the report, by job name.
    """
    pages = {}
    for notebook in sorted(paths.notebooks.glob("*.ipynb")):
        target = paths.report / "notebooks" / f"{notebook.stem}.html"
        if not target.exists() or target.stat().st_mtime < notebook.stat().st_mtime:
            write_text(target, _render(notebook))
        pages[notebook.stem] = f"notebooks/{target.name}"
    return pages


def _render(notebook: Path) -> str:
    # The `basic` template is the cells alone: no scripts, fonts or styles from elsewhere.
    exporter = HTMLExporter(template_name="basic", anchor_link_text="")
    body, _ = exporter.from_notebook_node(nbformat.read(notebook, as_version=4))
    block = Block("notebook", "Executed notebook", f'<div class="notebook">{body}</div>')
    return page(notebook.stem, [block], root="../")
