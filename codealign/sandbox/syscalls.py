"""The system call filter: an allowlist, compiled once on the host with libseccomp."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

from codealign.sandbox.inside.child import PID_MARK

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

    rules = seccomp.SyscallFilter(seccomp.ERRNO(ENOSYS))
    refuse = seccomp.ERRNO(EPERM)

    def add(action: Any, names: list[str], *conditions: Any) -> None:
        for name in names:
            with contextlib.suppress(OSError):  # this processor has no such call
                rules.add_rule(action, name, *conditions)

    add(seccomp.ALLOW, ALLOWED)
    add(seccomp.ERRNO(0), PRETENDED)
    add(refuse, DENIED)
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
    return _export(rules)


def _export(rules: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
