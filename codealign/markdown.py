"""Tables in Markdown, which everything that writes one takes from here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tabulate import DataRow, TableFormat, tabulate

ROW = DataRow("|", "|", "|")


def pipe_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], rules: Sequence[str] = ()
) -> str:
    """Return a pipe table; `rules` go under the head, one per column (`---`).

    Cells are neither filled up to their column's width nor read as numbers: a table in which one
    number has changed differs in one line. A bare `|` in a cell is escaped, a line's end a blank.

    Raises
    ------
    ValueError
        A row has another number of cells than the head.
    """
    names, *cells = [[_cell(value) for value in row] for row in (head, *rows)]
    if any(len(row) != len(names) for row in cells):
        raise ValueError(f"a row of a table with the columns {', '.join(names)} has more or fewer")
    line = f"|{'|'.join(rules or ['---'] * len(names))}|"
    form = TableFormat(None, lambda widths, aligned: line, None, None, ROW, ROW, 1, None)
    return tabulate(cells, names, form, stralign=None, disable_numparse=True)


def _cell(value: object) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(str(value).splitlines()))
