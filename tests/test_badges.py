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


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outside_of_colab_the_opening_lines_do_nothing(name: str) -> None:
    told = "print([n for n in globals() if n[:2] != '__'], 'subprocess' in sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", opening(name) + told]
    assert subprocess.check_output(command, text=True) == "['sys'] False\n"
