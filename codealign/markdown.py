"""Tables in Markdown, which everything that writes one takes from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import DataRow, TableFormat, tabulate

ROW = DataRow("|", "|", "|")


def pipe_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], rules: Sequence[str] = ()
) -> str:
    """Return a pipe table; `rules` go under the head, one per column (`---`).

    Cells are written as they are, neither filled up to their column's width nor read as numbers:
    a table in which one number has changed differs in one line. A `|` in a cell is its writer's
    to escape.
    """
    line = f"|{'|'.join(rules or ['---'] * len(head))}|"
    form = TableFormat(None, lambda widths, aligned: line, None, None, ROW, ROW, 1, None)
    return tabulate(rows, head, form, stralign=None, disable_numparse=True)
