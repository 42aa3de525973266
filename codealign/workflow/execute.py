"""Execute one notebook job with papermill."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from codealign.paths import PROJECT
from codealign.workflow.environment import DRIVER, job_environment
from codealign.workflow.lock import held
from codealign.workflow.status import clear_failure, write_failure
from codealign.workflow.stops import stop_reason, write_stopped


def execute(notebook: str, executed: str, params_file: str, **options: Any) -> int:
    """Run a notebook; return 0, or 1 with the failing cell's error on standard error.

    `options` are papermill's.

    The executed copy is written whether the notebook fails or not, with the traceback in it. A job
    that a gate stops is not run and says so in its result marker.
    """
    os.environ.update(job_environment(os.environ))
    if driver := os.environ.get(DRIVER):
        threading.Thread(target=_end_with, args=(int(driver),), daemon=True).start()
    import papermill

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parameters = yaml.safe_load(Path(params_file).read_text(encoding="utf-8"))
    Path(executed).parent.mkdir(parents=True, exist_ok=True)
    folder = Path(params_file).resolve().parent
    # A job orphaned by a killed driver may still be at work: wait for it, never run beside it.
    root, job = folder.parents[1], folder.name
    started, result = time.time(), folder / "result.json"
    with held(folder / ".lock", 3600, job):
        if result.exists() and result.stat().st_mtime > started:
            print(f"{job}: finished by another process meanwhile")
            return 0
        if reason := stop_reason(root, job):
            write_stopped(root, job, reason)
            print(f"{job}: not run: {reason}")
            return 0
        clear_failure(root, job)
        return _papermill(papermill, notebook, executed, parameters, options, (root, job))


def _end_with(pid: int) -> None:
    """End this process, and with it its kernel, soon after the process `pid` has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _papermill(
    papermill: Any,
    notebook: str,
    executed: str,
    parameters: dict[str, Any],
    options: dict[str, Any],
    place: tuple[Path, str],
) -> int:
    try:
        papermill.execute_notebook(
            notebook,
            executed,
            parameters,
            cwd=str(PROJECT),
            progress_bar=False,
            log_output=True,
            kernel_name="python3",
            **options,
        )
    except papermill.PapermillExecutionError as error:
        write_failure(*place, cell=error.exec_count, error=f"{error.ename}: {error.evalue}")
        print(f"{notebook} failed in cell {error.exec_count}: {error.ename}: {error.evalue}")
        print(f"its executed copy, with the traceback: {executed}")
        return 1
    return 0
