"""The plan: the paper's matrix, needs that exist, parameters that notebooks declare."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from codealign.errors import CodealignError
from codealign.params import Params, load_params, validate
from codealign.paths import MADE, notebook_of
from codealign.workflow import plan, state
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import (
    Job,
    check_parameters,
    freeze,
    make_plan,
    read_plan,
    select,
)

PARAMS = Path(__file__).resolve().parents[2] / "params"


def small(**more: object) -> Params:
    return validate(Params, {"profile": "mine", **more}, "test")


def test_a_jobs_name_says_its_notebook_and_each_notebook_has_settings_of_its_own() -> None:
    jobs = make_plan(small(study={"seeds": [0, 1]}))
    assert {notebook_of(job.name) == job.notebook for job in jobs} == {True}
    assert len(state.SECTIONS) == len(NOTEBOOKS)


def test_the_order_of_the_notebooks_is_that_in_which_ablations_make_anew() -> None:
    assert [one.section for one in NOTEBOOKS.values() if one.place] == list(MADE)


def test_one_model_gives_the_papers_matrix() -> None:
    # By hand, for 2 variants, 2 requirements and 4 stages: preference data 2; SFT 2 x 2 = 4;
    # alignment 2 x 2 x 2 techniques = 8; evaluation 2 variants x 4 stages = 8 of each kind.
    count = Counter(job.notebook for job in make_plan(small()))
    assert count == {
        "01_preferences": 2, "02_sft": 4, "03_align": 8, "04_functional": 8, "05_codal": 8,
        "06_survey_kappa": 1, "07_paper": 1,
    }  # fmt: skip


def test_the_papers_ten_models_give_five_times_that() -> None:
    count = Counter(job.notebook for job in make_plan(load_params(PARAMS / "paper.yaml")))
    assert count["03_align"] == 40
    assert count["07_paper"] == 1


def test_every_job_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for job in make_plan(small()):
        assert set(job.needs) <= seen, job.name
        assert job.name not in seen
        seen.add(job.name)


def test_alignment_needs_its_own_sft_model_and_the_pairs() -> None:
    jobs = {job.name: job for job in make_plan(small())}
    assert jobs["03_align-nano-finetuned-functional-dpo"].needs == [
        "01_preferences-nano-functional",
        "02_sft-nano-finetuned-functional",
    ]


def test_an_ablations_pairs_come_after_those_of_its_seed() -> None:
    study = {
        "seeds": [3],
        "ablations": {"all": {"settings": {"prefs": {"pairs": {"rule": "all"}}}}},
    }
    jobs = {job.name: job for job in make_plan(small(study=study))}
    assert jobs["01_preferences-nano-functional-seed3"].needs == []
    assert jobs["01_preferences-nano-functional-seed3-all"].needs == [
        "01_preferences-nano-functional-seed3"
    ]


def test_functional_benchmarks_judge_functionally_trained_models() -> None:
    off = {"sft": "off", "alignment": "off"}
    jobs = {job.name: job for job in make_plan(small(gates=off))}
    assert jobs["04_functional-nano-pretrained-bonbon"].needs == [
        "03_align-nano-pretrained-functional-bonbon"
    ]
    assert jobs["05_codal-nano-pretrained-sft"].needs == ["02_sft-nano-pretrained-non_functional"]


def test_the_base_model_is_evaluated_without_training() -> None:
    jobs = make_plan(small(stages=["base"]))
    assert {job.notebook for job in jobs} == {
        "04_functional", "05_codal", "06_survey_kappa", "07_paper",
    }  # fmt: skip


def test_a_job_gets_the_settings_of_its_section_alone() -> None:
    job = next(j for j in make_plan(small()) if j.notebook == "03_align" and "dpo" in j.name)
    assert job.parameters["align"]["dpo"]["beta"] == 0.1
    assert "bonbon" not in job.parameters["align"]


@pytest.mark.parametrize("profile", ["nano", "smoke", "paper", "single_gpu", "colab_t4"])
def test_every_notebook_declares_what_the_plan_gives_it(profile: str) -> None:
    for job in make_plan(load_params(PARAMS / f"{profile}.yaml")):
        check_parameters(job)


def test_an_undeclared_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(CodealignError, match="unknown parameter 'varient'; did you mean 'variant'"):
        check_parameters(Job("x", "02_sft", {"varient": "pretrained"}))


def test_selecting_a_stage_brings_what_it_needs_and_no_more() -> None:
    names = {job.notebook for job in select(make_plan(small()), "sft")}
    assert names == {"01_preferences", "02_sft"}


def test_an_unknown_stage_names_the_nearest() -> None:
    with pytest.raises(CodealignError, match="did you mean 'align'"):
        select(make_plan(small()), "algin")


@pytest.fixture
def frozen(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(plan, "PROJECT", tmp_path)
    freeze(make_plan(small()), "runs/mine")
    return tmp_path / "runs/mine"


def test_freezing_writes_one_params_file_a_job(frozen: Path) -> None:
    found = yaml.safe_load((frozen / "jobs/07_paper/params.yaml").read_text())
    study = {"seeds": [], "cross": False, "ablations": {}}
    assert found == {"profile": "mine", "run": "runs/mine", "seed": 0, "study": study}
    assert len(read_plan(frozen)) == len(list(frozen.glob("jobs/*/params.yaml")))


def test_the_profiles_note_is_kept_with_the_plan(frozen: Path) -> None:
    lock = frozen / "plan.lock.json"
    assert "note" not in json.loads(lock.read_text())
    freeze(make_plan(small()), "runs/mine", "Both are the same.")
    assert json.loads(lock.read_text())["note"] == "Both are the same."


def test_freezing_the_same_again_touches_nothing(frozen: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in frozen.rglob("*") if p.is_file()}
    freeze(make_plan(small()), "runs/mine")
    assert {p: p.stat().st_mtime_ns for p in frozen.rglob("*") if p.is_file()} == before


def test_a_changed_setting_touches_only_the_jobs_that_use_it(frozen: Path) -> None:
    before = {p.parent.name: p.read_text() for p in frozen.glob("jobs/*/params.yaml")}
    freeze(make_plan(small(align={"dpo": {"beta": 0.2}})), "runs/mine")
    after = {p.parent.name: p.read_text() for p in frozen.glob("jobs/*/params.yaml")}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {name for name in after if name.startswith("03") and name.endswith("-dpo")}


def test_a_run_without_a_plan_says_how_to_start(tmp_path) -> None:
    with pytest.raises(CodealignError, match="no plan; start the run"):
        read_plan(tmp_path)


def needs(job: str, **gates: str) -> list[str]:
    return {j.name: j for j in make_plan(small(gates=gates))}[job].needs


def test_a_stage_is_scored_after_the_base_it_is_compared_with() -> None:
    assert "04_functional-nano-pretrained-base" in needs("04_functional-nano-pretrained-dpo")


def test_gates_that_are_off_need_nothing() -> None:
    job = "04_functional-nano-pretrained-dpo"
    assert needs(job, alignment="off") == ["03_align-nano-pretrained-functional-dpo"]


def test_sft_waits_for_the_base_only_where_a_gate_may_stop_it() -> None:
    job, base = "02_sft-nano-pretrained-functional", "04_functional-nano-pretrained-base"
    assert base not in needs(job) and base in needs(job, baseline="stop")


def test_alignment_waits_for_the_sft_scores_only_where_a_gate_may_stop_it() -> None:
    job, scored = "03_align-nano-pretrained-non_functional-dpo", "05_codal-nano-pretrained-sft"
    assert scored not in needs(job) and scored in needs(job, sft="stop")


def test_a_plan_is_read_as_it_was_frozen(frozen: Path) -> None:
    assert read_plan(frozen) == make_plan(small())
    assert [job.name for job in read_plan(frozen, "07_paper")] == ["07_paper"]


@pytest.mark.parametrize("text", ["{", "[]", '{"jobs": 3}', "\udcff"])
def test_a_broken_plan_is_one_error_with_its_remedy(frozen: Path, text: str) -> None:
    (frozen / "plan.lock.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CodealignError, match="plan.lock.json: broken plan.*writes it anew"):
        read_plan(frozen)
    freeze(make_plan(small()), "runs/mine")
    assert read_plan(frozen)


def test_broken_settings_of_a_job_leave_the_others_readable(frozen: Path) -> None:
    (frozen / "jobs/07_paper/params.yaml").write_bytes(b"\xff: {")
    assert [job.name for job in read_plan(frozen) if not job.parameters] == ["07_paper"]


def test_resources_of_no_notebook_are_refused_with_the_nearest() -> None:
    params = validate(Params, {"profile": "x", "resources": {"02_stf": {"gpu": 1}}}, "x.yaml")
    with pytest.raises(CodealignError, match="resources: notebook '02_stf'.*02_sft"):
        make_plan(params)
