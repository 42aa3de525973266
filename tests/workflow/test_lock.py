"""Locks: one holder at a time, gone with the process, kept by a child that inherits them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codealign.errors import CodealignError
from codealign.workflow.lock import held

HOLD = """
import sys, time
from pathlib import Path
from codealign.workflow.lock import held
with held(Path(sys.argv[1]), 0, "x"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_holder_is_refused(tmp_path) -> None:
    process = holder(tmp_path / "lock")
    try:
        with pytest.raises(CodealignError, match="runs/x is at work in another process"):
            with held(tmp_path / "lock", 0, "runs/x"):
                pass
    finally:
        process.kill()
        process.wait()


def test_a_killed_holder_leaves_no_lock(tmp_path) -> None:
    process = holder(tmp_path / "lock")
    process.kill()
    process.wait()
    with held(tmp_path / "lock", 0, "x"):
        pass


def test_a_child_with_the_descriptor_keeps_the_lock(tmp_path) -> None:
    with held(tmp_path / "lock", 0, "x") as descriptor:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(descriptor,))
    try:
        with pytest.raises(CodealignError), held(tmp_path / "lock", 0, "x"):
            pass
    finally:
        child.kill()
        child.wait()
