"""Run the jobs of a plan with Snakemake, say how it goes, and stop it cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread

import psutil

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.records import write_text
from codealign.workflow.environment import DRIVER, job_environment
from codealign.workflow.lock import is_held
from codealign.workflow.markers import clear
from codealign.workflow.plan import Job
from codealign.workflow.slurm import cancel_leftovers, job_prefix, status_command
from codealign.workflow.warm import end_with_parent, kinds_of, servers
from codealign.workflow.watch import Watcher


@dataclass(frozen=True)
class RunOutcome:
    """An exit code, the jobs that ran, and the peak memory (MiB) of all processes.

    The code is Snakemake's; of a whole run it is 0 if every job is done.
    """

    code: int
    jobs: int
    peak_mb: int

    def then(self, later: RunOutcome) -> RunOutcome:
        """Return the outcome of this pass and a later one over what it left."""
        peak = max(self.peak_mb, later.peak_mb)
        return RunOutcome(later.code, self.jobs + later.jobs, peak)


LOCAL = "local"
MEASURE_EVERY_S = 4
"""Seconds between two looks at the memory of all processes, which the kernel must add up."""
GRACE_S = 5
"""Seconds that processes have to end before they are killed."""


def snakemake_command(run: str, cores: int, profile: str) -> list[str]:
    """Return the command line that runs the jobs in `<run>/.driver/jobs.json`."""
    where = ["--cores", str(cores)]
    if profile != LOCAL:  # the profile says how many jobs at once
        where = ["--slurm-jobname-prefix", job_prefix(PROJECT / run)]
        where += ["--slurm-status-command", status_command()]
    return [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(PROJECT / "workflow" / "Snakefile"),
        "--profile",
        str(PROJECT / "workflow" / "profiles" / profile),
        "--directory",
        str(PROJECT),
        *where,
        "--config",
        f"run={run}",
        "--nolock",
    ]


def hand_to_driver(root: Path, jobs: Sequence[Job]) -> None:
    """Write which jobs are to run, and take away what an earlier driver's left of itself."""
    driver, names = root / ".driver", {job.name for job in jobs}
    shutil.rmtree(driver, ignore_errors=True)
    entries = {
        job.name: {
            "notebook": job.notebook,
            "needs": [need for need in job.needs if need in names],
            "resources": job.resources.model_dump(),
        }
        for job in jobs
    }
    for name in names:
        if not is_held(root / "jobs" / name / ".lock"):  # an orphan of it may still be at work
            clear(root, name)
    write_text(driver / "jobs.json", json.dumps(entries, indent=1) + "\n")


def run_plan(
    run: str, jobs: Sequence[Job], cores: int, lock: int, watcher: Watcher, profile: str = LOCAL
) -> RunOutcome:
    """Run jobs, each after those of them that it needs.

    Parameters
    ----------
    lock : descriptor of the run's lock; Snakemake inherits it and so holds it as long as it lives.
    watcher : says how it goes. Snakemake's own output goes to `<run>/snakemake.log`.

    Raises
    ------
    CodealignError
        Interrupted; all that runs is ended first, and the next call continues.
    """
    root = PROJECT / run
    hand_to_driver(root, jobs)
    command = snakemake_command(run, cores, profile)
    environment = {**os.environ, **job_environment(os.environ), "CODEALIGN_PROJECT": str(PROJECT)}
    if profile == LOCAL:
        environment[DRIVER] = str(os.getpid())
    kinds = kinds_of(jobs) if profile == LOCAL else []
    # Processes whose parent has died come to this one, which so can end them.
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    others = set(psutil.Process().children(recursive=True))  # of a caller that uses this module
    with (
        (root / "snakemake.log").open("ab") as log,
        servers(kinds, environment) as environment,
        _interruptible(root, watcher, profile, others),
    ):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=PROJECT,
            pass_fds=(lock,),
            preexec_fn=end_with_parent,
            start_new_session=True,  # an interrupt at the terminal is this process's to pass on
        )
        peak = _watch(process, watcher)
    if process.returncode < 0:  # its jobs would go on without it
        end_children(others)
        print(f"Snakemake was ended by {signal.Signals(-process.returncode).name}, with its jobs")
    return RunOutcome(process.returncode, watcher.ran, round(peak))


def _watch(process: subprocess.Popen[bytes], watcher: Watcher) -> float:
    """Look on until the process has ended; return the peak memory of all processes, in MiB."""
    peak = 0.0
    for second in itertools.count():
        ended = process.poll() is not None  # before the look, which so sees all that it left
        watcher.look()
        if ended:
            return peak
        if second % MEASURE_EVERY_S == 0:
            peak = max(peak, _memory_mb(os.getpid()))
        time.sleep(1)


@contextlib.contextmanager
def _interruptible(
    root: Path, watcher: Watcher, profile: str, others: Set[psutil.Process]
) -> Iterator[None]:
    """Turn an interrupt or SIGTERM into an orderly stop, and a second one into an immediate.

    `others` are processes of the caller's own, which are left alone.
    """

    def stop(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    # Of both, as a shell has what it starts in the background ignore interrupts.
    # Elsewhere than in the main thread there is no handler to set; the caller interrupts there.
    mine = (signal.SIGINT, signal.SIGTERM) if current_thread() is main_thread() else ()
    before = {one: signal.signal(one, stop) for one in mine}
    try:
        yield
    except KeyboardInterrupt:
        running = ", ".join(watcher.running) or "no notebook"
        print(f"stopping: {running} at work; what is finished is kept", flush=True)
        try:
            end_children(others, GRACE_S)
        except KeyboardInterrupt:
            end_children(others)
        if profile != LOCAL:
            cancel_leftovers(root)
        again = f"the same command continues {root.parent.name}/{root.name}"
        raise CodealignError(f"interrupted; {again}") from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def end_children(others: Set[psutil.Process] = frozenset(), grace_s: float = 0.0) -> None:
    """End what this process has started but for `others`, at any depth; kill what takes longer.

    Those that start others are stopped first, so that none starts meanwhile.
    """
    children = _children(others)
    for signum in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT) if grace_s else ():
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.send_signal(signum)
    if grace_s:
        psutil.wait_procs(children, timeout=grace_s)
    for child in {*children, *_children(others)}:
        with contextlib.suppress(psutil.Error):
            child.kill()
    psutil.wait_procs(children, timeout=GRACE_S)


def _children(others: Set[psutil.Process]) -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child not in others]


def _memory_mb(pid: int) -> float:
    """Return the memory of a process and its descendants in MiB, shared pages counted once."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total / 2**20
