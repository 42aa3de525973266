"""Results that depend on nothing but their inputs, kept in files named by those inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from codealign.records import read_jsonl, stable_id, write_jsonl

FORMAT = 7
"""To be raised when what a cached row holds, or how it is measured, changes."""


def cached(
    folder: Path | None,
    kind: str,
    ids: Iterable[str],
    compute: Callable[[], Iterable[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Return the rows of an earlier call with the same `ids`, or compute and keep them.

    Parameters
    ----------
    folder : where files are kept; None keeps nothing.
    kind : begin of the file's name.
    ids : content ids of all that the rows depend on; the Python version is added.
    """
    if folder is None:
        return list(compute())
    file = folder / f"{kind}-{stable_id(FORMAT, sys.version_info[:3], *ids)}.jsonl"
    if file.exists():
        return list(read_jsonl(file, dict))
    rows = list(compute())
    write_jsonl(file, rows)
    return rows
