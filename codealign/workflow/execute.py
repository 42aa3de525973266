"""Execute one notebook job with papermill."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import psutil

from codealign import progress
from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.records import write_text
from codealign.workflow import causes, markers
from codealign.workflow.environment import DRIVER, job_environment
from codealign.workflow.kernels import manager
from codealign.workflow.lock import held
from codealign.workflow.plan import Job, read_plan
from codealign.workflow.state import altered, unchanged
from codealign.workflow.stops import stop_reason, write_stopped

START_S = 600
"""Longest start of a kernel: over a network's file system the first imports can take minutes."""
STOPPED = "papermill-error-cell-tag"
"""Papermill's tag of what it puts before a cell that failed; it takes it away on the next run."""


def execute(notebook: str, executed: str, params_file: str, **options: Any) -> int:
    """Run a job; return 0, or 1 with its error on standard error and in its failure marker.

    `options` are papermill's.

    The executed copy is written whether the notebook fails or not, with the traceback in it. A job
    that a gate stops is not run and says so in its result marker; one whose inputs came out as they
    were before is left as it is.
    """
    os.environ.update(job_environment(os.environ))
    if driver := os.environ.get(DRIVER):
        threading.Thread(target=_end_with, args=(int(driver),), daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    folder = Path(params_file).resolve().parent
    root, name = folder.parents[1], folder.name
    named = {markers.JOB: name, progress.NOTE: str(folder / markers.PROGRESS)}
    os.environ.update(named)
    try:
        # A job orphaned by a killed driver may still be at work: wait for it, never run beside it.
        with held(folder / ".lock", 3600, name):
            return _execute(root, name, notebook, executed, options)
    except Exception as error:  # whatever it is, the driver must be able to report it
        traceback.print_exc()
        return _fail(root, name, f"{type(error).__name__}: {error}")
    finally:
        for variable in named:
            del os.environ[variable]


def _execute(root: Path, name: str, notebook: str, executed: str, options: dict[str, Any]) -> int:
    (job,) = read_plan(root, name)
    if unchanged(root, job):
        print(f"{name}: what it depends on is as it was")
        return 0
    markers.clear(root, name)
    if reason := stop_reason(root, job):
        write_stopped(root, job, reason)
        print(f"{name}: not run: {reason}")
    else:
        for path in altered(root, name):
            markers.put_away(root, path)
        Path(executed).parent.mkdir(parents=True, exist_ok=True)
        if not _papermill(root, job, notebook, executed, options):
            return 1
    if not markers.book(root, name):
        return _fail(root, name, f"{notebook} ended without `job.finish`, and so without a result")
    return 0


def _fail(root: Path, name: str, error: str, cell: int | None = None) -> int:
    print(f"{name} failed: {error}", flush=True)
    with contextlib.suppress(CodealignError, OSError):  # a full disk takes no marker either
        markers.write_failure(root, name, error=error, cell=cell)
    return 1


def _end_with(pid: int) -> None:
    """End this process, and with it its kernel, soon after the process `pid` has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _papermill(root: Path, job: Job, notebook: str, executed: str, options: dict[str, Any]) -> bool:
    """Run the notebook; return whether it came to its end."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    kernels, kills = options.pop("kernel_manager_class", None) or manager(), causes.oom_kills()
    try:
        papermill.execute_notebook(
            notebook,
            executed,
            job.parameters,
            cwd=str(PROJECT),
            progress_bar=False,
            log_output=True,
            report_mode=True,  # folds every cell's code in the executed copy
            kernel_name="python3",
            kernel_manager_class=kernels,
            start_timeout=START_S,
            **options,
        )
    except papermill.PapermillExecutionError as error:
        print(f"its executed copy, with the traceback: {executed}")
        _fail(root, job.name, f"{error.ename}: {error.evalue}", error.exec_count)
    except RuntimeError as error:  # nbclient's DeadKernelError, or jupyter's of a start in vain
        code = kernels.exit_code()
        if code is None and not isinstance(error, DeadKernelError):
            raise
        cause = causes.died("its kernel", code, kills)
        _fail(root, job.name, cause)
        with contextlib.suppress(OSError, ValueError, CodealignError):
            _mark_dead(Path(executed), cause)
    else:
        return True
    return False


def _mark_dead(executed: Path, error: str) -> None:
    """Say in an executed copy at which cell the kernel died; papermill calls the cell completed."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    ran = [
        c for c in notebook.cells if c.metadata.get("papermill", {}).get("status") == "completed"
    ]
    if ran:
        at = notebook.cells.index(ran[-1])
        ran[-1].metadata["papermill"]["status"] = "failed"
        text = f'<span style="color:red">The kernel died in the next cell: {error}</span>'
        cell = nbformat.v4.new_markdown_cell(text, metadata={"tags": [STOPPED]}, id="kernel-died")
        notebook.cells.insert(at, cell)
    write_text(executed, nbformat.writes(notebook) + "\n")
