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


def result(project: Path) -> dict:
    return json.loads((project / f"runs/nano/jobs/{NAME}/result.json").read_text())


def test_all_cells_run_as_opened_with_the_profiles_settings(project: Path) -> None:
    path = project / "notebooks" / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert result(project)["provenance"]["settings"]["survey"]["bootstrap"] == 2000
    assert (project / "runs/nano/survey.csv").exists()


def test_papermill_takes_a_whole_profile(project: Path) -> None:
    parameters = yaml.safe_load((project / "params/nano.yaml").read_text())
    parameters["survey"] = {"bootstrap": 150}
    papermill.execute_notebook(
        project / "notebooks" / f"{NAME}.ipynb", project / "out.ipynb", parameters,
        cwd=project, progress_bar=False,
    )  # fmt: skip
    assert result(project)["provenance"]["settings"]["survey"]["bootstrap"] == 150


def test_a_misspelt_setting_is_refused_with_the_nearest(project: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="did you mean 'bootstrap'"):
        papermill.execute_notebook(
            project / "notebooks" / f"{NAME}.ipynb", project / "out.ipynb",
            {"survey": {"bootstrapp": 150}}, cwd=project, progress_bar=False,
        )  # fmt: skip
