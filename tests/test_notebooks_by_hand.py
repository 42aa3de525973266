"""Notebooks as a person runs them: all cells in Jupyter, or papermill with a whole profile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml
from nbclient import NotebookClient

PROJECT = Path(__file__).resolve().parents[1]
NAME = "06_survey_kappa"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    for folder in ("notebooks", "params"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    monkeypatch.setenv("CODEALIGN_PROJECT", str(tmp_path))
    return tmp_path


def outputs(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    (cell,) = [c for c in notebook.cells if tag in c.metadata.get("tags", ())]
    return cell.outputs


def result(project: Path) -> dict:
    return json.loads((project / f"runs/nano/jobs/{NAME}/result.json").read_text())


def test_all_cells_run_as_opened_with_the_profiles_settings(project: Path) -> None:
    path = project / "notebooks" / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert result(project)["provenance"]["settings"]["survey"]["bootstrap"] == 2000
    assert (project / "runs/nano/survey.csv").exists()
    assert_result_on_top(notebook)


def test_papermill_takes_a_whole_profile(project: Path) -> None:
    parameters = yaml.safe_load((project / "params/nano.yaml").read_text())
    parameters["survey"] = {"bootstrap": 150}
    papermill.execute_notebook(
        project / "notebooks" / f"{NAME}.ipynb", project / "out.ipynb", parameters,
        cwd=project, progress_bar=False,
    )  # fmt: skip
    assert result(project)["provenance"]["settings"]["survey"]["bootstrap"] == 150
    executed = nbformat.read(project / "out.ipynb", as_version=4)
    assert_result_on_top(executed)
    # the kappa's picture on top, the survey's below: this run has no stages to compare
    assert pictures(executed) == 2


def pictures(notebook: nbformat.NotebookNode) -> int:
    found = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return sum("image/png" in o.get("data", {}) for o in found)


def assert_result_on_top(notebook: nbformat.NotebookNode) -> None:
    """The set-up cell's outputs are the sentence and its picture, written when they were known."""
    sentence, picture = outputs(notebook, "setup")[:2]
    assert "there is no second to hold against it" in sentence.data["text/markdown"]
    assert picture.metadata["image/png"]["alt"] == "No answer was rated by both judges."
    assert picture.data["text/plain"].startswith("How often each pair of ratings met")


def test_a_notebook_that_stops_has_no_result_on_top(project: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError):
        papermill.execute_notebook(
            project / "notebooks" / f"{NAME}.ipynb", project / "out.ipynb",
            {"survey": {"human_ratings": str(project / "none.csv")}}, cwd=project,
            progress_bar=False,
        )  # fmt: skip
    executed = nbformat.read(project / "out.ipynb", as_version=4)
    assert "No result yet" in outputs(executed, "setup")[0].data["text/markdown"]


def test_a_misspelt_setting_is_refused_with_the_nearest(project: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="did you mean 'bootstrap'"):
        papermill.execute_notebook(
            project / "notebooks" / f"{NAME}.ipynb", project / "out.ipynb",
            {"survey": {"bootstrapp": 150}}, cwd=project, progress_bar=False,
        )  # fmt: skip
