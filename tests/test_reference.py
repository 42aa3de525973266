"""The reference pages are those that the code makes."""

from __future__ import annotations

import pytest

from codealign.params import Params
from codealign.paths import PROJECT
from tools.reference import pages, params_page

PAGES = ("api.md", "commands.md", "params.md")


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_code_makes(name: str) -> None:
    committed = (PROJECT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == pages()[name], "run `python -m tools.reference`"


def test_there_are_no_other_pages() -> None:
    assert sorted(p.name for p in (PROJECT / "docs" / "reference").iterdir()) == list(PAGES)


def test_every_setting_stands_on_the_page_with_its_own_default() -> None:
    page = params_page()
    assert "| `prefs.sampling.temperature` | `float` | `0.8` |" in page
    # a section's own default wins over that of the settings it shares with others
    shown = Params(profile="x").prefs.concepts.max_new_tokens
    assert f"| `prefs.concepts.max_new_tokens` | `int` | `{shown}` |" in page
    assert "| `profile` | `str` | required |" in page
