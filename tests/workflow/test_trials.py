"""Trials: runs that are disturbed, and must end as if they had not been.

Each trial disturbs a run at a moment of its own and gives the same command again until it is done.
Most run small notebooks that do next to nothing; those named smoke run the smoke profile whole.
`CODEALIGN_TRIALS` says how often each is repeated; `docs/explanation/state.md` has what comes out.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROJECT = Path(__file__).resolve().parents[2]
TIMES = range(int(os.environ.get("CODEALIGN_TRIALS", "1")))
pytestmark = pytest.mark.long
SECTION = {
    "01_preferences": ("prefs", "model=model, requirement=requirement"),
    "02_sft": ("sft", "model=model, variant=variant, requirement=requirement"),
    "04_functional": ("functional", "model=model, variant=variant, stage=stage"),
    "06_survey_kappa": ("survey", ""),
    "07_paper": ("study", ""),
}
PARAMETERS = (
    "".join(
        f'{name} = ""\n' for name in ("profile", "run", "model", "variant", "requirement", "stage")
    )
    + "seed = 0\n"
)
# Each notebook writes, a line at a time, what depends on what it reads alone, and counts its end.
BODY = """
import hashlib, pathlib, time
from codealign.workflow.context import open_job
job = open_job("{notebook}", {cell}profile=profile, run=run, seed=seed)
job.settings({section})
{gates}
root = job.paths.root
read = [p.read_text() for p in sorted(root.glob("made/*/scores.jsonl")) if "{section}" == "study"]
out = root / "made" / job.name / "scores.jsonl"
out.parent.mkdir(parents=True, exist_ok=True)
partial = out.with_suffix(".partial")
have = partial.read_text().splitlines() if partial.exists() else []
with partial.open("a") as file:
    for n in range(len([line for line in have if len(line) == 64]), 20):
        file.write(hashlib.sha256(repr((job.name, n, read)).encode()).hexdigest() + "\\n")
        file.flush()
        time.sleep({pause})
