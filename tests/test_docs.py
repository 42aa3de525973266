"""The pages' commands are run or, where that would take too long, held against what they name."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from textwrap import dedent
from urllib.parse import unquote

import pytest
from made_up_run import write_run

from codealign.cli import build_parser, main
from codealign.evaluate.functional import load
from codealign.records import write_jsonl
from codealign.workflow.code import notebook_parameters

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(PROJECT).as_posix() for page in PAGES]
PARTS = ("notebooks", "params", "workflow")

# What is only checked against the parser, the Makefile and the files it names, and why.
TOO_LONG = {
    r"make \w+.*": "makes an environment of its own, then runs for minutes or hours",
    r"codealign reproduce (?!.*--dry-run).*": "a run, or a stage of one",
    r"codealign evaluate (?!.*--samples .*--data nano).*": "loads a model, or the public files",
    r"codealign (train|merge|push-adapter) .*": "loads a model; in test_adapters.py",
    r"codealign (judge|rating-sheet) .*": "reads a run's answers; in test_judge_again.py",
    r"accelerate launch .*": "a training; run in tests/train/test_processes.py",
    r"papermill .*": "a stage; papermill is run for real in test_notebooks_by_hand.py",
    r"jupyter lab .*": "waits for a person",
    r"python -m codealign.badges": "writes into the source tree; in test_badges.py",
}


@cache
def commands(name: str) -> list[str]:
    """Return the commands of a page's bash blocks, without comments."""
    blocks = re.findall(
        r"^ *```bash\n(.*?)^ *```", (PROJECT / name).read_text("utf-8"), re.S | re.M
    )
    text = "\n".join(blocks).replace("\\\n", " ")
    lines = [re.split(r"(?:^|\s)#", line)[0].strip() for line in text.splitlines()]
    return [part.strip() for line in lines for part in line.split(" && ") if part.strip()]


def too_long(command: str) -> str:
    return next((why for form, why in TOO_LONG.items() if re.fullmatch(form, command)), "")


def runs_here(command: str, name: str) -> bool:
    """Tell whether a page runs a command; one of codealign's own runs on its first page alone."""
    first = next(other for other in NAMES if command in commands(other))
    return first == name or not command.startswith("codealign ")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory) -> Path:
    """Return a project with a plan, two small made-up runs that have scores, and samples."""
    folder = tmp_path_factory.mktemp("laid_out")
    for part in PARTS:
        shutil.copytree(PROJECT / part, folder / part)
    for run, gain in (("nano", 0.0), ("nano_beta", 0.2)):
        write_run(folder / "runs" / run, gain)
    problems = list(load("humaneval", source="nano", limit=2).values())
    solved = [{"task_id": p.task_id, "solution": p.canonical} for p in problems]
    write_jsonl(folder / "samples.jsonl", solved)
    shell("codealign reproduce --dry-run", folder)
    return folder


@pytest.fixture
def project(laid_out: Path, tmp_path: Path, monkeypatch) -> Path:
    """Return a project of one's own, as the working folder."""
    folder = shutil.copytree(laid_out, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder


def run(command: str, folder: Path) -> None:
    """Run a command in the project's folder; codealign's in this process, which saves its start.

    `reproduce` works in the project that its process was started for, so it gets one.
    """
    words = shlex.split(command)
    if words[0] == "codealign" and words[1] != "reproduce" and "<" not in words:
        assert main(words[1:]) == 0, command
    else:
        shell(command, folder)


def shell(command: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {**os.environ, "PATH": path, "CODEALIGN_PROJECT": str(folder)}
    done = subprocess.run(command, shell=True, cwd=folder, env=own, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", [name for name in NAMES if commands(name)])
def test_every_command_works(name: str, project: Path) -> None:
    for command in commands(name):
        if too_long(command):
            check_unrun(command, project)
        elif runs_here(command, name):
            run(command, project)


def check_unrun(command: str, project: Path) -> None:
    """Hold a command that is not run against the parser and the files that it names."""
    words = shlex.split(command)
    if words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=PROJECT, check=True, capture_output=True)
    elif words[0] == "codealign":
        build_parser().parse_args(words[1:])
    elif words[0] == "papermill":
        given = [after for option, after in zip(words, words[1:], strict=False) if option == "-p"]
        assert set(given) <= set(notebook_parameters(Path(words[1]).stem)), command
    for word in words:
        if word.startswith(tuple(f"{part}/" for part in PARTS)):
            assert (project / word).exists(), f"{command}: {word}"


@pytest.mark.parametrize("form", TOO_LONG)
def test_each_exception_is_needed(form: str) -> None:
    assert any(re.fullmatch(form, command) for name in NAMES for command in commands(name))


def links(name: str) -> list[str]:
    """Return the targets of a page's links and pictures that lie in the project."""
    text = re.sub(r"^```.*?^```", "", (PROJECT / name).read_text("utf-8"), flags=re.S | re.M)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """Return what GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in links(name):
        file, _, anchor = unquote(target).partition("#")
        page = (PROJECT / name).parent / file if file else PROJECT / name
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), {PROJECT / "README.md"}
    while todo:
        page = todo.pop()
        seen.add(page)
        name = page.relative_to(PROJECT).as_posix()
        found = {(page.parent / link.split("#")[0]).resolve() for link in links(name)}
        todo |= {f for f in found if f.suffix == ".md" and f.is_file()} - seen
    assert set(PAGES) <= seen


WRITTEN = [n for n in NAMES if n.startswith("docs/") and not n.startswith("docs/reference/")]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_says_for_whom_it_is_and_where_to_go_next(name: str) -> None:
    text = (PROJECT / name).read_text("utf-8")
    assert re.search(r"\A# [^\n]+\n\n\*For ", text)
    assert name == "docs/index.md" or "\n## Where next\n" in text


def blocks(name: str) -> list[str]:
    text = (PROJECT / name).read_text("utf-8")
    return [dedent(b) for b in re.findall(r"^ *```python\n(.*?)^ *```", text, re.S | re.M)]


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(name)])
def test_python_examples_run(name: str, project: Path) -> None:
    for block in blocks(name):
        exec(compile(block, name, "exec"), {"__name__": "example"})


def test_code_blocks_are_of_known_kinds() -> None:
    kinds = {k for n in NAMES for k in re.findall(r"^ *```(\w+)$", (PROJECT / n).read_text(), re.M)}
    assert kinds <= {"bash", "python", "yaml", "json", "text"}
