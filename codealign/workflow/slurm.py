"""What a run on a SLURM cluster needs beside Snakemake's plugin: names, and leftovers ended.

A driver that was killed leaves its jobs in the queue, where a second driver would submit them once
more. So the jobs of a run carry its name, and the next driver of that run ends what it finds first:
the stages continue at their last record or checkpoint.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from codealign.errors import CodealignError
from codealign.records import stable_id

COMMANDS = ("sbatch", "squeue", "scancel")


def job_prefix(run_root: Path) -> str:
    """Return how the names of a run's SLURM jobs begin."""
    return f"codealign-{stable_id(str(Path(run_root).resolve()))[:8]}"


def check_cluster(profile: str = "slurm") -> None:
    """Raise an error that says what is missing where SLURM's commands are not at hand."""
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        raise CodealignError(
            f"--profile {profile}: {', '.join(missing)} not found; "
            "start the run on a login node of the cluster, or use --profile local"
        )


def cancel_leftovers(run_root: Path) -> int:
    """End the jobs that an earlier driver of this run left in the queue; return how many."""
    prefix = job_prefix(run_root)
    queue = _say("squeue", "--me", "--noheader", "--format=%i %j")
    rows = [line.split() for line in queue.splitlines() if line.strip()]
    ids = [job for job, name in rows if name.startswith(prefix)]
    if ids:
        _say("scancel", *ids)
    return len(ids)


def status_command() -> str:
    """Return what reports the state of jobs: `sacct`, or `squeue` where jobs are not accounted."""
    has_sacct = shutil.which("sacct") is not None
    if has_sacct and subprocess.run(["sacct", "--noheader"], capture_output=True).returncode == 0:
        return "sacct"
    return "squeue"


def _say(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise CodealignError(f"{command[0]} failed: {run.stderr.strip()}; is the cluster up?")
    return run.stdout