out.write_text("".join(partial.read_text().splitlines(True)[:20]))
job.finish("wrote 20 lines", [out])
"""
BOTH = "[pretrained, finetuned]"  # jobs enough that a server forks them
KERNEL, JOB, SERVER = "ipykernel", "codealign.workflow.start", "codealign.workflow.warm"
SHELL = "the shell of a job"


def write_notebook(path: Path, pause: float) -> None:
    section, cell = SECTION[path.stem]
    body = BODY.format(
        section=section, notebook=path.stem, pause=pause, cell=f"{cell}, " if cell else "",
        gates="job.gates()" if section == "functional" else "",
    )  # fmt: skip
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    cells = [
        {"cell_type": "code", "id": f"c{i}", "source": source, "outputs": [],
         "execution_count": None, "metadata": {"tags": ["parameters"] if i == 0 else []}}
        for i, source in enumerate((f"{PARAMETERS}{section} = {{}}", body))
    ]  # fmt: skip
    path.write_text(json.dumps({"cells": cells, "metadata": {"kernelspec": kernel},
                                "nbformat": 4, "nbformat_minor": 5}))  # fmt: skip


def lay_out(folder: Path, variants: str = "[pretrained]") -> Path:
    for part in ("workflow", "params"):
        shutil.copytree(PROJECT / part, folder / part)
    (folder / "notebooks").mkdir()
    for notebook in SECTION:
        # A server needs its time: where there is one, the first notebook leaves it some.
        pause = 2.0 if variants == BOTH and notebook == "01_preferences" else 0.1
        write_notebook(folder / f"notebooks/{notebook}.ipynb", pause)
    for notebook in ("03_align", "05_codal"):  # never run: a server reads all of its kind
        shutil.copy(
            folder / "notebooks/04_functional.ipynb", folder / f"notebooks/{notebook}.ipynb"
        )
    (folder / "params/mine.yaml").write_text(
        f"profile: mine\nvariants: {variants}\nrequirements: [functional]\nstages: [base, sft]\n"
        "functional: {data: nano}\nprefs: {corpus: nano}\n"
    )
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "project")


def start(project: Path, *more: str, **given: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "codealign.cli", "reproduce", "--params", "params/mine.yaml"]
    given = {"cwd": project, "env": {**os.environ, "HF_HUB_OFFLINE": "1"}, **given}
    return subprocess.Popen(
        [*command, "--cores", "2", *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, **given,
    )  # fmt: skip


def said_by(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=900)
    assert "Traceback" not in said, said
    return said


def scores(project: Path) -> dict[str, str]:
    found = (project / "runs/mine/made").glob("*/scores.jsonl")
    return {path.parent.name: path.read_text() for path in found}


def finished(project: Path) -> dict[str, str]:
    found = (project / "runs/mine/jobs").glob("*/result.json")
    return {path.parent.name: json.loads(path.read_text())["finished"] for path in found}


def told(said: str) -> set[str]:
    """Return the jobs that were told as done."""
    return set(re.findall(r"^\[\d+/\d+\] +\S+ min  (\S+):", said, re.M))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return scores_of(lay_out(tmp_path_factory.mktemp("undisturbed") / "project"), 6)


@pytest.fixture(scope="module")
def undisturbed_pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return scores_of(lay_out(tmp_path_factory.mktemp("pair") / "project", BOTH), 9)


def scores_of(project: Path, jobs: int) -> dict[str, str]:
    """Return the scores of a run that nobody disturbs."""
    process = start(project)
    said = said_by(process)
    assert process.returncode == 0, said
    assert len(scores(project)) == jobs and told(said) == set(finished(project))
    before = finished(project)
    process = start(project)
    assert "0 of them to run" in said_by(process) and finished(project) == before
    return scores(project)


def wait_for(project: Path, at_work: str = "01_preferences-nano-functional") -> None:
    """Wait until a job has written something, and then some more."""
    partial = project / "runs/mine/made" / at_work / "scores.partial"
    deadline = time.monotonic() + 600
    while not (partial.exists() and partial.stat().st_size):
        assert time.monotonic() < deadline, f"{at_work} never came to work"
        time.sleep(0.1)
    time.sleep(random.uniform(0, 2))


def processes(project: Path, name: str) -> list[psutil.Process]:
    """Return the processes of the driver of this project that run a module of this name."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == str(project) and name in " ".join(process.info["cmdline"] or ()):
            found.append(process)
    return found


def victims(project: Path, what: str) -> list[psutil.Process]:
    """Return the processes of one kind; a job has a shell, which names the same module."""
    alive = processes(project, JOB if what == SHELL else what)
    return [process for process in alive if (process.name() == "bash") == (what == SHELL)]


def ends_as_undisturbed(project: Path, undisturbed: dict[str, str], before: str = "") -> None:
    """Give the command again until all is done; nothing that was told as done runs again."""
    kept = {name: when for name, when in finished(project).items() if name in told(before)}
    for _ in range(3):
        process = start(project)
        said = said_by(process)
        if process.returncode == 0:
            break
    assert process.returncode == 0, said
    assert scores(project) == undisturbed
    assert {name: finished(project)[name] for name in kept} == kept


@pytest.mark.parametrize("_", TIMES)
def test_a_killed_driver_takes_its_jobs_with_it(project: Path, undisturbed, _: int) -> None:
    driver = start(project)
    wait_for(project)
    driver.kill()
    said = driver.communicate()[0]
    ends_as_undisturbed(project, undisturbed, said)


