"""Locks that end with the process that holds them, so that a kill never leaves one behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codealign.errors import CodealignError
from codealign.records import unwritable


@contextmanager
def held(path: Path, wait_s: float, what: str) -> Iterator[int]:
    """Hold an exclusive lock on `path`; yield its file descriptor. Waiting is announced.

    A child process that inherits the descriptor keeps the lock as long as it lives.

    Parameters
    ----------
    wait_s : seconds to wait for another holder.
    what : what is locked, for the error.

    Raises
    ------
    CodealignError
        Another process still holds it after `wait_s`, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise unwritable(path.parent, error) from None
    try:
        deadline, announced = time.monotonic() + wait_s, False
        while not _try(descriptor):
            if not announced:
                print(f"{what}: another process is at work on it; waiting", flush=True)
                announced = True
            if time.monotonic() > deadline:
                raise CodealignError(f"{what} is at work in another process; wait for it or end it")
            time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock on `path`; nothing is written."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared, as file systems of clusters give no exclusive lock on what is open for reading.
        return not _try(descriptor, fcntl.LOCK_SH)
    except OSError:
        return False
    finally:
        os.close(descriptor)
