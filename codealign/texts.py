"""Text files from people: JSON Lines and tables, in the encodings that spreadsheets write.

UTF-8 is read with and without a byte order mark, UTF-16 and UTF-32 with one. Everything else is
refused: which letters the bytes stand for would be a guess.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from codealign.errors import CodealignError, nearest

MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16",
         b"\xfe\xff": "utf-16"}  # fmt: skip
SEPARATORS = ",;\t"
CELLS = "the number of cells differs from the header's"
Row = dict[str, str] | None
"""Cells by column; None for a row that has more cells than the header, or fewer."""


def lines_of(path: Path) -> Iterator[tuple[int, str | None]]:
    """Yield number and text of each line that is not blank; None for a line that is no such text.

    Parameters
    ----------
    path : a text file, or one compressed with gzip (`.gz`).
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        encoding = _encoding(file.read(4))
    with opener(path, "rt", encoding=encoding, errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line if _is_text(line) else None


def _encoding(head: bytes) -> str:
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8-sig")


def _is_text(line: str) -> bool:
    """Whether no byte of a line stayed undecoded."""
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_sheet(path: Path, required: Sequence[str], others: bool = True) -> list[tuple[int, Row]]:
    """Return line number and cells of each row of a CSV file that is not blank.

    Commas, semicolons or tabs may separate cells: the header tells which.

    Parameters
    ----------
    required : columns that the file must have.
    others : further columns are taken too; otherwise refused.

    Raises
    ------
    CodealignError
        An empty file, another encoding, a missing, repeated or unknown column, an open quote.
    """
    text = _decoded(path)
    head = text.lstrip("\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=lambda s: _columns_in(head, s, required))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        stripped = ((reader.line_num, [c.strip() for c in row]) for row in reader)
        rows = [(line, row) for line, row in stripped if any(row)]
    except csv.Error as error:
        raise CodealignError(f"{path}:{reader.line_num}: {error}; fix this line") from None
    if not rows:  # separators alone are how spreadsheets write an empty sheet
        raise CodealignError(f"{path}: is empty; expected a CSV with {', '.join(required)}")
    (_, names), *rows = rows
    while names and not names[-1]:
        names.pop()
    _check_columns(path, names, required, others)
    return [(line, _row(names, row)) for line, row in rows]


def _row(names: list[str], cells: list[str]) -> Row:
    if len(cells) < len(names) or any(cells[len(names) :]):
        return None
    return dict(zip(names, cells, strict=False))


def _decoded(path: Path) -> str:
    if not path.is_file():
        raise CodealignError(f"{path}: no such file")
    data = path.read_bytes()
    try:
        text = data.decode(_encoding(data[:4]))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CodealignError(
            f"{path}:{line}: not UTF-8 (another encoding, as Windows-1252?); save the file as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _columns_in(head: str, separator: str, required: Sequence[str]) -> int:
    return len({name.strip(' "') for name in head.split(separator)} & {*required})


def _check_columns(path: Path, columns: list[str], required: Sequence[str], others: bool) -> None:
    if not others:
        for name in columns:
            if name not in required:
                raise CodealignError(
                    f"{path}: unknown column {name!r}" + nearest(name, list(required))
                )
    if lacking := [name for name in required if name not in columns]:
        raise CodealignError(
            f"{path}: no column {', '.join(lacking)}; expected {', '.join(required)}"
        )
    if double := [name for name in required if columns.count(name) > 1]:
        raise CodealignError(f"{path}: column {double[0]} stands there twice")
