"""SLURM: names of jobs, leftovers, what is missing; a real one-node cluster where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.workflow.plan import Job, make_plan
from codealign.workflow.reproduce import lost, reproduce, worth_a_start
from codealign.workflow.run import snakemake_command
from codealign.workflow.slurm import cancel_leftovers, check_cluster, job_prefix, status_command
from codealign.workflow.state import DONE, FAILED, TO_DO, State

PROFILE = PROJECT / "workflow" / "profiles" / "slurm" / "config.yaml"


def has_cluster() -> bool:
    if shutil.which("sinfo") is None:
        return False
    return subprocess.run(["sinfo", "--noheader"], capture_output=True).returncode == 0


def commands(folder: Path, **scripts: str) -> str:
    """Write shell scripts of these names; return a PATH that has them and nothing of SLURM."""
    folder.mkdir()
    for name, body in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    (folder / "sh").symlink_to(shutil.which("sh"))
    return str(folder)


def test_every_run_folder_has_a_prefix_of_its_own_that_slurm_takes(tmp_path) -> None:
    first, second = job_prefix(tmp_path / "a"), job_prefix(tmp_path / "b")
    assert first != second
    assert first == job_prefix(tmp_path / "b" / ".." / "a")
    assert first.replace("-", "").isalnum()


def test_without_slurms_commands_the_error_says_which_and_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", commands(tmp_path / "bin", squeue="true"))
    with pytest.raises(CodealignError, match="sbatch, scancel not found; start the run on a login"):
        check_cluster()


def test_only_this_runs_jobs_are_ended(tmp_path, monkeypatch) -> None:
    prefix = job_prefix(tmp_path / "mine")
    queue = f"echo '7 {prefix}_abc'; echo '8 another'; echo '9 {prefix}_abc'"
    scancel = f'echo "$@" > {tmp_path}/cancelled'
    monkeypatch.setenv("PATH", commands(tmp_path / "bin", squeue=queue, scancel=scancel))
    assert cancel_leftovers(tmp_path / "mine") == 2
    assert (tmp_path / "cancelled").read_text() == "7 9\n"


def test_an_empty_queue_ends_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", commands(tmp_path / "bin", squeue="true", scancel="exit 1"))
    assert cancel_leftovers(tmp_path / "mine") == 0


def test_a_cluster_that_does_not_answer_is_an_error(tmp_path, monkeypatch) -> None:
    path = commands(tmp_path / "bin", squeue="echo 'no controller' >&2; exit 1")
    monkeypatch.setenv("PATH", path)
    with pytest.raises(CodealignError, match="squeue failed: no controller"):
        cancel_leftovers(tmp_path / "mine")


@pytest.mark.parametrize(("answer", "wanted"), [("exit 0", "sacct"), ("exit 1", "squeue")])
def test_states_come_from_sacct_where_jobs_are_accounted(
    tmp_path, monkeypatch, answer, wanted
) -> None:
    monkeypatch.setenv("PATH", commands(tmp_path / "bin", sacct=answer))
    assert status_command() == wanted


def test_the_profile_submits_to_slurm_and_goes_on_after_a_failure() -> None:
    profile = yaml.safe_load(PROFILE.read_text(encoding="utf-8"))
    assert profile["executor"] == "slurm"
    assert profile["keep-going"] and profile["rerun-incomplete"]


def test_a_cluster_run_leaves_the_number_of_jobs_to_the_profile() -> None:
    assert "--cores" not in snakemake_command("runs/x", 4, "slurm")
    assert "--cores" in snakemake_command("runs/x", 4, "local")


def test_a_job_is_lost_if_it_could_run_and_left_neither_result_nor_error() -> None:
    jobs = [
        Job("a", "n", {}),
        Job("b", "n", {}, ["a"]),
        Job("c", "n", {}),
        Job("d", "n", {}, ["c"]),
    ]
    kinds = {"a": DONE, "b": TO_DO, "c": FAILED, "d": TO_DO}
    states = {name: State(kind) for name, kind in kinds.items()}
    assert lost(states, jobs) == ["b"]  # c failed by itself, d waits for it
    assert [job.name for job in worth_a_start(states, jobs)] == ["b"]
    assert worth_a_start(states, jobs, {"b"}) == []  # nor what failed without a marker


@pytest.mark.long
@pytest.mark.skipif(not has_cluster(), reason="no SLURM cluster answers `sinfo`")
def test_a_run_outlives_a_killed_job_and_a_drained_node(tmp_path) -> None:
    """Nothing is lost and nothing runs twice (`docs/how-to/cluster.md` sets up such a node)."""
    for part in ("notebooks", "params", "workflow"):
        shutil.copytree(PROJECT / part, tmp_path / part)
    env = {**os.environ, "CODEALIGN_PROJECT": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "codealign.cli", "reproduce", "--profile", "slurm"]
    run = subprocess.Popen(
        [*command, "--params", str(tmp_path / "params/smoke.yaml")],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    threading.Thread(target=disturb, daemon=True).start()
    said, _ = run.communicate(timeout=1500)
    assert run.returncode == 0, said
    assert "killed, or lost by the scheduler, and started now" in said
    done = [line for line in said.splitlines() if line.startswith("[")]
    jobs = [line.split()[3].rstrip(":") for line in done]
    planned = yaml.safe_load((tmp_path / "runs/smoke/plan.lock.json").read_text())["jobs"]
    assert sorted(jobs) == sorted(planned)  # each once


def disturb() -> None:
    """Kill the first job that runs, and take the node away for a while."""
    while not (running := slurm("squeue", "-h", "-t", "R", "-o", "%i").split()):
        time.sleep(1)
    time.sleep(5)
    slurm("scancel", running[0])
    node = slurm("sinfo", "-h", "-o", "%n").split()[0]
    slurm("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    time.sleep(20)
    slurm("scontrol", "update", f"nodename={node}", "state=resume")


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_notebook_asks_for_what_its_params_say() -> None:
    from codealign.params import load_params

    params = load_params(PROJECT / "params" / "paper.yaml")
    asked = {job.notebook: job.resources for job in make_plan(params)}
    assert asked["02_sft"].gpu == 1
    assert asked["07_paper"].gpu == 0


def test_an_unknown_profile_is_called_by_its_own_name(tmp_path) -> None:
    with pytest.raises(CodealignError, match="--profile slurmm: no such folder .*'slurm'"):
        reproduce(PROJECT / "params/smoke.yaml", 1, profile="slurmm")
