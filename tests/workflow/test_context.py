"""The context of a notebook: settings, an output folder that is never taken for a stale one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.params import Gates
from codealign.paths import PROJECT, RunPaths, part_folder
from codealign.workflow.context import NotebookJob, check_injected, chosen, open_job, open_stage
from codealign.workflow.notebooks import NOTEBOOKS

CELL = Cell("nano", "pretrained", "functional", "sft")


def context(tmp_path: Path, seed: int = 0, notebook: str = "02_sft") -> NotebookJob:
    return NotebookJob(notebook, CELL, "nano", RunPaths(tmp_path / "run"), seed)


def test_settings_come_from_the_profile_unless_given(tmp_path) -> None:
    job = context(tmp_path)
    shipped = yaml.safe_load((PROJECT / "params/nano.yaml").read_text())["sft"]
    assert job.settings({}).learning_rate == shipped["learning_rate"]
    assert job.settings({"batch_size": 3}).batch_size == 3


def test_given_settings_are_checked(tmp_path) -> None:
    with pytest.raises(CodealignError, match="sft: unknown key 'bach_size'; did you mean"):
        context(tmp_path).settings({"bach_size": 3})


def test_work_made_from_the_same_things_is_kept(tmp_path) -> None:
    folder = context(tmp_path).folder(tmp_path / "run/out")
    (folder / "half.jsonl.partial").write_text("{}\n")
    assert (context(tmp_path).folder(folder) / "half.jsonl.partial").exists()


@pytest.mark.parametrize("change", ["seed", "settings", "input"])
def test_work_made_from_other_things_is_moved_aside(tmp_path, change: str) -> None:
    source = tmp_path / "in.txt"
    source.write_text("old")
    job = context(tmp_path)
    job.settings({})
    folder = job.folder(tmp_path / "run/out", [source])
    (folder / "pairs.jsonl").write_text("old result")

    other = context(tmp_path, seed=int(change == "seed"))
    other.settings({"epochs": 1.0} if change == "settings" else {})
    if change == "input":
        source.write_text("new")
    assert not (other.folder(folder, [source]) / "pairs.jsonl").exists()
    assert (tmp_path / "run/stale/out/pairs.jsonl").read_text() == "old result"


@pytest.mark.parametrize(
    ("stage", "notebook"), [("sft", "02_sft"), ("dpo", "03_align"), ("bonbon", "03_align")]
)
def test_a_missing_adapter_names_the_notebook_that_makes_it(
    tmp_path, stage: str, notebook: str
) -> None:
    job = context(tmp_path)
    source = job.paths.checkpoint(CELL.at(stage=stage)) / "adapter.safetensors"
    said = f"run notebooks/{notebook}.ipynb first, which makes it, with profile = 'nano', model = "
    said += "'nano', variant = 'pretrained', requirement = 'functional'"
    said += f", stage = '{stage}'" * (notebook == "03_align")  # 02_sft has no such parameter
    with pytest.raises(CodealignError, match=re.escape(f"{source}: not there yet; {said}") + "$"):
        job.folder(tmp_path / "run/out", [source])


def test_missing_pairs_name_the_first_notebook(tmp_path) -> None:
    job = context(tmp_path)
    pairs = job.paths.prefs("nano", "functional") / "pairs.jsonl"
    with pytest.raises(CodealignError, match="01_preferences.ipynb first.*requirement = 'func"):
        job.folder(tmp_path / "run/out", [pairs])


def test_a_notebook_that_names_nothing_takes_nano_and_the_profiles_first_model() -> None:
    assert chosen("", "") == ("nano", "nano")
    assert chosen("colab_t4", "") == ("colab_t4", "deepseek-coder-1.3b")
    assert chosen("colab_t4", "mine-7b") == ("colab_t4", "mine-7b")


def test_settings_of_pace_and_money_make_no_work_stale(tmp_path) -> None:
    for limit in (0.0, 5.0):
        job = context(tmp_path, notebook="05_codal")
        job.settings({"spend_limit": limit, "in_flight": 1 + int(limit)})
        folder = job.folder(tmp_path / "run/out")
        if limit == 0.0:
            (folder / "answers.jsonl").write_text("costly")
    assert (folder / "answers.jsonl").read_text() == "costly"


def test_finishing_leaves_the_result_the_plan_waits_for(tmp_path) -> None:
    job = context(tmp_path)
    line = job.finish("sft: 3 steps", [tmp_path / "run/out/x"])
    result = json.loads(
        (tmp_path / "run/jobs/02_sft-nano-pretrained-functional/result.json").read_text()
    )
    assert result["line"] == "sft: 3 steps"
    assert result["provenance"]["seed"] == 0
    assert line.startswith("sft: 3 steps (")


def test_a_part_of_a_run_has_its_own_jobs_and_coordinates(tmp_path) -> None:
    paths = RunPaths(tmp_path / "run" / part_folder("x", 3, "align", "beta_1"))
    job = NotebookJob("04_functional", CELL.at(trained="non_functional"), "nano", paths, 3)
    assert job.name == "04_functional-nano-pretrained-sft-cross-seed3-beta_1"
    job.finish("done", [])
    assert (tmp_path / f"run/x/jobs/{job.name}/result.json").exists()


def test_gates_are_the_plans_and_by_hand_the_profiles(tmp_path) -> None:
    job = context(tmp_path)
    assert job.gates() == Gates()
    lock = {"jobs": {job.name: {"gates": {"baseline": "stop"}}}}
    job.paths.root.mkdir()
    (job.paths.root / "plan.lock.json").write_text(json.dumps(lock))
    assert job.gates().baseline == "stop"


def test_a_stop_names_the_job_that_said_it(tmp_path) -> None:
    job = context(tmp_path)
    job.finish("scored", [], stop="R4 failed")
    result = json.loads(
        (tmp_path / "run/jobs/02_sft-nano-pretrained-functional/result.json").read_text()
    )
    assert result["stop"] == "02_sft-nano-pretrained-functional: R4 failed"


OWN = 'profile = ""\nseed = 0\nvariant = "pretrained"\nsft = {}'


@pytest.mark.parametrize(
    ("injected", "said"),
    [
        ("sead = 3", "02_sft: no parameter 'sead'; did you mean 'seed'"),
        ('variant = "finetunedd"', "02_sft: variant = 'finetunedd'; did you mean 'finetuned'"),
    ],
)
def test_what_papermill_only_warns_of_is_refused(injected: str, said: str) -> None:
    with pytest.raises(CodealignError, match=said):
        check_injected("02_sft", [OWN, f"# Parameters\n{injected}\n"])


def test_a_profile_with_a_base_is_not_handed_over_by_its_file() -> None:
    given = '# Parameters\nbase = "nano.yaml"\nprofile = "mine"\nsft = {"epochs": 1.0}\n'
    with pytest.raises(CodealignError, match="-p profile mine in place of -f"):
        check_injected("02_sft", [OWN, given])


def test_parameters_of_the_notebook_are_taken() -> None:
    check_injected("02_sft", [OWN, '# Parameters\nseed = 3\nvariant = "finetuned"\nsft = {}\n'])
    check_injected("02_sft", [OWN, "import sys"])
    check_injected("02_sft", [])


@pytest.mark.parametrize(
    ("notebook", "wrong"),
    [
        ("02_sft", {"variant": "finetunedd"}),
        ("02_sft", {"requirement": "functionall"}),
        ("03_align", {"stage": "sft"}),
        ("04_functional", {"model": "nanoo"}),
        ("01_preferences", {"requirement": "x"}),
    ],
)
def test_a_job_that_cannot_be_is_not_opened(notebook: str, wrong: dict[str, str]) -> None:
    right = {"model": "nano", "variant": "finetuned", "requirement": "functional", "stage": "dpo"}
    where = {key: right[key] for key in NOTEBOOKS[notebook].place}
    open_job(notebook, profile="nano", **where)
    with pytest.raises(CodealignError):
        open_job(notebook, profile="nano", **where | wrong)


def stage(notebook: str, tmp_path: Path, **where: str):
    """Return what a notebook's stage is to do, without the inputs that earlier ones make."""
    run = str(tmp_path / part_folder("run", 3))
    return open_stage(notebook, "nano", {}, run=run, seed=3, **where).work


