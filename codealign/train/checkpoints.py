"""Checkpoint folders that can be trusted: whole ones, of this very job."""

from __future__ import annotations

import shutil
from pathlib import Path

from codealign.records import write_text

COMPLETE = "complete"  # a file that is written into a checkpoint when all of it is there


def claim(folder: Path, fingerprint: str) -> None:
    """Make `folder` the job's: drop checkpoints of another job and those cut short by a kill."""
    owner = folder / "fingerprint"
    if not owner.exists() or owner.read_text(encoding="utf-8") != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        write_text(owner, fingerprint)
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / COMPLETE).exists():
            shutil.rmtree(checkpoint)


def mark_whole(checkpoint: Path) -> None:
    """Note that all of a checkpoint has been written."""
    (checkpoint / COMPLETE).touch()


def last(folder: Path) -> str | None:
    """Return the newest checkpoint, or None to start from the beginning."""
    numbered = sorted((int(f.name.split("-")[1]), str(f)) for f in folder.glob("checkpoint-*"))
    return numbered[-1][1] if numbered else None
