"""The host's end of one worker: start it, hand it a program, read the answer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import select
import subprocess
import time
from pathlib import Path

import psutil

from codealign.sandbox import launch, workfolder
from codealign.sandbox.inside import codec, frames
from codealign.sandbox.inside.frames import NAMED
from codealign.sandbox.model import Encoded, Outcome, Program, Result

START_S = 30.0
GRACE_S = 15.0
"""Seconds after a program's wall limit, at which the server should have answered by itself."""
PRELOAD = (
    "ctypes", "collections", "copy", "dataclasses", "datetime", "functools", "heapq", "itertools",
    "json", "math", "operator", "random", "re", "string", "traceback", "typing", "unittest",
)  # fmt: skip
"""Modules a worker imports once, so that programs need not."""


class WorkerLost(Exception):
    """The worker ended, hung or answered nonsense; the message says which."""


class Worker:
    """A running fork server under one mechanism; start with `start`, end with `close`.

    `clean` is False when a program left something that the server could not remove: the worker must
    then be replaced.
    """

    def __init__(self, mechanism: str, bpf: bytes, preload: tuple[str, ...] = ()) -> None:
        self.mechanism, self.bpf, self.preload = mechanism, bpf, PRELOAD + preload
        self.process: subprocess.Popen[bytes] | None = None
        self.clean = True
        self._plan: launch.Launch | None = None

    def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises
        ------
        OSError, WorkerLost
            The mechanism does not work here.
        """
        self._plan, self.clean = launch.plan(self.mechanism), True
        self.process = subprocess.Popen(
            self._plan.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._plan.environment,
            start_new_session=True,  # Ctrl-C is for the host, which then closes its workers
        )
        settings = {
            "filter": self.bpf.hex(),
            "work": self._plan.work,
            "work_bytes": launch.WORK_BYTES,
            "landlock": self._plan.readable,
            "preload": self.preload,
            "hidden": self._plan.environment["PYTHONPATH"],
        }
        try:
            self._write(json.dumps(settings).encode())
            self._read(time.monotonic() + START_S)  # an empty message: its modules are imported
        except WorkerLost:
            self.close()
            raise

    @property
    def server_mb(self) -> int:
        """Peak resident memory of the worker's own processes, in MiB; 0 if it does not run.

        Read from the kernel's account of each process (VmHWM): `ru_maxrss` would also count what
        the host's own process held when it started the worker.
        """
        if self.process is None:
            return 0
        with contextlib.suppress(psutil.NoSuchProcess):
            started = psutil.Process(self.process.pid)
            pids = [p.pid for p in (started, *started.children(recursive=True))]
            return max(map(_peak_mb, pids))
        return 0

    def fileno(self) -> int:
        """Descriptor that is readable when an answer (or the end) has come."""
        assert self.process is not None and self.process.stdout is not None
        return self.process.stdout.fileno()

    def send(self, program: Program) -> float:
        """Hand over a program; return the monotonic time by which its answer must have come."""
        job = {f.name: getattr(program, f.name) for f in dataclasses.fields(program)}
        job["calls"] = [
            [name, given if isinstance(given, Encoded) else codec.dumps(given)]
            for name, given in program.calls
        ]
        self._write(json.dumps(job).encode())
        return time.monotonic() + program.wall_s + GRACE_S

    def receive(self, program: Program, level: str, deadline: float) -> Result:
        """Read the answer to the program sent last."""
        answer = self._read(deadline)
        # The head is the server's own; the outcomes are bytes that a program may have written.
        try:
            head, *outcomes = frames.split(answer)
            report = json.loads(head)
        except ValueError as error:
            raise WorkerLost(f"garbled answer: {error}") from None
        self.clean = report.pop("clean")
        try:
            outputs = [_outcome(o) for o in outcomes]
        except ValueError:
            return Result(program.id, "no_proof", "outcomes were forged", level, report["cpu_s"])
        if report["verdict"] == "fail":
            report["exception"], report["detail"] = _exception(report["detail"])
        return Result(id=program.id, level=level, outputs=outputs, **report)

    def close(self) -> None:
        """End the process and remove its work folder."""
        if self.process is not None:
            self.process.kill()  # its children end with it (PR_SET_PDEATHSIG, or bubblewrap's)
            self.process.communicate()
            self.process = None
        if self._plan is not None:
            if self._plan.folder:
                workfolder.remove(self._plan.folder)
            self._plan = None

    def _write(self, payload: bytes) -> None:
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(frames.pack(payload))
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerLost(f"worker ended: {error}{self._complaint()}") from None

    def _read(self, deadline: float) -> bytes:
        assert self.process is not None and self.process.stdout is not None
        # The deadline is for the first byte: the server writes an answer in one go, when a program
        # has ended, so that the rest waits for nothing.
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self.process.stdout], [], [], left)[0]:
            raise WorkerLost("worker hangs")
        answer = frames.read(self.process.stdout)
        if answer is None:
            raise WorkerLost(f"worker ended{self._complaint()}")
        return answer

    def _complaint(self) -> str:
        assert self.process is not None and self.process.stderr is not None
        self.process.kill()  # else a worker that hangs would never end its errors
        text = self.process.stderr.read().decode("utf-8", "replace").strip()
        return f": {text.splitlines()[-1][:300]}" if text else ""


def _peak_mb(pid: int) -> int:
    """Return a process' peak resident memory in MiB, 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    peak = next((line for line in lines.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(peak.split()[1]) // 1024


def _outcome(data: bytes) -> Outcome:
    """Decode the outcome of a call; ValueError if a hostile program has sent other bytes."""
    kind, rest = data[:1], data[1:]
    cpu, steps, body = rest.split(b" ", 2)
    cost = float(cpu), int(steps)
    if kind == b"v":
        return Outcome(codec.loads(body), "", *cost)
    if kind == b"m":
        return Outcome(error="no such function", missing=True)
    exception, error = _exception(body.decode("utf-8", "replace"))
    return Outcome(None, error, *cost, exception)


def _exception(text: str) -> tuple[str, str]:
    """Return the name of an exception's type, and `Type: message`; "" for what is no exception."""
    name, named, message = text.partition(NAMED)
    return name * bool(named), name + message
