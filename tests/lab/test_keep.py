"""The reference result: what is kept of a study, and in what state."""

from __future__ import annotations

import base64
import json
import sys
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from codealign.errors import CodealignError
from codealign.paths import PROJECT, RunPaths
from nano.lab.__main__ import main
from nano.lab.keep import LONGEST, WIDEST, keep, stripped

PARTS = {
    "04_functional-nano-pretrained-base": "", "02_sft-a-seed0": "/seeds/0",
    "02_sft-a-seed1": "/seeds/1",
    "03_align-a-dpo-seed0-beta_1": "/seeds/0/ablations/align/beta_1", "07_paper": "",
}  # fmt: skip
"""The part of the run in which each job works."""


def png(width: int, height: int) -> str:
    """Return a picture as Jupyter keeps it: base64 of a PNG."""
    buffer = BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGBA").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


PICTURE = png(1210, 400)


def opened(picture: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(picture)))


def executed(said: str = "said") -> nbformat.NotebookNode:
    """Return a notebook as papermill leaves it: times, a picture, a printed line."""
    cell = nbformat.v4.new_code_cell("1 + 1", metadata={"papermill": {"duration": 3.0}})
    picture = {"image/png": PICTURE, "text/plain": "Scores of one model."}
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=said),
        nbformat.v4.new_output("display_data", data=picture),
    ]
    return nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"duration": 4.0}})


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    paths = RunPaths(tmp_path / "nano_study")
    parts = [part.removeprefix("/") or "." for part in dict.fromkeys(PARTS.values())]
    for folder in (paths.tables, paths.figures, paths.notebooks):
        folder.mkdir(parents=True)
    (paths.root / "plan.lock.json").write_text(
        json.dumps({"parts": parts, "jobs": dict.fromkeys(PARTS)})
    )
    for job, part in PARTS.items():
        nbformat.write(executed(f"{PROJECT}/runs/x"), paths.notebooks / f"{job}.ipynb")
        (paths.jobs / job).mkdir(parents=True)
        (paths.jobs / job / "params.yaml").write_text(f"run: runs/nano_study{part}\n")
        (paths.jobs / job / "result.json").write_text(json.dumps({"provenance": {"seed": 0}}))
    (paths.tables / "seeds.csv").write_text("model,mean\nnano,1.0\n")
    (paths.tables / "study.md").write_text("2 seeds\n")
    (paths.figures / "study_tax.svg").write_text("<svg/>")
    (paths.figures / "study_tax.pdf").write_text("pdf")
    return paths


def test_the_first_seeds_main_notebooks_and_the_wholes_are_kept(run: RunPaths, tmp_path) -> None:
    keep(run, tmp_path / "nano")
    kept = {p.stem for p in (tmp_path / "nano/notebooks").iterdir()}
    assert kept == {"04_functional-nano-pretrained-base", "02_sft-a-seed0", "07_paper"}


def test_tables_figures_and_spread_are_kept(run: RunPaths, tmp_path) -> None:
    keep(run, tmp_path / "nano")
    out = tmp_path / "nano"
    assert (out / "seeds.csv").read_text() == "model,mean\nnano,1.0\n"
    assert (out / "tables/study.md").exists()
    assert [p.name for p in (out / "figures").iterdir()] == ["study_tax.svg"]
    assert json.loads((out / "made_by.json").read_text())["provenance"] == {"seed": 0}


def test_an_older_result_is_replaced(run: RunPaths, tmp_path) -> None:
    (tmp_path / "nano/tables").mkdir(parents=True)
    (tmp_path / "nano/tables/old.md").write_text("old")
    keep(run, tmp_path / "nano")
    assert not (tmp_path / "nano/tables/old.md").exists()


def test_no_absolute_path_is_kept(run: RunPaths, tmp_path) -> None:
    for path in keep(run, tmp_path / "nano"):
        assert str(PROJECT) not in path.read_text()


def test_the_environments_place_is_not_kept_either(
    run: RunPaths, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/elsewhere/env")
    loaded = executed("/elsewhere/env/lib/torch.so: not loaded")
    nbformat.write(loaded, run.notebooks / "07_paper.ipynb")
    keep(run, tmp_path / "nano")
    kept = (tmp_path / "nano/notebooks/07_paper.ipynb").read_text()
    assert "elsewhere" not in kept and "lib/torch.so: not loaded" in kept


def test_a_kept_notebook_has_no_times() -> None:
    found = stripped(executed())
    assert "papermill" not in found.metadata and "papermill" not in found.cells[0].metadata
    assert found.cells[0].outputs[0].text == "said"


def test_a_kept_notebook_has_its_pictures_with_their_text() -> None:
    data = stripped(executed()).cells[0].outputs[1].data
    assert data["text/plain"] == "Scores of one model."
    assert opened(data["image/png"]).format == "PNG"


def test_a_wide_picture_is_kept_at_a_pages_width_in_a_palette() -> None:
    """1210 x 400 pixels at 800: 400 * 800 / 1210 = 264.5."""
    kept = opened(stripped(executed()).cells[0].outputs[1].data["image/png"])
    assert (kept.size, kept.mode) == ((WIDEST, 264), "P")


def test_a_picture_that_would_grow_is_kept_as_it_is() -> None:
    notebook = executed()
    notebook.cells[0].outputs[1].data["image/png"] = png(1, 1)
    assert stripped(notebook).cells[0].outputs[1].data["image/png"] == png(1, 1)


def test_an_overlong_output_is_cut_and_says_so() -> None:
    found = stripped(executed("x" * (LONGEST + 7)))
    assert found.cells[0].outputs[0].text.endswith("7 characters cut")


def test_an_unfinished_study_is_refused(run: RunPaths, tmp_path) -> None:
    (run.jobs / "07_paper/result.json").unlink()
    with pytest.raises(CodealignError, match="1 jobs have not finished, e.g. 07_paper"):
        keep(run, tmp_path / "nano")


def test_the_command_says_how_much_it_kept(run: RunPaths, tmp_path, capsys) -> None:
    main(["keep", str(run.root), str(tmp_path / "nano")])
    assert capsys.readouterr().out.startswith("7 files, 0.0 MiB")


def test_a_folder_without_a_plan_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no plan; start the run"):
        keep(RunPaths(tmp_path), tmp_path / "out")
