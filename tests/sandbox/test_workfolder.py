"""Work folders on the host: kept while their host lives, removed by the next one afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codealign.paths import PROJECT
from codealign.sandbox import workfolder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_gone_when_removed_whatever_is_in_it(place: Path) -> None:
    folder = workfolder.make()
    os.makedirs(f"{folder}/a/b", mode=0o700)
    Path(f"{folder}/a/b/c").write_text("x")
    os.chmod(f"{folder}/a", 0)
    workfolder.remove(folder)
    assert list(place.iterdir()) == []


def test_a_sweep_spares_the_folders_of_a_host_that_lives(place: Path) -> None:
    folder = workfolder.make()
    workfolder.sweep()
    assert os.path.isdir(folder)
    workfolder.remove(folder)


def test_a_sweep_removes_what_a_killed_host_left(place: Path) -> None:
    code = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from codealign.sandbox import workfolder\n"
        "print(workfolder.make(), flush=True); os.kill(os.getpid(), 9)"
    )
    folder = subprocess.run(
        [sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ).stdout.strip()
    assert os.path.isdir(folder)
    workfolder.sweep()
    assert list(place.iterdir()) == []


def test_a_sweep_leaves_other_files_and_links_alone(place: Path) -> None:
    (place / "mine").mkdir()
    (place / f"{workfolder.PREFIX}file").write_text("")
    (place / f"{workfolder.PREFIX}link").symlink_to(place / "mine")
    workfolder.sweep()
    assert len(list(place.iterdir())) == 3
