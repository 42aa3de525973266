"""The processor's count of a process's instructions, where machine and kernel give it.

Asked of the kernel directly (`perf_event_open`): the count of this thread in user mode, which an
unprivileged process may have of itself where `perf_event_paranoid` is at most 2. Virtual machines
often have no such counter.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Callable

CALL = {"x86_64": 298, "aarch64": 241}
HARDWARE, INSTRUCTIONS = 0, 1
ATTRIBUTES = struct.Struct("<IIQQQQQIIQ")
EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 5, 1 << 6


def open_counter(kind: int = HARDWARE, event: int = INSTRUCTIONS) -> int:
    """Return a descriptor that counts an event of this thread from now on; -1 if there is none."""
    number = CALL.get(platform.machine())
    if number is None:
        return -1
    flags = EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR
    attributes = ATTRIBUTES.pack(kind, ATTRIBUTES.size, event, 0, 0, 0, flags, 0, 0, 0)
    return ctypes.CDLL(None).syscall(number, attributes, 0, -1, -1, 0)


def read_counter(descriptor: int, read: Callable[[int, int], bytes] = os.read) -> int:
    """Return the count until now; 0 if there is no counter."""
    return struct.unpack("<Q", read(descriptor, 8))[0] if descriptor >= 0 else 0
