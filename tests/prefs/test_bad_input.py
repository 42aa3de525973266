"""Kills, a full disk and poor input: each one clear line or count, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from tiny import tiny_tokenizer

from codealign.errors import CodealignError
from codealign.params import Prefs
from codealign.prefs.pipeline import run_pipeline
from codealign.prefs.seeds import extract
from codealign.text import chat_prompt

SETTINGS = Prefs(seeds=15, responses=6)
# The pipeline in a process of its own: slow enough to be killed, or with a limit to its files.
RUN = """
import resource, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import HandMadeGenerator, HandMadeSandbox
from codealign.errors import CodealignError
from codealign.params import Prefs
from codealign.prefs.pipeline import run_pipeline

class Slow(HandMadeGenerator):
    def text(self, item, index):
        time.sleep(float(sys.argv[4]))
        return super().text(item, index)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if int(sys.argv[5]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]),) * 2)
try:
    run_pipeline(Path(sys.argv[2]), Prefs(seeds=15, responses=6), Slow(), HandMadeSandbox(),
                 Path(sys.argv[3]), "functional", 0, model="nano")
except CodealignError as error:
    sys.exit(f"codealign: {error}")
"""


def command(candidates: Path, folder: Path, pause: float = 0.0, limit: int = 0) -> list[str]:
    here = Path(__file__).parent
    return [sys.executable, "-c", RUN, *map(str, (here, candidates, folder, pause, limit))]


def run(candidates: Path, generator, sandbox, folder: Path):
    options = {"model": "nano", "report": lambda line: None}
    return run_pipeline(
        candidates, SETTINGS, generator(), sandbox(), folder, "functional", 0, **options
    )


def pairs(folder: Path) -> bytes:
    return (folder / "pairs.jsonl").read_bytes()


def test_kill_9_in_the_middle_of_the_responses_and_a_second_run_give_the_same_pairs(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    process = subprocess.Popen(command(candidates, tmp_path / "killed", pause=0.01))
    partial = tmp_path / "killed" / "responses.jsonl.partial"
    while not (partial.exists() and partial.stat().st_size > 2000):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run(candidates, generator, sandbox, tmp_path / "killed")
    run(candidates, generator, sandbox, tmp_path / "whole")
    assert pairs(tmp_path / "killed") == pairs(tmp_path / "whole") != b""


def test_a_full_disk_is_one_line_and_a_second_run_continues(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "full"
    full = subprocess.run(command(candidates, folder, limit=6000), capture_output=True, text=True)
    assert full.returncode == 1
    assert full.stderr.splitlines()[-1].startswith(f"codealign: {folder}/responses.jsonl.partial: ")
    assert "free space" in full.stderr
    kept = (folder / "responses.jsonl.partial").read_bytes()
    assert kept.endswith(b"}\n")
    rest = generator()
    run_pipeline(candidates, SETTINGS, rest, sandbox(), folder, "functional", 0, model="nano")
    run(candidates, generator, sandbox, tmp_path / "whole")
    assert pairs(folder) == pairs(tmp_path / "whole")
    whole = (tmp_path / "whole" / "responses.jsonl").read_bytes()
    assert rest.asked == whole.count(b"\n") - kept.count(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full_is_one_line(candidates, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        done = subprocess.run(command(candidates, disk), capture_output=True, text=True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.returncode == 1
    assert "cannot be written (No space left on device)" in done.stderr.splitlines()[-1]


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    with pytest.raises(CodealignError, match="no Python file in it; give a folder of sources"):
        extract(tmp_path / "corpus", tmp_path / "out.jsonl")


def test_a_corpus_without_a_usable_function_says_so_before_anything_is_asked(
    generator, sandbox, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "bare.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "corpus" / "latin.py").write_bytes(b"x = '\xe9'\n")
    extraction = extract(tmp_path / "corpus", tmp_path / "out.jsonl")
    assert extraction.line() == (
        "seeds: 0 of 1 functions kept; 1 no docstring; 1 files that are not UTF-8"
    )
    with pytest.raises(CodealignError, match="no seed function passed the filters"):
        run(extraction.path, generator, sandbox, tmp_path / "run")


def test_a_template_without_its_field_stops_the_run_before_anything_is_asked(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    texts = {"concepts": "{snippet}", "instruction": "{concepts}", "response": "{instructon}"}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text)
    settings = SETTINGS.model_copy(update={"templates": str(tmp_path)})
    asked = generator()
    with pytest.raises(CodealignError) as error:
        run_pipeline(candidates, settings, asked, sandbox(), tmp_path / "run", "functional", 0)
    assert str(error.value).splitlines() == [
        f"{tmp_path}/response.txt: missing field {{instruction}}",
        f"{tmp_path}/response.txt: unknown field {{instructon}}",
    ]
    assert asked.asked == 0


def test_a_model_without_chat_template_is_refused_before_anything_is_asked(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    asked, chat = generator(), partial(chat_prompt, tiny_tokenizer())
    with pytest.raises(CodealignError, match="no chat template; use a finetuned variant"):
        run_pipeline(
            candidates, SETTINGS, asked, sandbox(), tmp_path / "run", "functional", 0, chat=chat
        )
    assert asked.asked == 0
