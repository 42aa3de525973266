"""The likely cause where a process ends without a word, or a disk takes nothing more."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from codealign.errors import CodealignError
from codealign.params import Prefs, validate
from codealign.workflow.plan import Job

FULL = 20 << 20
"""Bytes of free space below which a disk counts as full: markers and notebooks need as much."""


def oom_kills() -> int:
    """Return how many processes the system has killed for lack of memory since it started."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def peak_mb() -> int:
    """Return the largest memory that any child that this process has had reached, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10


def died(what: str, code: int | None, kills: int) -> str:
    """Return in one line how a process ended that left no error, and why, most likely.

    Parameters
    ----------
    code : its exit code, negative for a signal; None if nobody knows.
    kills : `oom_kills` before it started.
    """
    how = f"ended with code {code}"
    if code is None:
        how = "ended without a word"
    elif code < 0 and -code in set(signal.Signals):
        how = f"was ended by {signal.Signals(-code).name}"
    peak = f" (peak of one process: {peak_mb():,} MiB)" if peak_mb() else ""
    if oom_kills() > kills:
        why = "out of memory: free some, or take fewer --cores or a smaller batch_size"
    elif code in (None, -signal.SIGKILL):
        why = "killed by somebody, or for want of memory by a limit of this machine"
    elif code == -signal.SIGSEGV:
        why = "a crash in compiled code: a library that does not fit this machine"
    else:
        why = "its log tells more"
    return f"{what} {how}{peak}; {why}"


def full_disk(root: Path, jobs: Iterable[Job] = ()) -> str:
    """Return one line if the disk of a run is full, else ""; `jobs` are those still to run."""
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free >= FULL:
        return ""
    needed = needed_space(jobs)
    about = f", needs about {max(needed, FULL) / 1e6:,.0f} MB" if needed else ""
    return f"disk full at {root}: {free / 1e6:,.1f} MB free{about}"


def needed_space(jobs: Iterable[Job]) -> float:
    """Return about how many bytes jobs will leave on disk; 0 if a model's size is not known."""
    from codealign.workflow.work import work_of

    prefs, needed = Prefs(), 0.0
    with contextlib.suppress(CodealignError):
        for job in jobs:
            given = job.parameters.get("prefs")
            prefs = validate(Prefs, given, job.name) if given else prefs
            needed += work_of(job, prefs).bytes
    return needed
