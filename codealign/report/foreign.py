"""HTML that other programs made, of Markdown and notebooks, fitted to the report's pages."""

from __future__ import annotations

import re
from collections import Counter

from bs4 import BeautifulSoup, Tag
from markdown_it import MarkdownIt
from markupsafe import Markup

from codealign.report.page import NUMBER, NUMERAL, is_aligned, padded, wide, widths_of

INTERVAL = re.compile(r"[-+]?[\d.]+ \[[^]]*\]( %)?")


def parse(html: str) -> BeautifulSoup:
    """Return HTML as a tree that can be changed."""
    return BeautifulSoup(html, "html.parser")


def render_markdown(text: str, label: str) -> Markup:
    """Return HTML of CommonMark with tables; raw HTML in it is shown, not interpreted.

    Parameters
    ----------
    label : what the text is, as the name of tables without a title of their own.
    """
    tree = parse(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    fit_tables(tree, label)
    number_boxes(tree)
    return Markup(str(tree))


def fit_tables(part: Tag, label: str) -> None:
    """Put each table into a named box that scrolls, mark its numbers, and let groups span it.

    A table's name is the bold paragraph before it, or `label`.
    """
    for table in part.find_all("table"):
        table.attrs.pop("border", None)
        for tr in table.find_all("tr"):
            tr.attrs.pop("style", None)
            _fit_row(tr)
        _align(table)
        wrap(table, _title_of(table) or label)


def wrap(element: Tag, label: str) -> None:
    """Put an element into a box that scrolls sideways on a narrow screen."""
    element.wrap(Tag(name="div", attrs=wide(label)))


def number_boxes(part: Tag) -> None:
    """Number the names of boxes that have the same one."""
    names: Counter[str] = Counter()
    for box in part.find_all(class_="wide"):
        name = box["aria-label"]
        names[name] += 1
        if names[name] > 1:
            box["aria-label"] = f"{name}, {names[name]}"


def _align(table: Tag) -> None:
    """Put the numbers of each column under each other; formats inside a cell are kept."""
    rows = [tr.find_all(["td", "th"]) for tr in table.find_all("tr")]
    for at in range(max(map(len, rows), default=0)):
        column = [row[at] for row in rows if len(row) > at and row[at].get("class") == "num"]
        column = [cell for cell in column if is_aligned(cell.get_text().strip())]
        widths = widths_of([cell.get_text() for cell in column])
        # A cell's text is in pieces where it has bold parts or links: its numbers are counted on.
        for cell in column:
            first = 0
            for string in cell.find_all(string=True):
                string.replace_with(padded(string, widths, first))
                first += len(NUMERAL.findall(string))


def _title_of(table: Tag) -> str:
    before = table.find_previous_sibling()
    bold = before.find("strong") if before is not None and before.name == "p" else None
    text = before.get_text().strip() if bold else ""
    return text if bold and bold.get_text().strip() == text else ""


def _fit_row(tr: Tag) -> None:
    cells = tr.find_all(["td", "th"])
    first, others = cells[0], cells[1:]
    if others and first.em and not any(cell.get_text().strip() for cell in others):
        first.name, first["colspan"], first["scope"] = "th", str(len(cells)), "rowgroup"
        for cell in others:
            cell.decompose()
        return
    for cell in cells:
        text = cell.get_text().strip()
        if cell.name == "th" and not text:
            cell.name = "td"  # an empty corner names nothing
        elif cell.name == "td" and NUMBER.fullmatch(text):
            cell["class"] = "num"
        for string in cell.find_all(string=INTERVAL):
            unbroken = INTERVAL.sub(lambda match: match[0].replace(" ", "\u00a0"), string)
            string.replace_with(unbroken)
