"""Result files that continue after a kill, but never mix with what other inputs made."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from codealign.records import write_text
from codealign.resumable import Resumable

Record = TypeVar("Record")


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
