"""What isolation works on this machine: measured by a program that tries to get out."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.sandbox import workfolder
from codealign.sandbox.inside.child import PID_MARK
from codealign.sandbox.launch import MECHANISMS
from codealign.sandbox.model import Program
from codealign.sandbox.worker import Worker, WorkerLost

CANARY = "CODEALIGN_SANDBOX_CANARY"
ATTEMPTS = {
    "network": "import socket; socket.socket(socket.AF_INET)",
    "unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "fork": "os.fork() or os._exit(0)",
    "reading files": "open(SECRET).read()",
    "writing files": "open(SECRET, 'a')",
    "signals": "os.kill(os.getppid(), 0)",
    "environment": f"os.environ[{CANARY!r}]",
    "memory": "bytearray(8 << 30)",
    "exec": "os.execv('/bin/true', ['true'])",
}
"""What a program must not be able to do, and an attempt at it that raises where it is blocked."""
ADVICE = {
    "bubblewrap": "install it (`apt-get install bubblewrap`) where user namespaces are allowed",
    "landlock": "needs Linux 5.13 or later with Landlock, the packages py-landlock and pyseccomp,"
    " and libseccomp2",
}


@dataclass(frozen=True)
class Capabilities:
    """What the probe found.

    `level` is "strong", "basic" or "none"; `mechanism` the one that gives it; `failed` says for
    each stronger mechanism why it does not serve; `advice` how to get it.
    """

    level: str
    mechanism: str
    failed: dict[str, str]
    advice: dict[str, str]

    @property
    def note(self) -> str:
        """One line for headers and result files."""
        why = "".join(f"; {name}: {reason}" for name, reason in self.failed.items())
        return f"{self.mechanism or 'no mechanism'}{why}"


def capabilities(mechanisms: tuple[str, ...] = MECHANISMS) -> Capabilities:
    """Return the best level that works here; every block must have been seen to block.

    Also removes what killed hosts left in the temporary folder.
    """
    workfolder.sweep()
    failed: dict[str, str] = {}
    for mechanism in mechanisms:
        reason, filtered = try_mechanism(mechanism)
        if not reason and mechanism != "limits":
            return _capabilities("strong", mechanism, failed)
        if mechanism == "limits" and filtered:
            return _capabilities("basic", mechanism, {**failed, mechanism: f"open: {reason}"})
        failed[mechanism] = reason
    return _capabilities("none", "", failed)


def _capabilities(level: str, mechanism: str, failed: dict[str, str]) -> Capabilities:
    advice = {name: ADVICE[name] for name in failed if name in ADVICE}
    return Capabilities(level, mechanism, failed, advice)


def try_mechanism(mechanism: str) -> tuple[str, bool]:
    """Start a worker and try to get out; return what is wrong ("" if nothing) and if it ran.

    The attempt to become another program comes last: where it succeeds, the probe ends there.
    """
    worker = Worker(mechanism, load_filter())
    try:
        with _canary() as secret:
            worker.start()
            program = Program("probe", attempt_all(secret), cpu_s=10, wall_s=30)
            result = worker.receive(program, "none", worker.send(program))
    except (OSError, WorkerLost, ImportError) as error:
        return f"does not work: {error}", False
    finally:
        worker.close()
    if result.verdict != "pass":
        ran = result.verdict != "sandbox_error"
        return f"probe ended with {result.verdict}: {result.detail}", ran
    open_ways = sorted(set(ATTEMPTS) - set(result.stdout.splitlines()))
    return f"does not block {', '.join(open_ways)}" if open_ways else "", True


def attempt_all(secret: str) -> str:
    """A program that prints the name of each attempt that was blocked, and nothing else."""
    lines = ["import os", f"SECRET = {secret!r}"]
    for name, attempt in ATTEMPTS.items():
        lines += ["try:", f"    {attempt}"]
        lines += ["except (OSError, KeyError, MemoryError):", f"    print({name!r}, flush=True)"]
    return "\n".join(lines)


def load_filter() -> bytes:
    """Return the compiled system call filter, or nothing where it is unavailable.

    Without a filter the probe finds network and fork open, so the level is not strong.
    """
    try:
        return compile_filter()
    except (ImportError, OSError, RuntimeError):
        return b""


@contextmanager
def _canary() -> Iterator[str]:
    """A file that every user may read and write, and a variable, which no program may see."""
    folder = Path(workfolder.make())
    secret = folder / "secret"
    secret.write_text(str(time.time()))
    folder.chmod(0o777)
    secret.chmod(0o666)
    os.environ[CANARY] = "seen"
    try:
        yield str(secret)
    finally:
        del os.environ[CANARY]
        workfolder.remove(str(folder))


# The system call filter: an allowlist, compiled once on the host with libseccomp.

ALLOWED = """
    read readv pread64 write writev pwrite64 open openat close close_range lseek
    stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64
    getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
    symlink symlinkat umask ftruncate fsync fdatasync msync flock dup dup2 dup3 pipe pipe2 sendfile
    copy_file_range statfs fstatfs listxattr
    mmap munmap mprotect mremap madvise brk membarrier mbind futex set_robust_list rseq
    set_tid_address exit exit_group rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait
    rt_sigsuspend sigaltstack pause restart_syscall wait4 waitid sched_yield sched_getaffinity
    getcpu arch_prctl clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    alarm setitimer getitimer select pselect6 poll ppoll epoll_create1 epoll_ctl epoll_wait
    epoll_pwait eventfd2 getpid gettid getppid getuid geteuid getgid getegid getgroups getpgrp
    getpgid getsid uname sysinfo getrusage getpriority getrandom getrlimit setrlimit
    socketpair sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername getsockopt
    setsockopt
