"""The commands of the documentation, and what it takes to run them."""

from __future__ import annotations

import gzip
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from codealign.cli import main
from codealign.evaluate.functional.registry import load
from codealign.paths import NANO_DATA
from codealign.records import write_jsonl

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(PROJECT).as_posix() for page in PAGES]
PARTS = ("notebooks", "params", "workflow")
FEW = 2
"""Problems of each benchmark in the files that stand for the public ones."""


@cache
def commands(name: str) -> list[str]:
    """Return the commands of a page's bash blocks, without comments."""
    blocks = re.findall(
        r"^ *```bash\n(.*?)^ *```", (PROJECT / name).read_text("utf-8"), re.S | re.M
    )
    text = "\n".join(blocks).replace("\\\n", " ")
    lines = [re.split(r"(?:^|\s)#", line)[0].strip() for line in text.splitlines()]
    return [part.strip() for line in lines for part in line.split(" && ") if part.strip()]


def lay_out(folder: Path) -> Path:
    """Copy what a run reads to an empty folder."""
    for part in PARTS:
        shutil.copytree(PROJECT / part, folder / part)
    return folder


def run(command: str, folder: Path) -> None:
    """Run a command in the project's folder; codealign's in this process, which saves its start.

    `reproduce` works in the project that its process was started for, so it gets one.
    """
    words = shlex.split(command)
    if words[:2] == ["codealign", "evaluate"] and "--samples" in words:
        write_samples(words[2], folder / "samples.jsonl")
    if words[0] == "codealign" and words[1] != "reproduce" and "<" not in words:
        assert main(words[1:]) == 0, command
    else:
        shell(command, folder)


def shell(command: str, folder: Path, **more: str) -> None:
    """Run a command as a process of its own, with more environment variables."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {**os.environ, "PATH": path, "CODEALIGN_PROJECT": str(folder), **more}
    done = subprocess.run(command, shell=True, cwd=folder, env=own, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def write_samples(benchmark: str, path: Path) -> None:
    """Write the canonical solutions of the few problems of a benchmark."""
    problems = load(benchmark, source="nano", limit=FEW).values()
    joiner = "\n" if benchmark.startswith("evoeval") else ""
    write_jsonl(
        path,
        [{"task_id": p.task_id, "solution": p.prompt + joiner + p.canonical} for p in problems],
    )


def few_public_problems(folder: Path) -> dict[str, str]:
    """Write files of a few problems in the public formats; return the loaders' settings for them.

    The problems are nano's. evalplus and evoeval read such a file in place of what they fetch.
    """
    for benchmark, name in (
        ("humaneval_plus", "HumanEvalPlus.jsonl.gz"),
        ("mbpp_plus", "MbppPlus.jsonl.gz"),
        ("evoeval_difficult", "EvoEval_difficult.jsonl"),
    ):
        opener = gzip.open if name.endswith(".gz") else open
        with gzip.open(NANO_DATA / f"{benchmark}.jsonl.gz", "rt", encoding="utf-8") as source:
            with opener(folder / name, "wt", encoding="utf-8") as file:
                file.writelines(itertools.islice(source, FEW))
    return {
        "evalplus.data.humaneval.HUMANEVAL_OVERRIDE_PATH": f"{folder}/HumanEvalPlus.jsonl.gz",
        "evalplus.data.mbpp.MBPP_OVERRIDE_PATH": f"{folder}/MbppPlus.jsonl.gz",
        "evoeval.data.EVOEVAL_OVERRIDE_PATH": str(folder),
        "evoeval.data.CACHE_DIR": str(folder / "cache"),
    }