@pytest.mark.parametrize("_", TIMES)
@pytest.mark.parametrize("what", [KERNEL, JOB])
def test_a_killed_process_is_told_when_it_happens(
    project: Path, undisturbed, what: str, _: int
) -> None:
    driver = start(project)
    wait_for(project)
    victims(project, what)[0].kill()
    said = said_by(driver)
    assert driver.returncode == 1
    ended = "its kernel was ended by SIGKILL" if what == KERNEL else "its process was ended by SIG"
    assert said.index("failed: ") < said.index("fix the cause") and ended in said, said
    ends_as_undisturbed(project, undisturbed, said)


@pytest.mark.parametrize("_", TIMES)
def test_a_killed_server_ends_the_jobs_that_it_forked_and_no_others(
    tmp_path: Path, undisturbed_pair, _: int
) -> None:
    project = lay_out(tmp_path / "project", BOTH)
    driver = start(project)
    deadline = time.monotonic() + 300
    while len(servers := processes(project, SERVER)) < 2:  # it, and a fork of it
        assert driver.poll() is None and time.monotonic() < deadline, "no job was forked"
        time.sleep(0.05)
    time.sleep(random.uniform(0, 2))
    min(servers, key=psutil.Process.create_time).kill()
    said = said_by(driver)
    assert not processes(project, SERVER) and not processes(project, JOB)
    assert (driver.returncode == 1) == ("failed: " in said), said
    ends_as_undisturbed(project, undisturbed_pair, said)


@pytest.mark.parametrize("_", TIMES)
def test_a_killed_scheduler_leaves_no_job_behind(project: Path, undisturbed, _: int) -> None:
    driver = start(project)
    wait_for(project)
    for process in psutil.Process(driver.pid).children():
        if "snakemake" in " ".join(process.cmdline()):
            process.kill()
    said = said_by(driver)
    assert driver.returncode == 1 and not processes(project, JOB)
    ends_as_undisturbed(project, undisturbed, said)


@pytest.mark.parametrize("_", TIMES)
@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_is_answered_and_loses_nothing(
    project: Path, undisturbed, times: int, _: int
) -> None:
    driver = start(project)
    wait_for(project)
    began = time.monotonic()
    for _more in range(times):
        driver.send_signal(signal.SIGINT)
        time.sleep(0.5)
    said = said_by(driver)
    assert time.monotonic() - began < 60
    assert driver.returncode == 1 and not processes(project, JOB)
    assert re.search(
        r"^stopping: .*01_preferences.* at work; what is finished is kept$", said, re.M
    )
    assert said.splitlines()[-1].endswith("interrupted; the same command continues runs/mine")
    ends_as_undisturbed(project, undisturbed, said)


@pytest.mark.parametrize("_", TIMES)
def test_of_two_drivers_one_works(project: Path, undisturbed, _: int) -> None:
    first, second = start(project), start(project)
    said = [said_by(first), said_by(second)]
    assert sum("at work" in text for text in said) >= 1
    assert not set.intersection(*map(told, said))
    ends_as_undisturbed(project, undisturbed)


@pytest.mark.parametrize("_", TIMES)
def test_a_moved_and_a_copied_run_is_done_in_another_folder(
    project: Path, undisturbed, tmp_path: Path, _: int
) -> None:
    assert start(project).wait() == 0
    copied = lay_out(tmp_path / "copied")
    shutil.copytree(project / "runs", copied / "runs", copy_function=shutil.copyfile)
    project.rename(tmp_path / "moved")
    for folder in (copied, tmp_path / "moved"):
        (folder / "inside").mkdir()
        process = start(folder, cwd=folder / "inside")
        said = said_by(process)
        assert process.returncode == 0 and "6 notebooks, 0 of them to run" in said
        assert said.startswith(f"project: {folder}\n")
        assert scores(folder) == undisturbed


def mounted(folder: Path, *options: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True)
    return done.returncode == 0


