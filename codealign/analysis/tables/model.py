"""A table as data, and its rendering as Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

SUPERSCRIPT = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


@dataclass(frozen=True)
class Entry:
    """A field of a row: its text, whether it is bold, the letter of a footnote ("" for none)."""

    text: str
    bold: bool = False
    note: str = ""


@dataclass(frozen=True)
class Group:
    """A row that spans the table and names the rows below it."""

    text: str


Row = Sequence[Entry | str] | Group
"""A group, or the fields of a row; plain text is an entry without bold and footnote."""


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes
    ----------
    name : file stem, e.g. `table3`.
    caption : sentence above the table, with the sources of its numbers.
    spans : upper header as (text, columns), empty for none; must cover all columns.
    head : lower header, one text per column.
    align : one letter per column for LaTeX: l, r, c, or a width in cm such as "7.5" (wrapped text).
    rows : groups and rows of cells.
    notes : (letter, text) of each footnote; letter "" is a general note.
    """

    name: str
    caption: str
    head: Sequence[str]
    align: Sequence[str]
    rows: Sequence[Row]
    spans: Sequence[tuple[str, int]] = ()
    notes: Sequence[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = [row if isinstance(row, Group) else [_entry(e) for e in row] for row in self.rows]
        object.__setattr__(self, "rows", rows)


def _entry(entry: Entry | str) -> Entry:
    return Entry(entry) if isinstance(entry, str) else entry


def rounded(value: float, decimals: int) -> str:
    """Return a number rounded half up, as printed tables do (0.0125 -> 0.013 with 3 decimals)."""
    exact = Decimal(repr(round(float(value), 9)))
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def column_names(table: Table) -> list[str]:
    """Return one flat name per column: the upper header's text and the lower's."""
    upper = [text for text, width in table.spans for _ in range(width)] or [""] * len(table.head)
    return [f"{u} {h}".strip() for u, h in zip(upper, table.head, strict=True)]


def to_markdown(table: Table) -> str:
    """Return the table as Markdown: caption, pipe table, notes; footnotes as raised letters."""
    names = column_names(table)
    lines = [f"**{table.caption}**", "", _pipe(names), _pipe(["---"] * len(names))]
    for row in table.rows:
        if isinstance(row, Group):
            lines.append(_pipe([f"*{_md(row.text)}*"] + [""] * (len(names) - 1)))
        else:
            lines.append(_pipe([_md_cell(cell) for cell in row]))
    notes = [f"{mark.translate(SUPERSCRIPT)} {_md(text)}".strip() for mark, text in table.notes]
    return "\n".join(lines + [part for note in notes for part in ("", note)]) + "\n"


def _pipe(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _md(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


def _md_cell(cell: Entry) -> str:
    text = f"**{_md(cell.text)}**" if cell.bold and cell.text else _md(cell.text)
    return text + cell.note.translate(SUPERSCRIPT)


def to_csv(table: Table) -> str:
    """Return the table as CSV: the group is a first column, numbers as shown, no bold or notes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    grouped = any(isinstance(row, Group) for row in table.rows)
    writer.writerow(["Group"] * grouped + column_names(table))
    group = ""
    for row in table.rows:
        if isinstance(row, Group):
            group = row.text
        else:
            writer.writerow([group] * grouped + [cell.text for cell in row])
    return out.getvalue()
