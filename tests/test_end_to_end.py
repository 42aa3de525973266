"""The whole study in small: every stage, for real, on the embedded model (profile `smoke`)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from chromium import Chromium
from site_checks import faults

from codealign.paths import NANO_WEIGHTS
from codealign.provenance import file_hash
from codealign.report.page import PAGES
from codealign.workflow.notebooks import NOTEBOOKS

PROJECT = Path(__file__).resolve().parents[1]


def project(folder: Path) -> Path:
    """Return a copy of what a run reads, so that the run leaves the source tree alone."""
    for name in ("notebooks", "params", "workflow"):
        shutil.copytree(PROJECT / name, folder / name)
    (folder / "params/smoke.yaml").rename(folder / "mine.yaml")  # a profile may lie anywhere
    return folder


def reproduce(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codealign.cli", "reproduce", "--params", "mine.yaml"]
    environment = {**os.environ, "CODEALIGN_PROJECT": str(folder), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [*command, "--cores", "2", *more],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=1500,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, str]:
    folder = project(tmp_path_factory.mktemp("project"))
    done = reproduce(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs/smoke", done.stdout


def scores(run: Path) -> pd.DataFrame:
    texts = {"ablation": str, "failures": str}
    return pd.read_csv(run / "scores.csv", dtype=texts).fillna(dict.fromkeys(texts, ""))


def test_every_cell_of_the_matrix_has_its_scores(run) -> None:
    found = scores(run[0])
    # By hand: 1 variant x 2 requirements x 4 stages; functional has the 5 + 7 columns of Tables 3
    # and 5, non-functional the 6 of Table 4.
    cells = found.groupby(["variant", "requirement", "stage"]).size()
    assert len(cells) == 8
    assert set(cells.xs("functional", level="requirement")) == {12}
    assert set(cells.xs("non_functional", level="requirement")) == {6}


def test_every_score_has_n_and_an_interval_or_nothing_was_scored(run) -> None:
    found = scores(run[0])
    scored = found[found["n"] > 1]
    assert len(scored) > len(found) / 2
    assert scored["low"].notna().all()
    assert scored["high"].notna().all()


def test_all_tables_and_figures_are_there(run) -> None:
    tables = {p.name for p in (run[0] / "tables").iterdir()}
    figures = {p.name for p in (run[0] / "figures").iterdir()}
    assert {f"table{i}.{s}" for i in range(1, 8) for s in ("md", "csv", "tex")} <= tables
    assert {f"figure{i}.{s}" for i in range(1, 7) for s in ("svg", "pdf", "png")} <= figures


def test_it_ends_with_the_summary_and_the_reports_path(run) -> None:
    folder, said = run
    assert "| nano  | FTA     | functional" in said
    assert "report: runs/smoke/report/index.html" in said
    assert (folder / "report/index.html").exists()


def test_every_notebook_was_executed_and_is_in_the_report(run) -> None:
    folder = run[0]
    executed = {p.stem for p in folder.glob("notebooks/*.ipynb")}
    assert executed == {p.stem for p in folder.glob("report/notebooks/*.html")}
    # 2 preferences, 2 SFT, 4 alignments, 4 + 4 evaluations, agreement, paper.
    assert len(executed) == 18


def opened(run: Path) -> dict[str, nbformat.NotebookNode]:
    return {p.stem: nbformat.read(p, as_version=4) for p in run.glob("notebooks/*.ipynb")}


def shown(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]


def test_every_executed_notebook_has_its_result_and_a_picture_on_top(run) -> None:
    for name, notebook in opened(run[0]).items():
        (setup,) = [c for c in notebook.cells if "setup" in c.metadata.get("tags", ())]
        sentence, picture = setup.outputs[:2]
        assert sentence.data["text/markdown"].startswith("**"), name
        assert picture.metadata["image/png"]["alt"], name


def test_no_executed_notebook_names_a_place_of_the_machine(run) -> None:
    for name, notebook in opened(run[0]).items():
        for output in shown(notebook):
            told = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert sys.prefix not in told, (name, told)


def test_progress_is_one_output_of_one_line(run) -> None:
    """By hand: preferences count five steps, and each of the pieces once."""
    for name, notebook in opened(run[0]).items():
        streams = [o for o in shown(notebook) if o.output_type == "stream" and "it/s" in o.text]
        assert not streams, name
        lines = [o for o in shown(notebook) if re.fullmatch(r".* responses; \d+ s",
                 o.get("data", {}).get("text/plain", ""))]  # fmt: skip
        assert len(lines) <= 1, name


def test_its_report_has_no_fault_in_a_browser(run, browser: Chromium) -> None:
    """Of each notebook one page is looked at: what they show differs by notebook."""
    report = run[0] / "report"
    executed = {p.name.split("-")[0]: p for p in sorted(report.glob("notebooks/*.html"))}
    pages = [*report.glob("*.html"), *executed.values()]
    assert len(pages) == len(PAGES) + len(NOTEBOOKS)
    assert [fault for page in pages for fault in faults(browser, page)] == []


def test_nothing_runs_twice(run) -> None:
    folder = run[0]
    made = [*folder.glob("jobs/*/result.json"), *folder.glob("report/*.html")]
    before = {p: p.stat().st_mtime_ns for p in made}
    again = reproduce(folder.parents[1])
    assert again.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in made} == before
    assert "| nano  | FTA     | functional" in again.stdout  # the summary, as it was


@pytest.mark.long
def test_the_same_seed_gives_the_same_scores(run, tmp_path) -> None:
    again = project(tmp_path)
    assert reproduce(again).returncode == 0
    pd.testing.assert_frame_equal(scores(run[0]), scores(again / "runs/smoke"))


@pytest.mark.long
def test_a_pair_of_folders_runs_to_its_end_and_is_left_as_it_was(tmp_path: Path) -> None:
    folder, own = project(tmp_path / "project"), tmp_path / "Meine Modelle ä"
    for variant, name in (("pretrained", "Basis 2M"), ("finetuned", "Frag mich")):
        shutil.copytree(NANO_WEIGHTS / variant, own / name)
    before = {path: file_hash(path) for path in sorted(own.rglob("*")) if path.is_file()}
    profile = yaml.safe_load((folder / "mine.yaml").read_text(encoding="utf-8"))
    pair = {"pretrained": f"{own}/Basis 2M/", "finetuned": f"{own}/Frag mich"}
    profile |= {"profile": "pair", "models": [{"name": "twin", **pair}]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    done = reproduce(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(scores(folder / "runs/pair").model) == {"twin"}
    assert {p.name for p in (folder / "runs/pair/checkpoints").iterdir()} == {"twin"}
    assert {path: file_hash(path) for path in sorted(own.rglob("*")) if path.is_file()} == before
