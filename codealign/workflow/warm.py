"""Jobs that start from a process which has imported their libraries already.

Importing the libraries takes longer than most of nano's jobs. So the driver of a run on this
machine starts a server for each kind of notebook; it imports once what they import, and every job
is a fork of it: one process for papermill and, forked from that before either does anything, one
for the kernel. Nothing is shared but what was imported: each job has its own memory, random state,
log and end. Where no server can serve (a GPU in use, threads that a fork would lose), jobs start
by themselves.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from codealign.paths import PROJECT
from codealign.workflow.code import code_cells, code_hash
from codealign.workflow.kernels import Process, manager
from codealign.workflow.notebooks import NOTEBOOKS

FOLDER = "CODEALIGN_WARM"
"""Names the folder with the servers' sockets."""
OFF = "CODEALIGN_COLD"
"""Set to anything, every job starts by itself."""
LATE = {
    "evaluation": ("transformers.models.llama.modeling_llama", "peft", "evalplus.sanitize"),
    "training": ("unsloth", "trl", "peft", "datasets", "codealign.train.trainers"),
}
"""Imported by functions that the notebooks call; Unsloth's must come before all others."""
KINDS = {
    kind: tuple(name for name, spec in NOTEBOOKS.items() if spec.libraries == kind)
    for kind in LATE
}  # fmt: skip
EVERY = ("papermill", "ipykernel.kernelapp", "matplotlib_inline.backend_inline")
FORK_SAFE = "jemalloc_bg_thd"
"""Arrow's allocator's own thread, which it starts again in a fork."""
SEVERAL = 4
"""Jobs of a kind from which a server is worth its start."""


def kinds_of(jobs: Iterable[Any]) -> list[str]:
    """Return the kinds of notebook that a server pays for, of jobs (`plan.Job`) that are to run.

    Notebooks that train without Unsloth have none: its import would change what they compute.
    """
    todo = [] if os.environ.get(OFF) else list(jobs)
    kinds = [k for k, own in KINDS.items() if sum(j.notebook in own for j in todo) >= SEVERAL]
    given = [job.parameters for job in todo]
    stages = [s for g in given for s in (g.get("sft"), *g.get("align", {}).values()) if s]
    plain = any(stage["backend"] != "unsloth" for stage in stages)
    return [kind for kind in kinds if not (kind == "training" and plain)]