""".split()
# Landlock does not cover these; programs that tidy up after themselves expect them to work.
PRETENDED = (
    "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat".split()
)
DENIED = "socket fork vfork execve execveat ptrace memfd_create truncate".split()
ON_ITSELF = "kill tgkill prlimit64".split()
CLONE_THREAD = 0x10000
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX; not TIOCSTI, which types into it.
TERMINAL_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# No F_SETOWN or F_SETSIG: they make the kernel signal other processes.
FCNTL_COMMANDS = (*range(8), 36, 37, 38, 1030, 1031, 1032)
PR_SET_NAME = 15
EPERM, ENOSYS = 1, 38


def compile_filter() -> bytes:
    """Return the filter as BPF code, with `PID_MARK` where the process's own id belongs.

    Raises
    ------
    ImportError, OSError
        pyseccomp or libseccomp is not there.
    """
    import pyseccomp as seccomp

    # With ENOSYS libraries fall back as on an older kernel: glibc from clone3, whose flags lie in
    # memory that a filter cannot read, to clone.
    rules = seccomp.SyscallFilter(seccomp.ERRNO(ENOSYS))
    refuse = seccomp.ERRNO(EPERM)

    def add(action: Any, names: list[str], *conditions: Any) -> None:
        for name in names:
            with contextlib.suppress(OSError):  # this processor has no such call
                rules.add_rule(action, name, *conditions)

    add(seccomp.ALLOW, ALLOWED)
    add(seccomp.ERRNO(0), PRETENDED)
    add(refuse, DENIED)
    # A thread may be started, a process not: `clone` makes either, by its flags.
    for value, action in ((CLONE_THREAD, seccomp.ALLOW), (0, refuse)):
        add(action, ["clone"], seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, value))
    add(seccomp.ALLOW, ON_ITSELF, seccomp.Arg(0, seccomp.EQ, PID_MARK))
    add(refuse, ["kill", "tgkill"], seccomp.Arg(0, seccomp.NE, PID_MARK))
    for name, place, values in (
        ("prlimit64", 0, (0,)),
        ("prctl", 0, (PR_SET_NAME,)),
        ("ioctl", 1, TERMINAL_REQUESTS),
        ("fcntl", 1, FCNTL_COMMANDS),
    ):
        for value in values:
            add(seccomp.ALLOW, [name], seccomp.Arg(place, seccomp.EQ, value))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
