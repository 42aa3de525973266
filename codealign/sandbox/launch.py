"""How a worker is started: under bubblewrap, under Landlock, or with resource limits alone."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from codealign.sandbox import workfolder

INSIDE = Path(__file__).resolve().parent / "inside"
MECHANISMS = ("bubblewrap", "landlock", "limits")
"""From the strongest to the weakest; each but the last also uses the system call filter."""
SYSTEM = ("/usr", "/bin", "/lib", "/lib64")
WORK = "/box"  # under bubblewrap: must not cover a folder that a Python may live in
WORK_BYTES = 64 << 20
"""What a program may have in its work folder; bubblewrap also caps the folder itself."""
NOBODY = workfolder.NOBODY


@dataclass(frozen=True)
class Launch:
    """A command, its environment, and the work folder as the worker sees it.

    `folder` is the work folder on the host, to be removed in the end; "" if it is the worker's own.
    `readable` is what Landlock shall let programs read; empty if Landlock is not used.
    """

    command: list[str]
    environment: dict[str, str]
    work: str
    folder: str
    readable: list[str]


def plan(mechanism: str) -> Launch:
    """Prepare a start of a worker with one of `MECHANISMS`; makes its work folder.

    Raises
    ------
    OSError
        A program that the mechanism needs is not installed.
    """
    if mechanism == "bubblewrap":
        return _bubblewrap()
    command, owner = _server(), workfolder.SELF
    if os.getuid() == 0:
        rights, owner = _without_privileges()
        command = rights + command
    folder = workfolder.make(owner)
    readable = [*SYSTEM, *_python_folders()] if mechanism == "landlock" else []
    return Launch(command, _environment(folder), folder, folder, readable)


def _server() -> list[str]:
    return [sys.executable, "-s", "-P", "-B", "-m", "inside.server"]


def _environment(work: str) -> dict[str, str]:
    """The whole environment of a program: built, nothing inherited."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": work,
        "TMPDIR": work,
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(INSIDE.parent),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _python_folders() -> list[str]:
    """Folders of the running Python and of the worker's own code, also behind links."""
    folders = {str(INSIDE)}
    for prefix in (sys.prefix, sys.base_prefix):
        folders |= {prefix, os.path.realpath(prefix)}
    return sorted(folders)


def _bubblewrap() -> Launch:
    program = shutil.which("bwrap")
    if program is None:
        raise FileNotFoundError("bwrap is not installed")
    # A session of its own: else a program could type into the host's terminal (TIOCSTI).
    command = [program, "--unshare-user", "--unshare-all", "--die-with-parent", "--new-session"]
    command += ["--clearenv", "--cap-drop", "ALL", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    command += ["--dev", "/dev"]  # no /proc: for root it would show kernel settings
    for folder in SYSTEM:
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        else:
            command += ["--ro-bind-try", folder, folder]
    for folder in _python_folders():
        if not folder.startswith("/usr"):
            command += ["--ro-bind", folder, folder]
    environment = _environment(WORK)
    for name, value in environment.items():
        command += ["--setenv", name, value]
    command += ["--size", str(WORK_BYTES), "--tmpfs", WORK]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]
    return Launch(command + _server(), environment, WORK, "", [])


def _without_privileges() -> tuple[list[str], int]:
    """Give up root: become nobody or, where nobody may not read this Python, drop capabilities.

    Returns the command that does so, and the owner that the work folder needs.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError("setpriv (util-linux) is not installed, and this user is root")
    # Nobody reads a Python only where others may enter every folder on the way to it.
    places = [Path(p) for p in _python_folders()]
    public = all(p.stat().st_mode & 1 for place in places for p in (place, *place.parents))
    if public:
        return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"], NOBODY
    return [setpriv, "--bounding-set=-all", "--inh-caps=-all"], workfolder.SELF