@contextlib.contextmanager
def servers(kinds: list[str], environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Run a server for each kind; yield the environment in which jobs find them.

    Parameters
    ----------
    environment : of the servers and so of the jobs' kernels.
    """
    with TemporaryDirectory(prefix="codealign-warm-") as folder:
        here = {**environment, FOLDER: folder}
        command = [sys.executable, "-m", "codealign.workflow.warm"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": here}
        quiet |= {"stderr": subprocess.DEVNULL, "preexec_fn": end_with_parent}
        quiet["cwd"] = PROJECT  # a job's paths are seen from there
        started = []
        for kind in kinds:
            # Listens before the server can answer, so that the first jobs wait for it: by
            # themselves they would import the same at the same time, and share none of it. Closed
            # here, so that they see when a server ends without an answer.
            with _listen(Path(folder) / kind) as listening:
                number = listening.fileno()
                own = [*command, kind, str(number)]
                started.append(subprocess.Popen(own, pass_fds=[number], **quiet))
        try:
            yield here
        finally:
            for process in started:
                process.kill()  # its jobs end with it
                process.wait()


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(64)
    return listening


def end_with_parent(signum: int = signal.SIGTERM) -> None:
    """Have the kernel end this process when its parent dies, however it dies."""
    ctypes.CDLL(None).prctl(1, signum)  # PR_SET_PDEATHSIG


def hand_over(notebook: str, arguments: list[str]) -> int | None:
    """Have a server's fork do a job; return its exit code, None if no server takes it.

    Parameters
    ----------
    arguments : of `execute.execute`. Standard output and error are the job's.
    """
    kind = next((k for k, own in KINDS.items() if Path(notebook).stem in own), "")
    path = Path(os.environ.get(FOLDER, "")) / kind
    if not (kind and FOLDER in os.environ):
        return None
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(str(path))
            socket.send_fds(server, [json.dumps(arguments).encode()], [1, 2])
            taken = server.recv(1)
        except OSError:
            return None
        if not taken:
            return None
        # Taken by a fork: whatever becomes of it, the job is not started a second time.
        code = server.recv(8)
    return int(code) if code else 1


def serve(kind: str, listening: socket.socket) -> None:
    """Import what the notebooks of a kind import, then fork a job for each that asks.

    Jobs that ask before wait. Where no fork is possible it ends, and they start by themselves.
    """
    for name in (*LATE[kind], *EVERY, *_imports(kind)):
        importlib.import_module(name)
    for notebook in KINDS[kind]:  # of the code that its forks run, whatever is edited meanwhile
        for anew, judged in product((True, False), repeat=2):
            code_hash(notebook, anew, judged)
    if not may_fork():
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    gc.collect()
    gc.freeze()  # else the first collection of each fork would write to, and so copy, every object
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _job(client)
        client.close()


def _imports(kind: str) -> list[str]:
    """Return the modules that the notebooks of a kind import in their cells."""
    modules: dict[str, None] = {}
    for notebook in KINDS[kind]:
        for source, _ in code_cells(notebook):
            for node in ast.parse(source).body:
                if isinstance(node, ast.ImportFrom):
                    modules[node.module] = None
                elif isinstance(node, ast.Import):
                    modules.update(dict.fromkeys(alias.name for alias in node.names))
    return list(modules)


def may_fork() -> bool:
    """Tell whether a fork of this process is whole: no thread that it would lose, no GPU in use."""
    names = [p.read_text().strip() for p in Path("/proc/self/task").glob("*/comm")]
    torch = sys.modules.get("torch")
    several = len([name for name in names if name != FORK_SAFE]) > 1
    return not several and not (torch and torch.cuda.is_available())


def _job(client: socket.socket) -> NoReturn:
    """Be a job: papermill here, its kernel in a fork; tell the client how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent()
    message, files, _, _ = socket.recv_fds(client, 1 << 16, 2)
    if not message:  # the client has gone without asking
        os._exit(0)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    try:
        client.send(b"+")  # taken: the client must not start the job itself any more
    except OSError:  # it has gone while it waited
        os._exit(0)
    code = 1
    try:
        # Before anything starts a thread here, which the kernel's fork would lose.
        launch = _forked_kernel(client)
        threading.Thread(target=_end_with, args=(client,), daemon=True).start()
        from codealign.workflow.execute import execute

        code = execute(*json.loads(message), kernel_manager_class=manager(launch))
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - this process has nobody above it to tell
        sys.stdout.flush()
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    with contextlib.suppress(OSError):
        client.send(str(code).encode())
    os._exit(code)


def _end_with(client: socket.socket) -> None:
    """End this process when the client has."""
    with contextlib.suppress(OSError):
        client.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _forked_kernel(client: socket.socket) -> Callable[[str, dict[str, str]], Process]:
    """Fork a process that becomes a kernel when the returned function gives it its connection."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        client.close()
        os.close(writing)
        end_with_parent(signal.SIGKILL)
        _kernel(reading)
    os.close(reading)

    def launch(connection_file: str, environment: dict[str, str]) -> Process:
        start = json.dumps([connection_file, os.getcwd(), environment])
        with os.fdopen(writing, "w") as pipe:
            pipe.write(start)
        return Process(pid)

    return launch


def _kernel(reading: int) -> NoReturn:
    with os.fdopen(reading) as pipe:
        start = pipe.read()
    if not start:  # the job needed no kernel
        os._exit(0)
    connection_file, folder, environment = json.loads(start)
    os.setsid()  # as jupyter starts a kernel: an interrupt at the terminal is not meant for it
    os.environ.update(environment)
    os.chdir(folder)
    random.seed()  # or all forks of a server would draw the same numbers
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    from ipykernel.kernelapp import IPKernelApp

    # Its parent, whose end it watches for; it looks for the variable on import only.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance(argv=["-f", connection_file, parent])
    # `sys.exit` would unwind through the frames of the server and of the job that it was forked in.
    atexit._run_exitfuncs()
    os._exit(0)


if __name__ == "__main__":
    given = socket.socket(fileno=int(sys.argv[2]))
    given.set_inheritable(False)  # of what jobs start, nothing is to hold it open
    serve(sys.argv[1], given)
