"""The warm fork server of one worker: reads jobs, forks a child for each, judges how it ended.

Started by `codealign.sandbox.launch`, never by hand. Talks in length-prefixed messages on standard
input and output: a job is a line of JSON, an answer is a line of JSON followed by the messages with
the outcomes of the job's calls.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import importlib
import json
import os
import secrets
import shutil
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from operator import call
from typing import IO, Any

from . import child, frames
from .supervise import Watch, watch

PR_SET_DUMPABLE = 4
STACK = 8 << 20
"""Bytes of stack for a program's main thread: what Linux gives a process by default."""
Pipe = tuple[int, int]


def main() -> None:
    """Set up as standard input's first message says, then serve until it closes."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    settings = json.loads(frames.read(jobs) or b"{}")
    # What a preloaded module prints must not get among the answers.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    _prepare(settings)
    answers.write(frames.pack(b"{}"))
    answers.flush()
    _in_c(partial(_until_child, jobs, answers, settings))
    threading.Event().wait()  # for ever: the other thread serves, and ends the process


def _in_c(until_child: Callable[[], Iterator[child.Step]]) -> None:
    """Call `until_child`, then each step that it returns in a child, from C code of a new thread.

    So a program runs on a stack without any frame of the runner, as Python itself would run it, and
    finds nothing to look into. In the child the thread is the main thread.
    """
    source = iter(until_child, None)
    steps = chain.from_iterable(source)
    each = map(call, steps)
    arguments = (each, 0)  # deque(each, 0) runs through an iterator in C and keeps nothing
    child.hide(source, steps, each, arguments)
    _thread.stack_size(STACK)
    _thread.start_new_thread(deque, arguments)
    _thread.stack_size(0)


def _until_child(
    jobs: IO[bytes], answers: IO[bytes], settings: dict[str, Any]
) -> Iterator[child.Step]:
    """Serve; return only in a forked child, with the steps of its job."""
    bpf = bytes.fromhex(settings["filter"])
    try:
        while (message := frames.read(jobs)) is not None:
            job = {**json.loads(message), "disk_bytes": settings["work_bytes"]}
            nonce, pipes = secrets.token_hex(16).encode(), (os.pipe(), os.pipe())
            pid = os.fork()
            if pid == 0:
                return _child(job, nonce, bpf, *(write for _, write in pipes))
            answers.write(frames.pack(_answer(job, nonce, pid, pipes, settings["work"])))
            answers.flush()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _prepare(settings: dict[str, Any]) -> None:
    for name in settings["preload"]:
        importlib.import_module(name)
    libc = ctypes.CDLL(None)
    libc.prctl(child.PR_SET_PDEATHSIG, child.SIGKILL, 0, 0, 0)  # no server outlives its host
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # programs cannot read its memory through /proc
    os.chdir(settings["work"])
    if settings["landlock"]:
        _landlock(settings["work"], settings["landlock"])
    for name in [n for n in sys.modules if n.split(".")[0] == __package__]:
        del sys.modules[name]  # programs find nothing of the runner to import
    sys.path[:] = [p for p in sys.path if p != settings["hidden"]]
    gc.collect()
    gc.freeze()  # else a child's collections would write to, and so copy, every shared page


def _landlock(work: str, readable: list[str]) -> None:
    from py_landlock import AccessFs, Landlock

    rules = Landlock(strict=False).allow_read_write(work)
    rules.allow_read(*(p for p in readable if os.path.exists(p)))
    rules.add_path_rule("/dev/null", access=AccessFs.READ_FILE | AccessFs.WRITE_FILE)
    rules.add_path_rule("/dev/urandom", access=AccessFs.READ_FILE)
    rules.apply()


def _child(
    job: dict[str, Any], nonce: bytes, bpf: bytes, out: int, result: int
) -> Iterator[child.Step]:
    try:
        return child.prepare(job, nonce, bpf, out, result)
    except BaseException as error:
        os.write(1, f"set-up failed: {error!r}".encode())
        os._exit(98)


def _answer(
    job: dict[str, Any], nonce: bytes, pid: int, pipes: tuple[Pipe, Pipe], work: str
) -> bytes:
    """Watch a child to its end; return what the host is told of it."""
    for _, write in pipes:
        os.close(write)
    seen = watch(pid, *(read for read, _ in pipes), work, job)
    verdict, detail, outcomes = judge(seen, nonce, job)
    report = {
        "verdict": verdict,
        "detail": detail,
        "limit": seen.stopped,
        "cpu_s": seen.cpu_s,
        "stdout": seen.output.decode("utf-8", "replace"),
        "cut": seen.cut,
        "clean": _clean(work),
    }
    return frames.pack(json.dumps(report).encode()) + b"".join(map(frames.pack, outcomes))


def judge(seen: Watch, nonce: bytes, job: dict[str, Any]) -> tuple[str, str, list[bytes]]:
    """Return verdict, detail and the outcomes of calls that a finished child earned."""
    messages, torn = _messages(seen.result)
    outcomes = [m[1:] for m in messages if m[:1] == child.OUTCOME]
    ready = bool(messages) and messages[0][:1] == child.READY
    end = messages[-1] if messages and not torn else b""
    verdict, detail = _verdict(seen, job, ready, end, nonce)
    alarms = sorted({m[1:].decode() for m in messages if m[:1] == child.SUSPICION})
    if alarms and verdict == "pass":
        why = f"it may have stopped the count of its instructions: {', '.join(alarms)[:300]}"
        return "suspect", why, outcomes
    if verdict == "pass" and len(outcomes) != len(job["calls"]):
        return "no_proof", "outcomes were forged", []
    return verdict, detail, outcomes[: len(job["calls"])]


def _messages(data: bytes) -> tuple[list[bytes], bool]:
    messages: list[bytes] = []
    try:
        for message in frames.split(data):
            messages.append(message)
    except ValueError:
        return messages, True
    return messages, False


def _verdict(
    seen: Watch, job: dict[str, Any], ready: bool, end: bytes, nonce: bytes
) -> tuple[str, str]:
    # What the server saw itself comes first: a message may be the program's own.
    kind, text = end[:1], end[1:].decode("utf-8", "replace")
    if seen.stopped in ("wall", "call", "idle"):
        return "timeout", f"stopped after {seen.wall_s:.1f} s ({seen.stopped} limit)"
    if seen.stopped == "cpu" or seen.cpu_s > job["cpu_s"]:
        return "timeout", f"over {job['cpu_s']} s of CPU time"
    if seen.stopped == "size":
        return "fail", "its outcomes are too large"
    if seen.stopped == "disk":
        return "fail", f"over {job['disk_bytes'] >> 20} MiB or too many files in its work folder"
    if not ready:
        return "sandbox_error", seen.output.decode("utf-8", "replace")[:300] or "child never ready"
    if os.WIFSIGNALED(seen.status):
        return "crash", f"killed by signal {os.WTERMSIG(seen.status)}"
    if kind == child.PROOF and end[1:] == nonce and seen.status == 0:
        return "pass", ""
    if kind == child.ERROR:
        return "fail", text
    if kind == child.EXIT:
        return "no_proof", text
    code = os.waitstatus_to_exitcode(seen.status)
    if code:
        return "fail", f"left with exit code {code}"
    return "no_proof", "left with exit code 0 before its end"


def _clean(work: str) -> bool:
    """Empty the work folder; False if something resists."""
    try:
        for entry in os.scandir(work):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
    except (OSError, RecursionError):
        return False
    return True


if __name__ == "__main__":
    main()