def test_an_evaluation_knows_its_model_its_place_and_its_folder(tmp_path) -> None:
    job = stage("04_functional", tmp_path, variant="finetuned", stage="base", trained="functional")
    assert job.cell == Cell("nano", "finetuned", "functional", "base", seed=3)
    assert (job.name, job.adapter) == ("04_functional-nano-finetuned-base-seed3", None)
    assert job.folder == tmp_path / "run/seeds/3/evals/nano/finetuned/functional/base"
    assert job.folder.is_dir()


def test_a_cross_evaluation_takes_the_other_requirements_adapter_and_no_gate(tmp_path) -> None:
    where = {"variant": "finetuned", "stage": "sft", "trained": "non_functional"}
    root = tmp_path / "run/seeds/3"
    adapter = root / "checkpoints/nano/finetuned/non_functional/sft"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_text("weights")
    job = stage("04_functional", tmp_path, **where)
    assert job.adapter == adapter
    assert job.folder == root / "cross/nano/finetuned/functional/sft"
    assert job.name == "04_functional-nano-finetuned-sft-cross-seed3"


def test_training_without_its_pairs_claims_no_folder(tmp_path) -> None:
    with pytest.raises(CodealignError, match="run notebooks/01_preferences.ipynb first"):
        stage("02_sft", tmp_path, variant="finetuned", requirement="functional")
    assert not (tmp_path / "run/seeds/3/checkpoints").exists()


def test_an_alignment_from_the_base_model_needs_no_adapter(tmp_path) -> None:
    pairs = tmp_path / "run/prefs/nano/functional/pairs.jsonl"
    pairs.parent.mkdir(parents=True)
    pairs.write_text("{}\n")
    where = {"variant": "finetuned", "requirement": "functional", "stage": "dpo"}
    opened = open_stage(
        "03_align", "nano", {"dpo": {"start": "base"}}, run=str(tmp_path / "run"), **where
    )
    assert (opened.work.adapter, opened.work.inputs) == (None, [pairs])
    assert opened.work.settings.beta == 0.1
