"""Jobs that a gate keeps from running: a stop is passed on to what needs the job, not a failure.

An evaluation whose gate says stop finishes as usual, with `stop` in its result marker. Each job
that needs it writes a result marker with the same reason and runs nothing; the notebooks that
collect whatever a run has go on. So one stopped pathway does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from codealign.provenance import header
from codealign.records import write_text
from codealign.workflow.markers import put_away, read_result, write_result
from codealign.workflow.notebooks import SHOWING
from codealign.workflow.plan import Job
from codealign.workflow.state import deciding, made_from


def stop_reason(root: Path, job: Job) -> str:
    """Return why a job of the run must not run, from the jobs it needs; "" if it may."""
    if job.notebook in SHOWING:  # they read what is there, whichever jobs made it
        return ""
    for need in job.needs:
        if reason := read_result(root, need).get("stop", ""):
            return reason
    return ""


def write_stopped(root: Path, job: Job, reason: str) -> None:
    """Write the result marker and, as its executed copy, the reason of a job that was not run.

    What the job made in an earlier run goes to `stale/`.
    """
    outputs = map(Path, read_result(root, job.name).get("outputs", {}))
    # Its folders whole, by their place in the run: `files` name where the run once was.
    for place in sorted({p if p.parent == Path() else p.parent for p in outputs}):
        if (root / place).exists():
            put_away(root, root / place)
    import nbformat  # half of what starting a job would take

    cell = nbformat.v4.new_markdown_cell(f"# {job.name}\n\nNot run: {reason}", id="stopped")
    executed = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    write_text(root / "notebooks" / f"{job.name}.ipynb", executed + "\n")
    more = {"stop": reason, "kept": True, "provenance": header(job=job.name)}
    more["made_from"] = made_from(root, job.notebook, deciding(job), job.needs)
    write_result(root, job.name, f"not run: {reason}", seconds=0.0, **more)


def warned(root: Path, jobs: Iterable[str]) -> list[str]:
    """Return one line for each gate that failed and only warns; `jobs` as in `stopped`."""
    from codealign.analysis.gating import failed_of

    return [
        f"warning: {job}: {gate}"
        for job in jobs
        for gate in failed_of(root, read_result(root, job))
        if not gate.stops
    ]


def stopped(root: Path, jobs: Iterable[str]) -> list[str]:
    """Return one line for each reason a gate gave, with how many of the jobs it kept from running.

    Parameters
    ----------
    jobs : names of planned jobs; those without a result marker are passed over.
    """
    counts: dict[str, int] = {}
    for result in (read_result(root, job) for job in jobs):
        if reason := result.get("stop", ""):
            counts[reason] = counts.get(reason, 0) + bool(result.get("kept"))
    return [f"stopped: {reason} ({n} notebooks not run)" for reason, n in counts.items()]
