"""State of a run: which jobs are done, failed, or still to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codealign.records import write_text
from codealign.workflow.plan import read_lock


def read_result(root: Path, job: str) -> dict[str, Any]:
    """Return a finished job's result marker."""
    path = Path(root) / "jobs" / job / "result.json"
    return json.loads(path.read_text(encoding="utf-8"))


def write_result(
    root: Path, job: str, line: str, *, seconds: float, files: Iterable[str] = (), **more: Any
) -> None:
    """Write a finished job's result marker.

    Parameters
    ----------
    line : what was done.
    files : what it wrote, seen from the project.
    more : further entries, e.g. `stop`, why the jobs that need this one must not run.
    """
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    result = {"job": job, "line": line, "seconds": seconds, "finished": finished}
    text = json.dumps({**result, "files": list(files), **more}, indent=1, default=str)
    write_text(Path(root) / "jobs" / job / "result.json", text + "\n")


FAILURE = "failed.json"
"""Marker of a job whose notebook failed: which cell, and the error."""


def write_failure(root: Path, job: str, *, cell: int, error: str) -> None:
    """Say that a job's notebook failed."""
    text = json.dumps({"cell": cell, "error": error}, indent=1)
    write_text(Path(root) / "jobs" / job / FAILURE, text + "\n")


def clear_failure(root: Path, job: str) -> None:
    """Forget an earlier failure of a job that is started again."""
    (Path(root) / "jobs" / job / FAILURE).unlink(missing_ok=True)


def read_failure(root: Path, job: str) -> str:
    """Return the error of a job that failed, "" if it has not."""
    path = Path(root) / "jobs" / job / FAILURE
    return json.loads(path.read_text(encoding="utf-8"))["error"] if path.exists() else ""


def put_away(root: Path, path: Path) -> None:
    """Move a job's earlier output to `<root>/stale/`, so that it is not taken for a current one."""
    stale = root / "stale" / path.relative_to(root)
    shutil.rmtree(stale, ignore_errors=True)
    stale.parent.mkdir(parents=True, exist_ok=True)
    path.rename(stale)


def job_state(run_root: Path, job: str) -> str:
    """Return `done`, `outdated` (its settings or code changed since), `failed` or `to do`."""
    folder = run_root / "jobs" / job
    result, params = folder / "result.json", folder / "params.yaml"
    if result.exists():
        return "done" if result.stat().st_mtime >= params.stat().st_mtime else "outdated"
    return "failed" if (folder / FAILURE).exists() else "to do"


def status_lines(run_root: Path) -> list[str]:
    """Return one line a job and a closing count.

    Raises
    ------
    CodealignError
        The run folder has no plan.
    """
    states = {job: job_state(run_root, job) for job in read_lock(run_root)}
    lines = []
    for job, state in states.items():
        said = f"  {read_result(run_root, job)['line']}" if state == "done" else ""
        lines.append(f"{state:9}{job}{said}")
    count = {s: list(states.values()).count(s) for s in ("done", "outdated", "failed", "to do")}
    return [*lines, ", ".join(f"{n} {state}" for state, n in count.items())]
