"""Notebooks: parameters cell, no outputs, short cells, no shell, declared by the plan."""

from __future__ import annotations

import ast
import json
import re

import pytest

from codealign.workflow.code import code_cells, computing, notebook_parameters, notebook_path
from codealign.workflow.plan import NOTEBOOKS


def cells(name: str) -> list[dict]:
    return json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]


def test_the_folder_holds_exactly_the_planned_notebooks() -> None:
    folder = notebook_path(NOTEBOOKS[0]).parent
    assert sorted(p.stem for p in folder.glob("*.ipynb")) == sorted(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_opens_with_title_paper_inputs_outputs_and_cost(name: str) -> None:
    first = cells(name)[0]
    text = "".join(first["source"])
    assert first["cell_type"] == "markdown"
    assert text.startswith("# ")
    for word in ("Paper", "Inputs", "Outputs", "Needs"):
        assert f"**{word}" in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_second_cell_holds_at_most_eight_commented_literals(name: str) -> None:
    second = cells(name)[1]
    source = "".join(second["source"])
    assert second["metadata"]["tags"] == ["parameters"]
    assert 1 <= len(notebook_parameters(name)) <= 8
    for line in source.splitlines():
        assert "#" in line, f"no comment: {line}"
    for node in ast.parse(source).body:
        ast.literal_eval(node.value)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_committed_without_outputs(name: str) -> None:
    for cell in cells(name):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_cells_are_short_and_call_no_shell(name: str) -> None:
    for source, tags in code_cells(name):
        lines = [line for line in source.splitlines() if line.strip()]
        assert len(lines) <= 8 or "parameters" in tags or "setup" in tags, source
        assert not source.lstrip().startswith(("!", "%"))
        assert not re.search(r"\bpip\b", computing(source)), "pip outside of Colab"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_only_its_third_cell_has_lines_for_colab(name: str) -> None:
    with_lines = [tags for source, tags in code_cells(name) if computing(source) != source]
    assert with_lines == [("setup",)]
    assert cells(name)[2]["metadata"]["tags"] == ["setup"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_heading_goes_before_every_code_cell_of_the_body(name: str) -> None:
    kinds = [c["cell_type"] for c in cells(name)]
    for before, kind in zip(kinds[2:], kinds[3:], strict=False):
        assert not (before == kind == "code"), "two code cells without prose between"
