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


def put_away(root: Path, path: Path) -> None:
    """Move a job's earlier output to `<root>/stale/`, so that it is not taken for a current one."""
    stale = root / "stale" / path.relative_to(root)
    shutil.rmtree(stale, ignore_errors=True)
    stale.parent.mkdir(parents=True, exist_ok=True)
    path.rename(stale)


def job_state(run_root: Path, job: str) -> str:
    """Return `done`, `outdated` (its settings or code changed since), `failed` or `to do`."""
    folder = run_root / "jobs" / job
    result, params, log = (folder / n for n in ("result.json", "params.yaml", "log.txt"))
    if result.exists():
        return "done" if result.stat().st_mtime >= params.stat().st_mtime else "outdated"
    if log.exists() and "failed in cell" in log.read_text(encoding="utf-8", errors="replace"):
        return "failed"
    return "to do"


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
