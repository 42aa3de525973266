"""Rendering of a table as a whole LaTeX document in booktabs style, which compiles as it is."""

from __future__ import annotations

from collections.abc import Sequence

from codealign.analysis.tables.model import Entry, Group, Row, Table

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


def latex_text(text: str) -> str:
    """Return text with every character that LaTeX treats specially escaped."""
    return "".join(ESCAPES.get(c, c) for c in text)


def to_latex(table: Table) -> str:
    """Return a LaTeX document with the table; footnotes stand below it as raised letters."""
    parts = {
        "CAPTION": latex_text(table.caption),
        "COLUMNS": _columns(table.align),
        "HEAD": _head(table),
        "ROWS": "\n".join(_row(row, len(table.head)) for row in table.rows),
        "NOTES": "\n".join(_note(mark, text) for mark, text in table.notes),
    }
    document = DOCUMENT
    for name, text in parts.items():
        document = document.replace(f"@{name}", text)
    return document


def _columns(align: Sequence[str]) -> str:
    wrapped = r">{\raggedright\arraybackslash}p"
    return "".join(a if a.isalpha() else f"{wrapped}{{{a}cm}}" for a in align)


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
    return text + (rf"\textsuperscript{{{cell.note}}}" if cell.note else "")


def _note(mark: str, text: str) -> str:
    raised = rf"\textsuperscript{{{mark}}}" if mark else ""
    return rf"\par\smallskip\parbox{{\shownwidth}}{{\scriptsize {raised}{latex_text(text)}}}"
