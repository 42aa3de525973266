"""An audit hook that reports attempts to reach the runner's own state.

The proof of a pass lies in the memory of the process that also runs the program. The hook reports
the ways by which Python code gets at another frame's variables. It is an alarm, not a wall: a
program written against it in particular may still get by. Where a forged pass would matter
(benchmarks) the expected values stay outside the sandbox, and there is nothing to steal.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

LIBRARY = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<frozen ")
FRAME_ATTRIBUTES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame", "f_code")
FROM_LIBRARY = {"sys._getframe", "compile", "marshal.loads", "code.__new__"}
NEVER = {
    "sys._current_frames", "sys._current_exceptions", "sys.settrace", "sys.setprofile",
    "gc.get_objects", "gc.get_referrers", "gc.get_referents", "ctypes.dlopen", "ctypes.dlsym",
    "ctypes.string_at", "ctypes.cdata", "ctypes.call_function",
}  # fmt: skip
# Functions of the library that hand a frame to their caller.
DEPUTIES = {("inspect.py", None), ("bdb.py", None), ("base_tasks.py", None)}
DEPUTIES_IF_CALLED_OUTSIDE = {
    ("traceback.py", "walk_tb"), ("traceback.py", "walk_stack"), ("__init__.py", "<lambda>"),
    ("__init__.py", "currentframe"),
}  # fmt: skip


def install(report: Callable[[str], None], own: tuple[CodeType, ...]) -> None:
    """Report the name of each suspicious event from now on, for the rest of the process.

    Parameters
    ----------
    report : called with the event's name; must not raise.
    own : code of the runner that may do what programs may not.
    """
    get_frame = sys._getframe
    busy: list[int] = []

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if busy or not _watched(event, args):
            return
        busy.append(1)
        try:
            frame = get_frame(1)
            if not (frame is not None and frame.f_code in own) and not _innocent(event, frame):
                report(event)
        finally:
            busy.clear()

    sys.addaudithook(hook)


def _watched(event: str, args: tuple[Any, ...]) -> bool:
    if event == "object.__getattr__":
        return args[1] in FRAME_ATTRIBUTES
    if event == "compile":
        return str(args[1]).startswith(LIBRARY)
    return event in FROM_LIBRARY or event in NEVER


def _innocent(event: str, frame: FrameType | None) -> bool:
    """Whether the event comes from the library at work, not from a program that uses it."""
    if event in NEVER or frame is None or not _in_library(frame):
        return False
    file, name = frame.f_code.co_filename.rsplit("/", 1)[-1], frame.f_code.co_name
    if (file, None) in DEPUTIES:
        return False
    if (file, name) in DEPUTIES_IF_CALLED_OUTSIDE:
        return frame.f_back is not None and _in_library(frame.f_back)
    return True


def _in_library(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(LIBRARY)