@pytest.mark.parametrize("_", TIMES)
def test_a_full_disk_is_named(project: Path, undisturbed, _: int) -> None:
    runs = project / "runs"
    if not mounted(runs, "-t", "tmpfs", "-o", "size=40m", "tmpfs"):
        pytest.skip("no right to mount a file system here")
    try:
        driver = start(project)
        wait_for(project)
        filling = runs / "filling"
        with filling.open("wb", buffering=0) as file:
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(b"x" * 4096)
        said = said_by(driver)
        assert driver.returncode == 1 and f"disk full at {runs}/mine" in said, said
        again = start(project)
        assert "free space and run the same command again" in said_by(again)
        filling.unlink()
        ends_as_undisturbed(project, undisturbed, said)
    finally:
        subprocess.run(["umount", "--lazy", str(runs)], check=True)


def test_a_folder_that_cannot_be_written_is_named_and_can_be_looked_at(
    project: Path, undisturbed
) -> None:
    assert start(project).wait() == 0
    runs = project / "runs"
    if not mounted(runs, "--bind", str(runs)) or not mounted(runs, "-o", "remount,bind,ro"):
        pytest.skip("no right to mount a file system here")
    try:
        process = start(project)
        said = said_by(process)
        assert process.returncode == 1
        assert "cannot be written (Read-only file system)" in said.splitlines()[-1]
        process = start(project, "--dry-run")
        assert said_by(process).splitlines()[-1] == "6 done" and process.returncode == 0
    finally:
        subprocess.run(["umount", "--lazy", str(runs)], check=True)


def smoke_in(folder: Path) -> Path:
    """Make a folder like that of `codealign init`, whose `mine` is the smoke profile."""
    made = subprocess.run([sys.executable, "-m", "codealign.cli", "init", str(folder)])
    assert made.returncode == 0
    smoke = (folder / "params/smoke.yaml").read_text()
    assert "profile: smoke" in smoke
    (folder / "params/mine.yaml").write_text(smoke.replace("profile: smoke", "profile: mine"))
    return folder


def tables(project: Path) -> dict[str, str]:
    """Return every table of a run as CSV: scores, intervals, findings, advice, claims."""
    return {path.name: path.read_text() for path in (project / "runs/mine/tables").glob("*.csv")}


@pytest.fixture(scope="module")
def undisturbed_smoke(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = smoke_in(tmp_path_factory.mktemp("smoke") / "project")
    process = start(project)
    said = said_by(process)
    assert process.returncode == 0, said
    assert told(said) == set(finished(project)) and len(tables(project)) > 10
    return tables(project)


CAUSE = {
    KERNEL: "its kernel was ended by SIGKILL",
    JOB: "its process was ended by SIGKILL",
    SHELL: "killed, or lost by the scheduler, and started now: ",
    SERVER: "failed: ",
}


@pytest.mark.parametrize("_", TIMES)
@pytest.mark.parametrize("what", ["driver", KERNEL, JOB, SHELL, SERVER])
def test_smoke_ends_with_the_same_tables_whoever_is_killed(
    tmp_path: Path, undisturbed_smoke, what: str, _: int
) -> None:
    project = smoke_in(tmp_path / "project")
    driver = start(project)
    time.sleep(random.uniform(8, 60))
    while not (alive := [driver] if what == "driver" else victims(project, what)):
        assert driver.poll() is None, f"{what} was never at work: {said_by(driver)}"
        time.sleep(0.05)
    min(alive, key=lambda process: process.pid).kill()
    said = driver.communicate(timeout=900)[0]
    assert "Traceback" not in said, said
    if what != "driver":
        assert (driver.returncode == 1) == ("failed: " in said), said
        assert CAUSE[what] in said or driver.returncode == 0, said
        assert not processes(project, SERVER) and not processes(project, JOB)
    kept = {name: when for name, when in finished(project).items() if name in told(said)}
    process = start(project)
    said = said_by(process)
    assert process.returncode == 0, said
    assert not told(said) & set(kept)
    assert {name: finished(project)[name] for name in kept} == kept
    assert tables(project) == undisturbed_smoke
