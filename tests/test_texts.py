"""Files from people: read by their mark and their header, or refused with file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.texts import lines_of, read_sheet

TEXT = "id,dimension,rating\naaaa,style,7\nbbbb,größe,8\n"
ROWS = [
    (2, {"id": "aaaa", "dimension": "style", "rating": "7"}),
    (3, {"id": "bbbb", "dimension": "größe", "rating": "8"}),
]
COLUMNS = ("id", "dimension", "rating")


def sheet(folder: Path, content: bytes) -> list:
    (folder / "s.csv").write_bytes(content)
    return read_sheet(folder / "s.csv", COLUMNS)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", " , ").encode(),
        TEXT.replace("\n", ",,\n").encode(),
        TEXT.replace("style", '"style"').encode(),
        (TEXT + "\n,,\n").encode(),
    ],
    ids="utf8 bom utf16 utf32 crlf cr semicolons tabs blanks empty_cells quotes blank_rows".split(),
)
def test_a_sheet_is_read_as_spreadsheets_write_it(tmp_path: Path, content: bytes) -> None:
    assert sheet(tmp_path, content) == ROWS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "s.csv: is empty"),
        (b"\n\n", "s.csv: is empty"),
        (b" \n,,,\n,,,\n", "s.csv: is empty"),
        (TEXT.encode("cp1252"), "s.csv:3: not UTF-8 .*save the file as UTF-8"),
        (TEXT.encode("utf-16-le"), "s.csv:3: not UTF-8"),
        (b"a,b\n1,2\n", "no column id, dimension, rating"),
        (b"id,id,dimension,rating\n1,2,3,4\n", "column id stands there twice"),
        (b'id,dimension,rating\n"a,style,7\n', "s.csv:2: unexpected end of data"),
    ],
)
def test_what_is_not_certain_is_refused_with_file_and_line(tmp_path, content, said) -> None:
    with pytest.raises(CodealignError, match=said) as error:
        sheet(tmp_path, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("row", ["aaaa,style,7,5", "aaaa,style"])
def test_a_row_of_another_length_is_no_row(tmp_path: Path, row: str) -> None:
    assert sheet(tmp_path, f"id,dimension,rating\n{row}\n".encode()) == [(2, None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_are_read_in_any_marked_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_bytes("größe\n\n2\n".encode(encoding))
    assert list(lines_of(tmp_path / "a.jsonl")) == [(1, "größe\n"), (3, "2\n")]


def test_a_line_that_is_not_utf8_is_none_and_the_others_are_read(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wb") as file:
        file.write(b"1\ngr\xfc\xdfe\n3\n")
    assert list(lines_of(tmp_path / "a.jsonl.gz")) == [(1, "1\n"), (2, None), (3, "3\n")]
