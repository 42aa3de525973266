"""Executed notebooks as pages of the report."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import nbformat
from bs4 import Tag
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode

from codealign.paths import RunPaths
from codealign.records import write_text
from codealign.report.foreign import fit_tables, number_boxes, parse, wrap
from codealign.report.page import PageSection, page, parts

TEMPLATES = Path(__file__).parent / "templates"
HEADINGS = [f"h{level}" for level in range(1, 7)]
TITLES = HEADINGS[:2]
PARAMETERS, INJECTED, SETUP = "parameters", "injected-parameters", "setup"
"""Tags of cells: a notebook's own parameters, those of papermill, and what follows them."""
NO_TEXT = "No description"
"""How nbconvert begins the alternative text of a picture that has none."""
LONG = 25
"""Lines of a text output that are shown; a longer one is folded away."""
BADGE = re.compile(r"^\[!\[Open in Colab\].*\n*", re.M)
"""A picture from elsewhere, which a page that needs no network must not have."""
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\w$])\$([^$\n`]+?)\$(?![\w$])", re.S)
"""TeX on lines of its own between `$$`, and in a line between `$`."""
EM = 16.0
"""Units of a drawing that are one em of the page."""
DRAW = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}


def write_notebook_pages(paths: RunPaths) -> dict[str, str]:
    """Render each executed notebook that is newer than its page.

    Returns the page's path, relative to the report, by job name.
    """
    pages = {}
    for notebook in sorted(paths.notebooks.glob("*.ipynb")):
        target = paths.report / "notebooks" / f"{notebook.stem}.html"
        if not target.exists() or target.stat().st_mtime < notebook.stat().st_mtime:
            try:
                blocks = notebook_blocks(nbformat.read(notebook, as_version=4))
            except (ValueError, KeyError, AttributeError, nbformat.ValidationError):
                why = "its job failed, or was killed, while it was being written"
                body = parts.paragraph(f"This executed copy cannot be read: {why}.", failed=True)
                blocks = [PageSection("part1", "Notice", body)]
            write_text(target, page(notebook.stem, blocks, "notebooks", root="../"))
        pages[notebook.stem] = f"notebooks/{target.name}"
    return pages


def notebook_blocks(notebook: NotebookNode) -> list[PageSection]:
    """Return an executed notebook as blocks, a new one at each of its headings."""
    # Our template is the cells alone: no scripts, fonts or styles from elsewhere.
    exporter = HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(TEMPLATES)],
        preprocessors=[CoalesceStreamsPreprocessor],  # of a progress bar, the last state
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebook.cells = _once(notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            cell.source = with_formulas(BADGE.sub("", cell.source))
    tree = parse(exporter.from_notebook_node(notebook, {"long": LONG})[0])
    blocks: list[tuple[str, list[Tag]]] = []
    for cell in tree.find_all(class_="cell", recursive=False):
        heading = cell.find(TITLES) if "text_cell" in cell["class"] else None
        if heading or not blocks:
            blocks.append((heading.extract().get_text() if heading else "Notice", []))
        _fit(cell, blocks[-1][0])
        blocks[-1][1].append(cell)
    number_boxes(tree)
    for _, cells in blocks:
        _order_headings(cells)
    return [
        PageSection(f"part{n}", title, f'<div class="notebook">{"".join(map(str, cells))}</div>')
        for n, (title, cells) in enumerate(blocks, 1)
    ]


def _once(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells with the parameters in force alone, behind the set-up cell.

    Papermill puts them behind a notebook's own; the set-up cell's output is the notebook's result.
    """
    tagged = [(set(cell.metadata.get("tags", ())), cell) for cell in cells]
    given = any(INJECTED in tags for tags, _ in tagged)
    parameters = [c for tags, c in tagged if (INJECTED if given else PARAMETERS) in tags]
    others = [(tags, c) for tags, c in tagged if not tags & {INJECTED, PARAMETERS}]
    place = next((n for n, (tags, _) in enumerate(others, 1) if SETUP in tags), 0)
    rest = [c for _, c in others]
    return [*rest[:place], *parameters, *rest[place:]]


def _order_headings(cells: list[Tag]) -> None:
    """Let the headings below a part's own (h2) go down by one level at a time."""
    above = 2
    for heading in [heading for cell in cells for heading in cell.find_all(HEADINGS)]:
        above = min(max(int(heading.name[1]), 3), above + 1)
        heading.name = f"h{above}"


def _fit(cell: Tag, title: str) -> None:
    """Name pictures and box tables, which a cell's own Markdown and HTML have, too."""
    for span in cell.select(".text_cell_render span[style]"):  # papermill's word of a failed cell
        del span["style"]
        span["class"] = "failed"
    for picture in cell.find_all("img"):
        if picture.get("alt", NO_TEXT).startswith(NO_TEXT):
            picture["alt"] = f"Picture: {title}"
        wrap(picture, f"Picture: {title}")
    for frame in cell.select("table.dataframe"):
        for rules in frame.parent.find_all("style", recursive=False):
            rules.decompose()  # pandas', which put names of text to the right
        _without_count(frame)
    fit_tables(cell, title)


def _without_count(frame: Tag) -> None:
    """Take the first column away from a pandas table, if it only counts the rows from 0."""
    rows = frame.select("tbody tr")
    names = [row.find("th") for row in rows]
    if [name and name.get_text() for name in names] != [str(n) for n in range(len(rows))]:
        return
    for row in frame.find_all("tr"):
        row.find(["th", "td"]).decompose()


def with_formulas(markdown: str) -> str:
    """Return Markdown whose formulas are SVG, as far as matplotlib knows their TeX.

    That needs no script and no font, and can be read in the dark.
    """
    return FORMULA.sub(_drawn, markdown)


def _drawn(match: re.Match[str]) -> str:
    tex = " ".join((match[1] or match[2]).split())
    try:
        path = TextPath((0, 0), f"${tex}$", size=EM)
    except ValueError:
        return match[0]
    box = path.get_extents().padded(0.5)
    strokes = [
        "Z" if code == Outline.CLOSEPOLY else DRAW[code] + " ".join(f"{x:.1f}" for x in points)
        for points, code in path.iter_segments(simplify=False)
    ]
    at = "display: block" if match[1] else f"vertical-align: {box.y0 / EM:.2f}em"
    return (
        f'<svg class="formula" role="img" aria-label="{escape(tex)}" style="{at}; max-width: 100%" '
        f'width="{box.width / EM:.2f}em" height="{box.height / EM:.2f}em" '
        f'viewBox="{box.x0:.1f} {-box.y1:.1f} {box.width:.1f} {box.height:.1f}">'
        f'<path transform="scale(1 -1)" fill="currentColor" d="{"".join(strokes)}"/></svg>'
    )
