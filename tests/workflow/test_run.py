"""The driver, for real: Snakemake and papermill over notebooks that do next to nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from codealign.workflow.markers import FAILURE
from codealign.workflow.notebooks import NOTEBOOKS

PROJECT = Path(__file__).resolve().parents[2]
PARAMETERS = {
    "01_preferences": 'model = ""\nrequirement = ""\nprefs = {}',
    "02_sft": 'model = ""\nvariant = ""\nrequirement = ""\nsft = {}',
    "04_functional": 'model = ""\nvariant = ""\nstage = ""\nfunctional = {}',
    "06_survey_kappa": "survey = {}",
    "07_paper": "study = {}",
}
CELL = {
    "01_preferences": "model=model, requirement=requirement",
    "02_sft": "model=model, variant=variant, requirement=requirement",
    "04_functional": "model=model, variant=variant, stage=stage",
}
# The SFT notebook fails, or hangs once, where its settings say so.
TROUBLE = """
import pathlib, time
if sft["epochs"] == 13.0:
    raise RuntimeError("thirteen epochs" + ", what is wrong" * 40 + "\\n  what to do")
flag = pathlib.Path(job.paths.root / "hung")
if sft["epochs"] == 9.0:
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
if sft["epochs"] == 60.0 and not flag.exists():
    flag.write_text("x")
    time.sleep(60)
"""
# What SFT makes depends on its settings, and scores on what SFT has made.
WORK = """
made = job.paths.top / "made"
out = made / job.name / ("scores.jsonl" if "04_" in job.name else "adapter_model.safetensors")
read = made / ("02_sft-none-pretrained-functional" + job.name.partition("-sft")[2])
found = read / "adapter_model.safetensors"
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(repr(job.used) + (found.read_text() if "-sft" in job.name else ""))
job.finish("did next to nothing", [out])
"""
JOBS = 6


def write_notebook(folder: Path, name: str) -> None:
    parameters = f'profile = ""\nrun = ""\nseed = 0\n{PARAMETERS[name]}'
    cell = CELL.get(name, "")
    section = NOTEBOOKS[name].section
    body = (
        "from codealign.workflow.context import open_job\n"
        f'job = open_job("{name}", {cell + ", " if cell else ""}profile=profile, run=run,'
        " seed=seed)\n"
        f"job.settings({section})\n"
        + ("job.gates()\n" if name == "04_functional" else "")
        + (TROUBLE if name == "02_sft" else "")
        + WORK
    )
    cells = [
        {"cell_type": "code", "id": f"c{i}", "source": s, "outputs": [], "execution_count": None,
         "metadata": {"tags": ["parameters"] if i == 0 else []}}
        for i, s in enumerate((parameters, body))
    ]  # fmt: skip
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook = {
        "cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook))


@pytest.fixture
def project(tmp_path) -> Path:
    shutil.copytree(PROJECT / "workflow", tmp_path / "workflow")
    shutil.copytree(PROJECT / "params", tmp_path / "params")
    with (tmp_path / "params/models.yaml").open("a") as registry:
        registry.write("\nnone:\n  family: llama\n  embedded: true\n")
    (tmp_path / "notebooks").mkdir()
    for name in PARAMETERS:
        write_notebook(tmp_path / "notebooks", name)
    return tmp_path


def start(
    project: Path, epochs: float = 1.0, more: tuple[str, ...] = (), study: str = "{}"
) -> subprocess.Popen[str]:
    (project / "params/mine.yaml").write_text(
        f"profile: mine\nmodels: [none]\nvariants: [pretrained]\nrequirements: [functional]\n"
        f"stages: [base, sft]\nsft: {{epochs: {epochs}}}\n"
        "functional: {data: nano}\nprefs: {corpus: nano}\n"
        f"study: {study}\n"
    )
    return subprocess.Popen(
        [sys.executable, "-m", "codealign.cli", "reproduce", "--cores", "2", *more,
         "--params", str(project / "params/mine.yaml")],
        cwd=project, env={**os.environ, "CODEALIGN_PROJECT": str(project)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def reproduce(project: Path, *args: float, **given: Any) -> tuple[int, str]:
    process = start(project, *args, **given)
    said, _ = process.communicate(timeout=900)
    return process.returncode, said


def what_it_said(process: subprocess.Popen[str]) -> str:
    """What is in the pipe now: children that outlive their driver may keep it open."""
    os.set_blocking(process.stdout.fileno(), False)
    try:
        return os.read(process.stdout.fileno(), 1 << 16).decode()
    except BlockingIOError:
        return "(nothing)"


def logs(project: Path) -> str:
    """What the jobs that failed have to say, for the test's own message."""
    failed = (project / "runs/mine/jobs").glob(f"*/{FAILURE}")
    return "".join((path.parent / "log.txt").read_text() for path in failed)


