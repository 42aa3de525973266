"""The plan of a study: several seeds, cross-evaluation, ablations that share what they can."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from codealign.errors import CodealignError
from codealign.params import Params, load_params, validate
from codealign.workflow import plan
from codealign.workflow.plan import Job, check_parameters, freeze, make_plan

PROJECT = Path(__file__).resolve().parents[2]


def study(ablations: dict[str, Any] | None = None, **more: Any) -> dict[str, Job]:
    """Return the plan of a two-seed profile, by job name."""
    settings = {"seeds": [0, 1], "ablations": ablations or {}, **more}
    params = validate(Params, {"profile": "mine", "study": settings}, "test")
    return {job.name: job for job in make_plan(params)}


def count(jobs: dict[str, Job]) -> Counter[str]:
    return Counter(job.notebook for job in jobs.values())


def test_each_seed_has_a_full_set_of_cells_and_the_base_one_evaluation() -> None:
    # By hand, twice the matrix of one seed (test_plan), but for the base: 2 variants of each kind
    # are evaluated once, and 2 seeds x 2 variants x 3 trained stages = 12 of each kind besides.
    assert count(study()) == {
        "01_preferences": 4, "02_sft": 8, "03_align": 16, "04_functional": 14, "05_codal": 14,
        "06_survey_kappa": 1, "07_paper": 1,
    }  # fmt: skip


def test_a_seeds_jobs_work_in_its_part_with_its_seed() -> None:
    job = study()["02_sft-nano-pretrained-functional-seed1"]
    assert (job.parameters["run"], job.parameters["seed"]) == ("runs/mine/seeds/1", 1)
    assert job.needs == ["01_preferences-nano-functional-seed1"]


def test_the_base_lies_in_the_run_itself() -> None:
    job = study()["04_functional-nano-pretrained-base"]
    assert (job.parameters["run"], job.needs) == ("runs/mine", [])


def test_cross_evaluation_doubles_the_evaluations_of_trained_models_alone() -> None:
    jobs = study(cross=True)
    assert count(jobs)["04_functional"] == count(jobs)["05_codal"] == 2 + 2 * 12
    job = jobs["05_codal-nano-pretrained-dpo-cross-seed1"]
    assert job.parameters["trained"] == "functional"
    assert job.needs == ["03_align-nano-pretrained-functional-dpo-seed1"]


def test_the_base_is_there_for_both_kinds_of_benchmark_if_one_requirement_is_trained() -> None:
    settings = {"seeds": [0, 1], "cross": True}
    data = {"profile": "mine", "requirements": ["functional"], "study": settings}
    names = {job.name for job in make_plan(validate(Params, data, "test"))}
    assert {f"{n}-nano-finetuned-base" for n in ("04_functional", "05_codal")} <= names


def test_an_ablation_of_alignment_shares_pairs_and_sft() -> None:
    one = {"variants": ["pretrained"], "requirements": ["functional"], "stages": ["dpo"]}
    jobs = study({"beta_1": {"settings": {"align": {"dpo": {"beta": 1.0}}}, **one}})
    added = {name for name in jobs if name.endswith("-beta_1")}
    assert added == {
        f"{job}-seed{seed}-beta_1"
        for job in ("03_align-nano-pretrained-functional-dpo", "04_functional-nano-pretrained-dpo")
        for seed in (0, 1)
    }
    job = jobs["03_align-nano-pretrained-functional-dpo-seed1-beta_1"]
    assert job.parameters["align"]["dpo"]["beta"] == 1.0
    assert job.parameters["run"] == "runs/mine/seeds/1/ablations/align/beta_1"
    assert job.needs == [
        "01_preferences-nano-functional-seed1", "02_sft-nano-pretrained-functional-seed1",
    ]  # fmt: skip


def test_an_ablation_of_the_data_makes_all_that_follows_anew() -> None:
    jobs = study({"few": {"settings": {"prefs": {"seeds": 9}}, "stages": ["dpo"]}})
    job = jobs["03_align-nano-finetuned-functional-dpo-seed0-few"]
    assert job.needs == [
        "01_preferences-nano-functional-seed0-few", "02_sft-nano-finetuned-functional-seed0-few",
    ]  # fmt: skip
    assert jobs["01_preferences-nano-functional-seed0-few"].parameters["prefs"]["seeds"] == 9


def test_alignment_from_the_base_needs_no_sft() -> None:
    jobs = study({"no_sft": {"settings": {"align": {"dpo": {"start": "base"}}}, "stages": ["dpo"]}})
    job = jobs["03_align-nano-pretrained-functional-dpo-seed0-no_sft"]
    assert job.needs == ["01_preferences-nano-functional-seed0"]


def test_every_job_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for job in make_plan(load_params(PROJECT / "params/nano_study.yaml")):
        assert set(job.needs) <= seen, job.name
        seen.add(job.name)


def test_the_papers_notebook_waits_for_every_score() -> None:
    jobs = study({"few": {"settings": {"sft": {"pairs": 9}}}}, cross=True)
    scored = {n for n, job in jobs.items() if job.notebook in ("04_functional", "05_codal")}
    assert scored <= set(jobs["07_paper"].needs)


@pytest.mark.parametrize("profile", ["nano_study", "smoke_study"])
def test_every_notebook_declares_what_the_plan_gives_it(profile: str) -> None:
    for job in make_plan(load_params(PROJECT / f"params/{profile}.yaml")):
        check_parameters(job)


def test_a_frozen_plan_names_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PROJECT", tmp_path)
    freeze(list(study({"few": {"settings": {"sft": {"pairs": 9}}}}).values()), "runs/mine")
    parts = plan.RunPaths(tmp_path / "runs/mine").parts()
    assert [str(p.root.relative_to(tmp_path / "runs/mine")) for p in parts] == [
        ".", "seeds/0", "seeds/1", "seeds/0/ablations/sft/few", "seeds/1/ablations/sft/few",
    ]  # fmt: skip


def test_an_ablation_without_a_section_of_the_settings_is_refused() -> None:
    with pytest.raises(CodealignError, match="ablations.bad: unknown section 'survey'; sections"):
        study({"bad": {"settings": {"survey": {"bootstrap": 100}}}})
