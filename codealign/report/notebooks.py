"""Executed notebooks as pages of the report."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.page import Block, page

BADGE = re.compile(r"^\[!\[Open in Colab\].*\n*", re.M)
"""A picture from elsewhere, which a page that needs no network must not have."""


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


def still(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's outputs as they stand at the end, as a terminal would show them.

    Pieces of one stream are joined, and of a line that was written over and over (a progress bar)
    the last state is kept.
    """
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            lines = output.text.replace("\r\n", "\n").split("\n")
            output.text = "\n".join(line.rstrip("\r").split("\r")[-1] for line in lines)
    return [o for o in joined if o.output_type != "stream" or o.text.strip()]


def _render(notebook: Path) -> str:
    # The `basic` template is the cells alone: no scripts, fonts or styles from elsewhere.
    exporter = HTMLExporter(template_name="basic", anchor_link_text="")
    read = nbformat.read(notebook, as_version=4)
    for cell in read.cells:
        if cell.cell_type == "code":
            cell.outputs = still(cell.outputs)
        else:
            cell.source = BADGE.sub("", cell.source)
    body, _ = exporter.from_notebook_node(read)
    block = Block("notebook", "Executed notebook", f'<div class="notebook">{body}</div>')
    return page(notebook.stem, [block], root="../")
