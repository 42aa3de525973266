"""Jobs that a gate keeps from running: a stop is passed on to what needs the job, not a failure.

An evaluation whose gate says stop finishes as usual, with `stop` in its result marker. Each job
that needs it writes a result marker with the same reason and runs nothing; the notebooks that
collect whatever a run has go on. So one stopped pathway does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from codealign.paths import PROJECT
from codealign.provenance import header
from codealign.records import write_text
from codealign.workflow.plan import read_lock
from codealign.workflow.status import put_away, read_result, write_result

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
    if (root / "jobs" / job / "result.json").exists():
        for name in read_result(root, job).get("files", []):
            if (PROJECT / name).exists():
                put_away(root, PROJECT / name)
    import nbformat  # half of what starting a job would take

    cell = nbformat.v4.new_markdown_cell(f"# {job}\n\nNot run: {reason}", id="stopped")
    executed = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    write_text(root / "notebooks" / f"{job}.ipynb", executed + "\n")
    made = header(job=job)
    write_result(
        root, job, f"not run: {reason}", seconds=0.0, stop=reason, kept=True, provenance=made
    )


def warned(root: Path, jobs: Iterable[str]) -> list[str]:
    """Return one line for each gate that failed and only warns; `jobs` as in `stopped`."""
    from codealign.analysis.gating import failed_of

    return [
        f"warning: {job}: {gate}"
        for job in jobs
        if (root / "jobs" / job / "result.json").exists()
        for gate in failed_of(read_result(root, job))
        if not gate.stops
    ]


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
                counts[reason] = counts.get(reason, 0) + bool(result.get("kept"))
    return [f"stopped: {reason} ({n} notebooks not run)" for reason, n in counts.items()]
