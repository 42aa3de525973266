"""Record files that a killed run continues, with an index that does not grow in memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from codealign.errors import CodealignError
from codealign.records import atomic_file, from_json, to_json, unwritable, write_text

Record = TypeVar("Record")
BLOCK = 1 << 16


class Index:
    """Texts with a whole number each, in a temporary SQLite database.

    SQLite keeps the first two megabytes in memory and moves the rest to an unnamed file in its
    temporary folder (SQLITE_TMPDIR, TMPDIR, /var/tmp), so that memory stays the same for ten texts
    and for ten million.
    """

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("CREATE TABLE found (key TEXT PRIMARY KEY, number INT) WITHOUT ROWID")

    def add(self, key: str, number: int = 0) -> bool:
        """Keep a text with its number; return False, and change nothing, if it is there already."""
        return self._insert("IGNORE", key, number)

    def put(self, key: str, number: int) -> None:
        """Keep a text with its number, in place of an earlier one."""
        self._insert("REPLACE", key, number)

    def _insert(self, otherwise: str, key: str, number: int) -> bool:
        command = f"INSERT OR {otherwise} INTO found VALUES (?, ?)"
        try:
            return self._base.execute(command, (key, number)).rowcount > 0
        except sqlite3.OperationalError as error:
            raise CodealignError(
                f"index of a record file: {error}; free space in the temporary folder (TMPDIR) and "
                "run again"
            ) from error

    def remove(self, key: str) -> None:
        """Forget a text; no error if it is not there."""
        self._base.execute("DELETE FROM found WHERE key = ?", (key,))

    def get(self, key: str) -> int | None:
        """Return a text's number, None if it is not there."""
        row = self._base.execute("SELECT number FROM found WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return self._base.execute("SELECT COUNT(*) FROM found").fetchone()[0]

    def items(self) -> Iterator[tuple[str, int]]:
        """Yield the texts in alphabetical order, each with its number."""
        yield from self._base.execute("SELECT key, number FROM found ORDER BY key")

    def close(self) -> None:
        """Free the database; it cannot be used afterwards."""
        self._base.close()


class Resumable(Generic[Record]):
    """An append-only JSON Lines file that a killed run continues, down to the record.

    Records land in `<path>.partial`; a torn last line is dropped on opening; `finish` renames the
    file to `path`. Records need an `id`. They stay on disk: in memory is nothing that grows.

    Parameters
    ----------
    path : where the finished file goes. If it exists already, its records count as done.
    cls : record type.

    Raises
    ------
    CodealignError
        A line that is no such record; the place cannot be written.
    """

    def __init__(self, path: Path | str, cls: type[Record]) -> None:
        self.path, self.cls = Path(path), cls
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not self.partial.exists():
            os.replace(self.path, self.partial)
        try:
            self._file = self.partial.open("a+b", buffering=0)
            drop_torn_line(self._file.fileno())
        except OSError as error:
            raise unwritable(self.partial, error) from error
        self._places, self._end = Index(), 0
        for place, record in self._records():
            self._places.put(record.id, place)
        self._end = self.partial.stat().st_size

    def _records(self) -> Iterator[tuple[int, Record]]:
        place = 0
        with self.partial.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield place, from_json(line, self.cls, f"{self.partial}:{number}")
                place += len(line)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Record]:
        """Yield the records in the order of their arrival, without those that were forgotten."""
        for place, record in self._records():
            if self._places.get(record.id) == place:
                yield record

    def get(self, item_id: str) -> Record | None:
        """Return the record with an id, read from the file, or None."""
        place = self._places.get(item_id)
        if place is None:
            return None
        with self.partial.open("rb") as file:
            file.seek(place)
            return from_json(file.readline(), self.cls, f"{self.partial}: record {item_id}")

    def append(self, record: Record) -> None:
        """Append one record, unless its id is there already; it is with the operating system then.

        Raises
        ------
        CodealignError
            The disk is full; the file ends with the last whole record.
        """
        if record.id in self._places:
            return
        line = memoryview((to_json(record) + "\n").encode())
        size = len(line)
        try:
            while line:  # of an unbuffered file the system may take a part only
                line = line[self._file.write(line) :]
        except OSError as error:
            os.ftruncate(self._file.fileno(), self._end)
            raise unwritable(self.partial, error) from error
        self._places.put(record.id, self._end)
        self._end += size

    def forget(self, item_id: str) -> None:
        """Take an id out, so that a new record with it can be appended; `finish` drops the old."""
        self._places.remove(item_id)

    def finish(self, order: Iterable[str] | None = None) -> int:
        """Write the finished file to `path`, close, and return the number of its records.

        Parameters
        ----------
        order : ids in the wanted order; records of other ids are left out. None keeps the order
            of arrival.

        Raises
        ------
        CodealignError
            The file lacks an id of `order`; the disk is full.
        """
        wanted = (record.id for record in self) if order is None else order
        written = 0
        with self.partial.open("rb") as source, atomic_file(self.path) as file:
            for item_id in wanted:
                place = self._places.get(item_id)
                if place is None:
                    raise CodealignError(f"{self.path}: no record {item_id}")
                source.seek(place)
                file.write(source.readline().decode())
                written += 1
        self.close()
        self.partial.unlink()
        return written

    def close(self) -> None:
        """Close without finishing; the next `Resumable` on this path continues."""
        self._file.close()
        self._places.close()


def drop_torn_line(descriptor: int) -> None:
    """Cut what stands behind the last newline of an open file: a line that a kill has torn."""
    size = end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)


def resumable(path: Path, cls: type[Record], key: str) -> Resumable[Record]:
    """Open a result file for continuing; what was made under another `key` is discarded.

    Parameters
    ----------
    path : the finished file; the key is kept beside it in `<path>.key`.
    key : changes with everything that decides the records (inputs, settings, model).
    """
    note = path.with_name(path.name + ".key")
    if not note.exists() or note.read_text(encoding="utf-8") != key:
        path.unlink(missing_ok=True)
        path.with_name(path.name + ".partial").unlink(missing_ok=True)
        write_text(note, key)
    return Resumable(path, cls)
