"""`import codealign`: a small, documented, typed interface that starts fast."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import codealign

PUBLIC = [name for name in codealign.__all__ if name != "__version__"]
REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "api.md"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(codealign, name))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_is_annotated(name: str) -> None:
    found = getattr(codealign, name)
    if inspect.isfunction(found):
        assert set(found.__annotations__) == {*inspect.signature(found).parameters, "return"}


def test_importing_it_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'pandas', 'matplotlib'}"
    code = f"import sys, codealign; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_public_lists_those_that_are() -> None:
    with pytest.raises(AttributeError, match="'nothing'; it has .*load_params"):
        codealign.nothing  # noqa: B018


def test_star_import_and_dir_show_the_public_names() -> None:
    assert set(codealign.__all__) <= set(dir(codealign))


def test_type_checkers_see_the_names_that_are_loaded_late() -> None:
    source = Path(codealign.__file__).read_text(encoding="utf-8")
    for name, home in codealign._HOME.items():
        module, _, attribute = home.rpartition(".")
        told = name if name == attribute else f"{attribute} as {name}"
        assert f"codealign.{module}" in source
        assert told in source.replace(f"{name} as {name}", name)


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(codealign.__file__).parent / "py.typed").exists()


def test_the_published_scores_can_be_asked_without_a_notebook() -> None:
    scores = codealign.published_scores()
    summary = codealign.summarise(scores)
    assert set(summary["pathway"]) == {"PTA", "FTA"}
