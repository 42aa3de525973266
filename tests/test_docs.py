"""The pages' commands are run or, where that would take too long, held against what they name.

Most of those that take long are run by `make check`: `test_docs_long.py`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from urllib.parse import unquote

import pytest
from chat_server import Server, completion
from documented import (
    NAMES,
    PAGES,
    PARTS,
    PROJECT,
    commands,
    few_public_problems,
    lay_out,
    run,
    shell,
)
from made_up_run import write_run

from codealign.cli import build_parser
from codealign.records import Answer, Rating, write_jsonl
from codealign.workflow.code import notebook_parameters

# What is only checked against the parser, the Makefile and the files it names here, and why.
TOO_LONG = {
    r"make \w+.*": "makes an environment of its own, then runs for minutes or hours",
    r"codealign reproduce (?!.*--dry-run).*": "a run; planned here, in test_docs_long.py run",
    r"codealign evaluate .*--model (?!my-model).*": "loads a model; in test_docs_long.py",
    r"codealign (train|merge|push-adapter) .*": "needs a training; in test_docs_long.py",
    r"accelerate launch .*": "a training; in test_docs_long.py",
    r"papermill .*": "a stage; in test_docs_long.py",
    r"jupyter lab .*": "waits for a person",
    r"python -m tools.badges .*": "writes into the source tree; in test_badges.py",
}
REPLY = completion("It is fine.\nRating: [[8]]")


def too_long(command: str) -> str:
    return next((why for form, why in TOO_LONG.items() if re.fullmatch(form, command)), "")


def runs_here(command: str, name: str) -> bool:
    """Tell whether a page runs a command; one of codealign's own runs on its first page alone."""
    first = next(other for other in NAMES if command in commands(other))
    return first == name or not command.startswith("codealign ")


FREEZE = """
import sys
from codealign.params import load_params
from codealign.workflow.plan import freeze, make_plan
params = load_params(sys.argv[1])
run = f"runs/{params.profile}"
freeze(make_plan(params, run), run, params.note)
"""


def freeze_plan(profile: Path | str, folder: Path) -> None:
    """Leave what a run leaves first, for commands that look at it: a dry run writes nothing."""
    shell(f"python -c {shlex.quote(FREEZE)} {profile}", folder)


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory) -> Path:
    """Return a project with a plan, and two small made-up runs that have scores and answers."""
    folder = lay_out(tmp_path_factory.mktemp("laid_out"))
    for name, gain in (("nano", 0.0), ("nano_beta", 0.2)):
        write_run(folder / "runs" / name, gain)
    codal = folder / "runs/nano/evals/nano/pretrained/non_functional/base/codal"
    answers = [Answer(f"p{i}", "style", f"Task {i}.", "", "ref", "a") for i in range(2)]
    write_jsonl(codal / "answers.jsonl", answers)
    ratings = [Rating(a.id, a.dimension, "static", 5.0, "", "") for a in answers]
    write_jsonl(codal / "ratings.jsonl", ratings)
    shell("codealign reproduce --dry-run", folder)
    freeze_plan("params/nano.yaml", folder)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A model at a server: as a judge it rates with 8, as a programmer it writes nothing."""
    found = Server(lambda k, prompt: (200, {}, REPLY))
    yield found
    found.http.shutdown()


@pytest.fixture
def project(laid_out: Path, server: Server, tmp_path: Path, monkeypatch) -> Path:
    """Return a project of one's own, as the working folder."""
    folder = shutil.copytree(laid_out, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    # OpenAI's prices hold for addresses of its own
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.replace("/v1", "/api.openai.com/v1"))
    for place, path in few_public_problems(folder).items():
        monkeypatch.setattr(place, path)
    return folder


@pytest.mark.parametrize("name", [name for name in NAMES if commands(name)])
def test_every_command_works(name: str, project: Path, server: Server) -> None:
    for command in commands(name):
        if too_long(command):
            check_unrun(command, project)
        elif runs_here(command, name):
            run(command.replace("http://localhost:8000/v1", server.url), project)


def check_unrun(command: str, project: Path) -> None:
    """Hold a command that is not run against the parser and the files that it names."""
    words = shlex.split(command)
    if words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=PROJECT, check=True, capture_output=True)
    elif words[0] == "codealign":
        build_parser().parse_args(words[1:])
        planned = f"{command} --dry-run"
        if words[1] == "reproduce":
            if not any(planned in commands(page) for page in NAMES):
                shell(planned, project)
            freeze_plan(build_parser().parse_args(words[1:]).params, project)
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
