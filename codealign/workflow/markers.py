"""What a job leaves in `jobs/<job>/` besides its settings: a result marker, or a failure marker."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codealign.provenance import file_hash
from codealign.records import stable_id, write_text

RESULT, FAILURE, PARAMS = "result.json", "failed.json", "params.yaml"
PROGRESS = "progress.json"
BOOKED = "result.next.json"
"""What a notebook writes that a driver runs: a result only once its executed copy is whole too."""
JOB = "CODEALIGN_JOB"
"""Names the job that a driver's process is running."""
KEPT_OUT = {"checkpoints", "tensorboard"}
"""Folders in an output that a finished job does not need."""


def read_marker(path: Path) -> dict[str, Any]:
    """Return a marker's content; {} if it is not there, or is no whole JSON object."""
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def read_result(root: Path, job: str) -> dict[str, Any]:
    """Return a finished job's result marker; {} if there is none that can be read."""
    result = read_marker(Path(root) / "jobs" / job / RESULT)
    source, written = result.get("made_from", {}), result.get("outputs", {})
    if not (isinstance(source, dict) and isinstance(written, dict)):
        return {}
    whole = all(isinstance(source.get(part, {}), dict) for part in ("settings", "inputs")) and all(
        isinstance(about, list) and len(about) == 3 for about in written.values()
    )
    return result if whole else {}


def write_result(
    root: Path, job: str, line: str, *, seconds: float, files: Iterable[str] = (), **more: Any
) -> None:
    """Write a finished job's result marker; under a driver, for `book` to make it the result.

    Parameters
    ----------
    line : what was done.
    files : what it wrote, seen from the project.
    more : further entries, e.g. `stop`, why the jobs that need this one must not run.
    """
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    result = {"job": job, "line": line, "seconds": seconds, "finished": finished}
    text = json.dumps({**result, "files": list(files), **more}, indent=1, default=str)
    name = BOOKED if os.environ.get(JOB) == job else RESULT
    write_text(Path(root) / "jobs" / job / name, text + "\n")


def book(root: Path, job: str) -> bool:
    """Make the marker that a job's notebook has written its result; False if it wrote none."""
    folder = Path(root) / "jobs" / job
    if not (folder / BOOKED).exists():
        return False
    os.replace(folder / BOOKED, folder / RESULT)
    return True


def outputs(root: Path, written: Iterable[Path]) -> dict[str, list[Any]]:
    """Return size, time and hash of each file written, by its place in the run.

    The time only saves hashing a file that nothing has touched since.
    """
    files = {}
    for output in written:
        for path in sorted(output.rglob("*")) if output.is_dir() else [output]:
            inside = path.relative_to(output).parts
            if path.is_file() and not KEPT_OUT & {*inside} and not path.name.startswith("."):
                about = path.stat()
                place = os.path.relpath(path, root)
                files[place] = [about.st_size, about.st_mtime_ns, file_hash(path)]
    return files


def write_failure(root: Path, job: str, *, error: str, cell: int | None = None) -> None:
    """Say that a job failed, with which settings, and in which cell if one raised the error."""
    folder = Path(root) / "jobs" / job
    marker = {"cell": cell, "error": error}
    if (folder / PARAMS).exists():
        marker["settings"] = stable_id((folder / PARAMS).read_text(encoding="utf-8"))
    write_text(folder / FAILURE, json.dumps(marker, indent=1) + "\n")


def clear(root: Path, job: str) -> None:
    """Forget an earlier failure of a job that is started again, and a result not booked."""
    for name in (FAILURE, BOOKED, PROGRESS):
        (Path(root) / "jobs" / job / name).unlink(missing_ok=True)


def read_failure(root: Path, job: str, settings: str | None = None) -> str:
    """Return the error of a job that failed, "" if it has not.

    Parameters
    ----------
    settings : text of its `params.yaml`; a failure with others is none. None: whatever they were.
    """
    path = Path(root) / "jobs" / job / FAILURE
    if not path.exists():
        return ""
    marker = read_marker(path)
    of = marker.get("settings")
    if of and settings is not None and of != stable_id(settings):
        return ""
    return str(marker.get("error", "unknown: its marker cannot be read"))


def put_away(root: Path, path: Path) -> None:
    """Move a job's earlier output to `<root>/stale/`, so that it is not taken for a current one."""
    stale = root / "stale" / path.relative_to(root)
    if stale.is_dir():
        shutil.rmtree(stale)
    stale.parent.mkdir(parents=True, exist_ok=True)
    path.replace(stale)
