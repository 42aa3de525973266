"""A table as data, and its rendering as Markdown, CSV and a LaTeX document in booktabs style."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from codealign.markdown import pipe_table

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
    """A table, of the paper or a run.

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
        rows = [
            row if isinstance(row, Group)
            else [Entry(e) if isinstance(e, str) else e for e in row]
            for row in self.rows
        ]  # fmt: skip
        object.__setattr__(self, "rows", rows)


def rounded(value: float, decimals: int) -> str:
    """Return a number rounded half up, as printed tables do (0.0125 -> 0.013 with 3 decimals)."""
    exact = Decimal(repr(round(float(value), 9)))
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def column_names(table: Table) -> list[str]:
    """Return one flat name per column: the upper header's text and the lower's."""
    upper = [text for text, width in table.spans for _ in range(width)] or [""] * len(table.head)
    return [f"{u} {h}".strip() for u, h in zip(upper, table.head, strict=True)]


def to_markdown(table: Table) -> str:
    """Return the table as Markdown: caption, pipe table, notes; footnotes as raised letters.

    Without rows there is no pipe table, only what the notes say of it.
    """
    names = column_names(table)
    rows = [
        [f"*{_md(row.text)}*"] + [""] * (len(names) - 1) if isinstance(row, Group)
        else [_md_cell(cell) for cell in row]
        for row in table.rows
    ]  # fmt: skip
    lines = [f"**{table.caption}**"]
    if rows:
        lines += ["", pipe_table(names, rows, [" --- "] * len(names))]
    notes = [f"{mark.translate(SUPERSCRIPT)} {_md(text)}".strip() for mark, text in table.notes]
    return "\n".join(lines + [part for note in notes for part in ("", note)]) + "\n"


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


ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "≥": r"$\geq$", "→": r"$\rightarrow$",
    "±": r"$\pm$", "·": r"\textperiodcentered{}", "–": "--", "−": r"$-$",
}  # fmt: skip
DOCUMENT = r"""% To use this table in another document, take \begin{table} to \end{table};
% it needs the packages array, booktabs and graphicx.
\documentclass[10pt]{article}
\usepackage[a4paper,landscape,margin=1.5cm]{geometry}
\usepackage{array,booktabs,graphicx}
\pagestyle{empty}
\begin{document}
\begin{table}[p]
\centering
\textbf{@CAPTION}\par\medskip
\newsavebox{\shownbox}\newlength{\shownwidth}
\sbox{\shownbox}{\begin{tabular}{@COLUMNS}
\toprule
@HEAD
\midrule
@ROWS
\bottomrule
\end{tabular}}
\setlength{\shownwidth}{\wd\shownbox}
\ifdim\shownwidth>\textwidth\setlength{\shownwidth}{\textwidth}\fi
\resizebox{\shownwidth}{!}{\usebox{\shownbox}}
@NOTES
\end{table}
\end{document}
"""
WRAPPED = r">{\raggedright\arraybackslash}p{%scm}"
NOTE = r"\par\smallskip\parbox{\shownwidth}{\scriptsize %s%s}"


def latex_text(text: str) -> str:
    """Return text with every character that LaTeX treats specially escaped."""
    return "".join(ESCAPES.get(c, c) for c in text)


def to_latex(table: Table) -> str:
    """Return a LaTeX document with the table; footnotes are raised letters, explained below it."""
    parts = {
        "CAPTION": latex_text(table.caption),
        "COLUMNS": "".join(a if a.isalpha() else WRAPPED % a for a in table.align),
        "HEAD": _head(table),
        "ROWS": "\n".join(_row(row, len(table.head)) for row in table.rows),
        "NOTES": "\n".join(NOTE % (_raised(mark), latex_text(text)) for mark, text in table.notes),
    }
    document = DOCUMENT
    for name, text in parts.items():
        document = document.replace(f"@{name}", text)
    return document


def _raised(mark: str) -> str:
    return rf"\textsuperscript{{{mark}}}" if mark else ""


def _head(table: Table) -> str:
    lower = " & ".join(rf"\textbf{{{latex_text(h)}}}" for h in table.head) + r" \\"
    if not table.spans:
        return lower
    upper, rules, at = [], [], 1
    for text, width in table.spans:
        upper.append(rf"\multicolumn{{{width}}}{{c}}{{\textbf{{{latex_text(text)}}}}}")
        if text and width > 1:
            rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    return "\n".join([" & ".join(upper) + r" \\", " ".join(rules), lower])


def _row(row: Row, columns: int) -> str:
    if isinstance(row, Group):
        title = rf"\textit{{{latex_text(row.text)}}}"
        return rf"\addlinespace\multicolumn{{{columns}}}{{l}}{{{title}}} \\"
    return " & ".join(_cell(cell) for cell in row) + r" \\"


def _cell(cell: Entry) -> str:
    text = latex_text(cell.text)
    text = rf"\textbf{{{text}}}" if cell.bold and text else text
    return text + _raised(cell.note)
