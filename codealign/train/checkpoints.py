"""Checkpoint folders that can be trusted: whole ones, of this very job."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codealign.errors import CodealignError
from codealign.records import write_text

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, over quota, over the file-size limit
FREE_BYTES = 1 << 26  # less free space than this explains a failed write that gives no number
COMPLETE = "complete"  # a file that is written into a checkpoint when all of it is there


def claim(folder: Path, fingerprint: str) -> bool:
    """Make `folder` the job's: drop checkpoints of another job and those cut short by a kill.

    Returns whether it was not the job's before, so that nothing is there to be continued.
    """
    owner = folder / "fingerprint"
    new = not owner.exists() or owner.read_text(encoding="utf-8") != fingerprint
    if new:
        shutil.rmtree(folder, ignore_errors=True)
        write_text(owner, fingerprint)
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / COMPLETE).exists():
            shutil.rmtree(checkpoint)
    return new


def mark_whole(checkpoint: Path) -> None:
    """Note that all of a checkpoint has been written."""
    (checkpoint / COMPLETE).touch()


def last(folder: Path) -> str | None:
    """Return the newest whole checkpoint, or None to start from the beginning."""
    whole = (mark.parent for mark in folder.glob(f"checkpoint-*/{COMPLETE}"))
    numbered = sorted((int(f.name.split("-")[1]), str(f)) for f in whole)
    return numbered[-1][1] if numbered else None


@contextmanager
def full_disk_explained(out: Path) -> Iterator[None]:
    """Turn a write that failed for want of space into an error that says so.

    Raises
    ------
    CodealignError
        The disk, the quota or the file-size limit is exhausted; other errors pass through.
    """
    try:
        yield
    except CodealignError:
        raise
    except Exception as error:  # safetensors and torch have error classes of their own
        if not _is_full(out, error):
            raise
        raise CodealignError(
            f"{out}: the disk is full ({error}); the last whole checkpoint is kept. Free some "
            "space and run again: training continues from it"
        ) from error


def _is_full(out: Path, error: Exception) -> bool:
    if getattr(error, "errno", None) in FULL:
        return True
    named = any(f"os error {number}" in str(error) for number in FULL)
    return named or shutil.disk_usage(out).free < FREE_BYTES