def finished(project: Path) -> dict[str, int]:
    found = (project / "runs/mine/jobs").glob("*/result.json")
    return {p.parent.name: p.stat().st_mtime_ns for p in found}


def test_only_what_changed_runs_again(project: Path) -> None:
    code, said = reproduce(project)
    assert code == 0, said
    before = finished(project)
    assert len(before) == JOBS
    assert (project / "runs/mine/report/index.html").exists()

    assert reproduce(project)[0] == 0
    assert finished(project) == before

    assert reproduce(project, 2.0)[0] == 0
    after = finished(project)
    assert {name for name in after if after[name] == before[name]} == {
        "01_preferences-none-functional",
        "04_functional-none-pretrained-base",
        "06_survey_kappa",
    }


def test_a_failing_notebook_is_kept_with_its_traceback_and_the_rest_finishes(project: Path) -> None:
    code, said = reproduce(project, 13.0)
    assert code == 1
    assert "failed: 02_sft-none-pretrained-functional: RuntimeError: thirteen epochs" in said
    whole = said.partition("failed: 02_sft")[2].partition("traceback in ")[0]
    assert whole.count("what is wrong") == 40 and "what to do" in whole
    assert "not run: 04_functional-none-pretrained-sft" in said
    executed = project / "runs/mine/notebooks/02_sft-none-pretrained-functional.ipynb"
    assert "thirteen epochs" in executed.read_text()
    assert "04_functional-none-pretrained-base" in finished(project)
    assert reproduce(project, 1.0)[0] == 0
    assert len(finished(project)) == JOBS


def test_a_killed_run_continues(project: Path) -> None:
    process = start(project, 60.0)
    hung = project / "runs/mine/hung"
    deadline = time.monotonic() + 240
    while not hung.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert hung.exists(), f"the hanging notebook never started:\n{what_it_said(process)}"
    code, said = reproduce(project, 60.0)
    assert code == 0, said + logs(project)
    assert len(finished(project)) == JOBS


@pytest.mark.long
def test_a_changed_ablation_runs_again_alone(project: Path) -> None:
    study = "{{seeds: [0, 1], ablations: {{longer: {{settings: {{sft: {{epochs: {}}}}}}}}}}}"
    code, said = reproduce(project, study=study.format(2.0))
    assert code == 0, said
    before = finished(project)
    # By hand: the base; for each of two seeds pairs, SFT and its evaluation, and the ablation's SFT
    # and evaluation; survey and paper.
    assert len(before) == 1 + 2 * (3 + 2) + 2

    assert reproduce(project, study=study.format(3.0))[0] == 0
    after = finished(project)
    again = {name for name in after if after[name] != before[name]}
    cell = "none-pretrained"
    assert again == {"07_paper"} | {
        name.format(seed)
        for name in (f"02_sft-{cell}-functional-seed{{}}-longer",
                     f"04_functional-{cell}-sft-seed{{}}-longer")
        for seed in (0, 1)
    }  # fmt: skip


def test_a_dry_run_starts_nothing(project: Path) -> None:
    code, said = reproduce(project, more=("--dry-run", "--only", "sft"))
    assert code == 0
    assert said.splitlines()[0] == f"project: {project}"
    assert said.splitlines()[-1] == "2 to do"
    assert not (project / "runs").exists()


def test_a_kernel_that_is_killed_is_told_with_the_likely_cause(project: Path) -> None:
    code, said = reproduce(project, 9.0, more=("--only", "sft"))
    assert code == 1
    assert (
        "failed: 02_sft-none-pretrained-functional: its kernel was ended by SIGKILL (peak" in said
    )
    executed = project / "runs/mine/notebooks/02_sft-none-pretrained-functional.ipynb"
    assert "The kernel died in the next cell" in executed.read_text()
    assert "Traceback" not in said and "failed after" in said
