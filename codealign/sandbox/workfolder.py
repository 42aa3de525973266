"""Folders on the host for workers: a host holds a lock on each of its own until it ends.

A host that is killed cannot remove its folders. The kernel drops its locks, though, so the next
host knows them for left behind and removes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PREFIX = "codealign-work-"
SELF, NOBODY = -1, 65534
_locks: dict[str, int] = {}  # descriptor that holds the lock, by folder


def make(owner: int = SELF) -> str:
    """Make a folder that only its owner may enter; only root can make one for another user."""
    while True:
        folder = tempfile.mkdtemp(prefix=PREFIX)
        lock = _lock(folder)
        if lock is not None and os.path.isdir(folder):  # no sweep came between
            _locks[folder] = lock
            break
    os.chown(folder, owner, owner)
    return folder


def remove(folder: str) -> None:
    """Remove a folder made here, whatever a program left in it."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if os.path.isdir(folder):  # too deep, or closed
        subprocess.run(["chmod", "-R", "u+rwx", folder], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", folder], check=False)
    if folder in _locks:
        os.close(_locks.pop(folder))


def sweep() -> None:
    """Remove the folders that this user's killed hosts left behind."""
    own = {os.getuid()} | ({NOBODY} if os.getuid() == 0 else set())
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid not in own:
                continue
            lock = _lock(str(folder))
            if lock is not None:
                remove(str(folder))
                os.close(lock)


def _lock(folder: str) -> int | None:
    """Return a descriptor that holds the folder's lock; None if another one does."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
