"""A corpus that is a data set: The Stack, or any other with a text column, read as a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError, nearest
from codealign.params import Hub
from codealign.prefs.sources import Module, parsed

PREFIX = "hub:"


def hub_modules(name: str, settings: Hub, counts: Counter[str]) -> Iterator[Module]:
    """Yield the modules of a data set in its own order, one row per file; nothing is kept.

    Parameters
    ----------
    name : a data set of the Hugging Face hub, e.g. `bigcode/the-stack-dedup`, or a folder that
        `datasets` can load (Parquet or JSON Lines files).
    counts : gets the files that were read and, by reason, those that could not be.

    Raises
    ------
    CodealignError
        No access (says how to log in), no such data set, no network, or no such column.
    """
    for number, row in enumerate(islice(_rows(name, settings), settings.files or None)):
        if settings.column not in row:
            raise CodealignError(
                f"data set {name}: no column {settings.column!r}"
                + nearest(settings.column, list(row))
            )
        parts = [str(row[c]) for c in settings.path_columns if row.get(c)]
        yield from parsed(row[settings.column] or "", "/".join(parts) or f"row {number}", counts)


def _rows(name: str, settings: Hub) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(
            name,
            data_dir=settings.data_dir or None,
            split=settings.split,
            revision=None if Path(name).is_dir() else settings.revision,
            streaming=True,
        )
    except (OSError, ValueError) as error:  # what datasets and huggingface_hub raise is one of them
        raise CodealignError(f"data set {name}: {_advice(name, error)}") from error


def _advice(name: str, error: Exception) -> str:
    why = str(error).split("\n")[0]
    if "gated" in why.lower() or "401" in why or "403" in why:
        return (
            f"no access ({why}); accept its terms at https://huggingface.co/datasets/{name}, then "
            "run `hf auth login` or set HF_TOKEN"
        )
    return (
        f"cannot be read ({why}); check its name, `hub.data_dir` and `hub.split`, and the network "
        "(HF_HUB_OFFLINE); a private one needs `hf auth login` or HF_TOKEN"
    )
