"""Notebooks: parameters cell, no outputs, short cells, no shell, declared by the plan."""

from __future__ import annotations

import ast
import json
import re

import pytest

from codealign.workflow.code import code_cells, computing, notebook_parameters, notebook_path
from codealign.workflow.notebooks import NOTEBOOKS, SHOWING


def cells(name: str) -> list[dict]:
    return json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]


def test_the_folder_holds_exactly_the_planned_notebooks() -> None:
    folder = notebook_path("01_preferences").parent
    assert sorted(p.stem for p in folder.glob("*.ipynb")) == sorted(NOTEBOOKS)


def text(cell: dict) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_opens_with_a_title_and_its_question(name: str) -> None:
    first = cells(name)[0]
    assert first["cell_type"] == "markdown"
    assert text(first).startswith("# ")
    assert text(first).rstrip().endswith("?")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_how_it_is_made_comes_after_the_answer_with_paper_inputs_outputs_and_cost(name) -> None:
    fourth = cells(name)[3]
    assert text(fourth).startswith("## How\n")
    for word in ("Paper", "Inputs", "Outputs", "Needs"):
        assert f"**{word}" in text(fourth)


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
def test_code_is_folded_in_jupyterlab_and_colab_but_for_the_parameters(name: str) -> None:
    for cell in (c for c in cells(name) if c["cell_type"] == "code"):
        about = cell["metadata"]
        if about["tags"] != ["parameters"]:
            assert "hide-input" in about["tags"]
            assert about["jupyter"] == {"source_hidden": True}
            assert about["cellView"] == "form"


def bound(source: str) -> set[str]:
    """Return the names that a cell binds."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_cell_rebinds_a_parameter(name: str) -> None:
    for source, tags in code_cells(name):
        if "parameters" not in tags:
            assert not bound(source) & set(notebook_parameters(name)), source


def calls(source: str) -> list[str]:
    """Return what is called at the top level of a cell, e.g. `notebook.answer`."""
    return [ast.unparse(n.func) for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_setup_cell_holds_imports_and_one_call(name: str) -> None:
    (setup,) = [computing(source) for source, tags in code_cells(name) if "setup" in tags]
    assert calls(setup) == ["open_notebook"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_shows_one_answer_with_its_picture_and_ends_once(name: str) -> None:
    called = [call for source, _ in code_cells(name) for call in calls(source)]
    assert called.count("notebook.answer") == called.count("notebook.finish") == 1
    (answer,) = [
        node
        for source, _ in code_cells(name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "notebook.answer"
    ]
    assert len(answer.args) == 2 or "notebook.picture_on_top" in called


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name not in SHOWING])
def test_a_stage_is_one_call(name: str) -> None:
    """What decides its result is in `codealign.stages`; a notebook only shows it."""
    called = [call for source, _ in code_cells(name) for call in calls(source)]
    assert len([call for call in called if call.startswith("run_")]) == 1


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
    assert with_lines == [("setup", "hide-input")]
    assert cells(name)[2]["metadata"]["tags"] == ["setup", "hide-input"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_heading_goes_before_every_code_cell_of_the_body(name: str) -> None:
    kinds = [c["cell_type"] for c in cells(name)]
    for before, kind in zip(kinds[2:], kinds[3:], strict=False):
        assert not (before == kind == "code"), "two code cells without prose between"
