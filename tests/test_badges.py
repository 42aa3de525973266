"""Badges and opening lines: one address, one version, and nothing to do outside of Colab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import codealign
from codealign.badges import BADGE, badge, opening, repository, written
from codealign.paths import PROJECT
from codealign.workflow.plan import NOTEBOOKS


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_the_files_have_the_address_and_the_version(path: Path) -> None:
    assert path.read_text("utf-8") == written()[path], "run python -m codealign.badges"


def test_the_citation_names_the_same_repository() -> None:
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text("utf-8"))
    assert citation["repository-code"] == repository()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_badge_opens_its_notebook_at_this_version(name: str) -> None:
    path = repository().removeprefix("https://github.com/")
    assert f"/github/{path}/blob/v{codealign.__version__}/notebooks/{name}.ipynb)" in badge(name)
    assert (PROJECT / "notebooks" / f"{name}.ipynb").exists()


def test_the_page_about_colab_has_a_badge_for_each_notebook() -> None:
    text = (PROJECT / "docs/how-to/colab.md").read_text("utf-8")
    assert BADGE.findall(text) == list(NOTEBOOKS)


def test_an_older_badge_becomes_the_present_one() -> None:
    older = badge("02_sft").replace(f"v{codealign.__version__}", "v0.0.9")
    assert BADGE.sub(lambda match: badge(match[1]), f"a {older} b") == f"a {badge('02_sft')} b"


def test_outside_of_colab_the_opening_lines_do_nothing() -> None:
    """`get_ipython` is not there in a plain Python: a call of it would fail."""
    told = "print([n for n in globals() if n[:2] != '__'])"
    command = [sys.executable, "-I", "-S", "-c", opening() + told]
    assert subprocess.check_output(command, text=True) == "['sys', 'find_spec']\n"


def test_on_colab_the_opening_lines_install_this_version_where_it_is_missing() -> None:
    """One call of pip, by a stand-in for Colab's notebook; none where the package is there."""
    start = "import sys; sys.modules['google.colab'] = sys\n"
    start += "class Shell:\n def run_line_magic(self, *given): print(given)\n"
    start += "get_ipython = Shell\n"
    command = [sys.executable, "-I", "-S", "-c", start + opening()]
    wanted = f"install -q --no-deps git+{repository()}@v{codealign.__version__}"
    assert subprocess.check_output(command, text=True) == f"{('pip', wanted)}\n"
    there = (
        start + "import types, importlib.machinery as m; found = types.ModuleType('codealign')\n"
    )
    there += "found.__spec__ = m.ModuleSpec('codealign', None); sys.modules['codealign'] = found\n"
    command = [sys.executable, "-I", "-S", "-c", there + opening()]
    assert subprocess.check_output(command, text=True) == ""
