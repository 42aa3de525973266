"""Each notebook as Colab would open it, on nano: set-up, drive, interruption, resumption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

PROJECT = Path(__file__).resolve().parents[1]
STAND_IN = PROJECT / "tests" / "colab_stand_in"
CHAIN = [
    "01_preferences",
    "02_sft",
    "03_align",
    "04_functional",
    "05_codal",
    "06_survey_kappa",
    "07_paper",
]
GIVEN = {"profile": "smoke", "variant": "finetuned"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Path:
    """A folder for a runtime: a drive, and IPython's start as on Colab."""
    folder = tmp_path_factory.mktemp("colab")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-colab.py").write_text("import google.colab\n")
    return folder


def environment(machine: Path, **more: str) -> dict[str, str]:
    """Return a kernel's environment: the stand-in for Colab, and no project but the drive's."""
    paths = [str(STAND_IN), str(PROJECT), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(p for p in paths if p), "HF_HUB_OFFLINE": "1"}
    own |= {"IPYTHONDIR": str(machine / "ipython"), "STAND_IN_DRIVE": str(machine / "drive")}
    own |= {"OMP_NUM_THREADS": "1"}  # nano's products are too small for a second thread
    dropped = ("CODEALIGN_PROJECT", "CODEALIGN_DRIVER")
    return {**{k: v for k, v in os.environ.items() if k not in dropped}, **own, **more}


def opened(name: str, **given: str) -> NotebookNode:
    """Return a notebook with values written into its parameters, as a person does."""
    notebook = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    lines = cell.source.splitlines()
    for key, value in given.items():
        lines = [f"{key} = {value!r}" if line.startswith(f"{key} =") else line for line in lines]
    cell.source = "\n".join(lines)
    return notebook


def run_all(machine: Path, name: str, **given: str) -> NotebookNode:
    """Run all cells in a fresh kernel, in a folder that is no project."""
    notebook = opened(name, **{**GIVEN, **given})
    place = {"metadata": {"path": str(machine)}}
    NotebookClient(notebook, resources=place, timeout=1200).execute(env=environment(machine))
    return notebook


def said(notebook: NotebookNode) -> str:
    """Return everything a notebook has printed."""
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")


@contextmanager
def running(machine: Path, name: str) -> Iterator[KernelManager]:
    """Start a notebook's cells in a kernel, and lose the kernel at the end, as at a disconnect."""
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(env=environment(machine), cwd=str(machine))
    client = kernel.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    for cell in opened(name, **GIVEN).cells:
        if cell.cell_type == "code":
            client.execute(cell.source)
    try:
        yield kernel
    finally:
        kernel.shutdown_kernel(now=True)
        client.stop_channels()


def cut(machine: Path, name: str, there: Callable[[Path], bool]) -> None:
    """Lose the kernel as soon as something is on the drive."""
    run = machine / "drive/MyDrive/codealign/runs/smoke"
    with running(machine, name) as kernel:
        until = time.monotonic() + 900
        while not there(run):
            assert kernel.is_alive() and time.monotonic() < until, f"{name}: never got that far"
            time.sleep(0.02)
    assert not list(run.glob(f"jobs/{name}*/result.json"))


def results(machine: Path) -> list[str]:
    jobs = machine / "drive/MyDrive/codealign/runs/smoke/jobs"
    return sorted(p.parent.name.split("-")[0] for p in jobs.glob("*/result.json"))


@pytest.mark.long
def test_a_stage_without_its_inputs_says_which_notebook_makes_them(machine: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match="run notebooks/01_preferences.ipynb first"):
        run_all(machine, "02_sft")


@pytest.mark.long
def test_the_notebooks_run_one_by_one_and_go_on_after_a_disconnect(machine: Path) -> None:
    def some_responses(run: Path) -> bool:
        return any(p.stat().st_size for p in run.glob("prefs/**/responses.jsonl.partial"))

    cut(machine, "01_preferences", some_responses)
    first = run_all(machine, "01_preferences")
    assert "project: " + str(machine / "drive/MyDrive/codealign") in said(first)
    assert "packages: 0 installed" in said(first) and "\ntime: " in said(first)

    cut(
        machine,
        "02_sft",
        lambda run: any(run.glob("checkpoints/**/checkpoint-2/trainer_state.json")),
    )
    run_all(machine, "02_sft")
    log = next(machine.glob("drive/**/sft/trainer_log.jsonl")).read_text().splitlines()
    assert [json.loads(line)["step"] for line in log if "loss" in json.loads(line)] == [1, 2, 3, 4]

    for name in CHAIN[2:]:
        run_all(machine, name)
    assert results(machine) == CHAIN


@pytest.mark.long
def test_without_a_drive_the_machines_disk_serves(machine: Path, tmp_path: Path) -> None:
    code = "from codealign.workflow.colab import _drive; print(_drive())"
    own = {k: v for k, v in environment(machine).items() if k != "STAND_IN_DRIVE"}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)
    assert done.stdout == "drive: not mounted (mount failed); results end with this session\nNone\n"
