"""Jobs that a gate keeps from running: a stop is passed on to what needs the job, not a failure.

An evaluation whose gate says stop finishes as usual, with `stop` in its result marker. Each job
that needs it writes a result marker with the same reason and runs nothing; the notebooks that
collect whatever a run has go on. So one stopped pathway does not hold up the others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from codealign.paths import PROJECT
from codealign.records import write_text
from codealign.workflow.plan import read_lock
from codealign.workflow.status import read_result

COLLECT = ("06_survey_kappa", "07_paper")  # read what is there, whichever jobs made it


def stop_reason(root: Path, job: str) -> str:
    """Return why a job of the run must not run, from the jobs it needs; "" if it may."""
    entry = read_lock(root)[job]
    if entry["notebook"] in COLLECT:
        return ""
    for need in entry["needs"]:
        if reason := read_result(root, need).get("stop", ""):
            return reason
    return ""


def write_stopped(root: Path, job: str, reason: str) -> None:
    """Write the result marker and, as its executed copy, the reason of a job that was not run.

    What the job made in an earlier run goes to `stale/`.
    """
    path = root / "jobs" / job / "result.json"
    if path.exists():
        _put_away(root, read_result(root, job).get("files", []))
    cell = nbformat.v4.new_markdown_cell(f"# {job}\n\nNot run: {reason}", id="stopped")
    executed = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    write_text(root / "notebooks" / f"{job}.ipynb", executed + "\n")
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    result = {"job": job, "line": f"not run: {reason}", "seconds": 0.0, "finished": finished}
    write_text(path, json.dumps({**result, "files": [], "stop": reason}, indent=1) + "\n")


def _put_away(root: Path, files: Iterable[str]) -> None:
    """Move a job's earlier outputs, so that no result of a stopped pathway is read as current."""
    for path in (PROJECT / name for name in files):
        if path.exists():
            stale = root / "stale" / path.relative_to(root)
            shutil.rmtree(stale, ignore_errors=True)
            stale.parent.mkdir(parents=True, exist_ok=True)
            path.rename(stale)


def stopped(root: Path, jobs: Iterable[str]) -> list[str]:
    """Return one line for each reason a gate gave, with how many of the jobs it kept from running.

    Parameters
    ----------
    jobs : names of planned jobs; those without a result marker are passed over.
    """
    counts: dict[str, int] = {}
    for job in jobs:
        if (root / "jobs" / job / "result.json").exists():
            result = read_result(root, job)
            if reason := result.get("stop", ""):
                counts[reason] = counts.get(reason, 0) + result["line"].startswith("not run: ")
    return [f"stopped: {reason} ({n} notebooks not run)" for reason, n in counts.items()]
