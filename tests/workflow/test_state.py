"""The judge of a job's state, on a run whose jobs are made up but booked as real ones are."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from codealign.params import Params, validate
from codealign.paths import PACKAGE
from codealign.workflow import code, context, markers, plan, state, stops
from codealign.workflow.context import open_job
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job, freeze, make_plan
from codealign.workflow.state import DONE, FAILED, OUTDATED, TO_DO, judge, judge_run

PAIRS, BASE = "01_preferences-nano-functional", "04_functional-nano-pretrained-base"
SFT, DPO = "02_sft-nano-pretrained-functional", "03_align-nano-pretrained-functional-dpo"
SCORED = "04_functional-nano-pretrained-dpo"
WRITES = {
    "01_preferences": ("pairs.jsonl", "card.json"),
    "02_sft": ("adapter_model.safetensors", "trainer_log.jsonl"),
    "03_align": ("adapter_model.safetensors", "trainer_log.jsonl"),
    "04_functional": ("scores.jsonl", "items.jsonl"),
    "05_codal": ("scores.jsonl", "items.jsonl"),
    "06_survey_kappa": ("agreement.csv",),
    "07_paper": ("table3.md",),
}


def params(**more: object) -> Params:
    small = {"profile": "mine", "models": ["nano"], "variants": ["pretrained"],
             "requirements": ["functional"], "stages": ["base", "sft", "dpo"]}  # fmt: skip
    return validate(Params, {**small, **more}, "test")


def jobs(**more: object) -> list[Job]:
    return make_plan(params(**more), "runs/mine")


def make(root: Path, job: Job, content: str = "made") -> None:
    """Do what a job's notebook does around its work: settings, outputs, result marker."""
    given = job.parameters
    about = NOTEBOOKS[job.notebook]
    where = {key: given[key] for key in about.place}
    opened = open_job(job.notebook, **where, profile="mine", run="runs/mine", seed=given["seed"])
    opened.settings(given[about.section])
    if job.gates:
        opened.gates()
    folder = root / "made" / job.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in WRITES[job.notebook]:
        (folder / name).write_text(f"{content} {name}")
    opened.finish(f"{job.notebook} did it", [folder])
    (root / "notebooks").mkdir(exist_ok=True)
    (root / "notebooks" / f"{job.name}.ipynb").write_text("{}")


def work_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    for module in (context, plan, state):
        patch.setattr(module, "PROJECT", folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run in which every job is done."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        work_in(folder, patch)
        freeze(jobs(), "runs/mine")
        for job in jobs():
            make(folder / "runs/mine", job)
    return folder


@pytest.fixture
def root(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run, to be spoilt."""
    work_in(tmp_path, monkeypatch)
    shutil.copytree(finished / "runs", tmp_path / "runs")
    return tmp_path / "runs/mine"


def kinds(root: Path, **more: object) -> dict[str, str]:
    """Return the state of each job that is not done."""
    states = judge(root, jobs(**more))
    return {name: one.kind for name, one in states.items() if one.kind != DONE}


def test_what_is_made_from_the_plan_is_done(root: Path) -> None:
    assert kinds(root) == {}
    assert {one.kind for one in judge_run(root).values()} == {DONE}


def test_judging_writes_nothing(root: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    judge(root, jobs(sft={"epochs": 9.0}))
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


def test_a_copy_is_as_done_as_the_run_whatever_its_times(root: Path, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(root, copied, copy_function=shutil.copyfile)
    for path in copied.rglob("*"):
        os.utime(path, (1e9, 1e9 + hash(path.name) % 1000))
    assert {one.kind for one in judge_run(copied).values()} == {DONE}


def test_a_changed_setting_makes_its_jobs_and_what_follows_outdated(root: Path) -> None:
    states = judge(root, jobs(sft={"epochs": 9.0}))
    assert states[SFT].reason == "changed: sft.epochs 2.0 -> 9.0"
    assert {name for name, one in states.items() if one.kind == OUTDATED} == {
        SFT, DPO, "04_functional-nano-pretrained-sft", SCORED, "07_paper",
    }  # fmt: skip
    assert states[SCORED].reason == f"after {DPO}"


def test_going_back_to_the_old_settings_leaves_them_done(root: Path) -> None:
    freeze(jobs(sft={"epochs": 9.0}), "runs/mine")
    assert judge_run(root)[SFT].kind == OUTDATED
    freeze(jobs(), "runs/mine")
    assert {one.kind for one in judge_run(root).values()} == {DONE}


def test_a_setting_of_the_other_technique_is_none_of_a_jobs(root: Path) -> None:
    assert kinds(root, align={"bonbon": {"alpha": 0.5}}) == {}


def test_how_many_work_at_once_decides_nothing(root: Path) -> None:
    assert kinds(root, functional={"workers": 2}, prefs={"workers": 2}) == {}


def test_ratings_of_a_further_judge_make_the_survey_and_the_tables_again(root: Path) -> None:
    both = {"requirements": ["functional", "non_functional"], "stages": ["base"]}
    freeze(jobs(**both), "runs/mine")
    for job in jobs(**both):
        make(root, job)
    assert {one.kind for one in judge_run(root).values()} == {DONE}
    added = root / "evals/nano/pretrained/non_functional/base/codal/ratings_of_strict.jsonl"
    added.parent.mkdir(parents=True)
    added.write_text("{}\n")
    reasons = {name: one.reason for name, one in judge_run(root).items() if one.kind != DONE}
    assert reasons == {
        "06_survey_kappa": "changed: the ratings of further judges",
        "07_paper": "after 06_survey_kappa",
    }


def test_a_changed_gate_makes_the_evaluations_outdated(root: Path) -> None:
    by_job = kinds(root, gates={"threshold": 0.2})
    assert {name for name in by_job if name.startswith("04")} == {
        BASE, "04_functional-nano-pretrained-sft", SCORED,
    }  # fmt: skip
    assert SFT not in by_job and DPO not in by_job


@pytest.mark.parametrize(
    ("job", "name"),
    [(PAIRS, "pairs.jsonl"), (SFT, "adapter_model.safetensors"), (SCORED, "scores.jsonl"),
     ("07_paper", "table3.md"), (SFT, "trainer_log.jsonl")],
)  # fmt: skip
def test_a_deleted_output_is_noticed(root: Path, job: str, name: str) -> None:
    (root / "made" / job / name).unlink()
    assert judge_run(root)[job].reason == f"made/{job}/{name} is missing"


def test_a_deleted_notebook_is_noticed(root: Path) -> None:
    (root / f"notebooks/{SFT}.ipynb").unlink()
    assert judge_run(root)[SFT].reason == f"notebooks/{SFT}.ipynb is missing"


def test_an_emptied_output_counts_as_missing(root: Path) -> None:
    (root / "made" / SFT / "trainer_log.jsonl").write_text("")
    assert judge_run(root)[SFT].reason == f"made/{SFT}/trainer_log.jsonl is missing"


def test_what_others_read_must_be_as_it_was_made(root: Path) -> None:
    (root / "made" / PAIRS / "pairs.jsonl").write_text("edited")
    assert judge_run(root)[PAIRS].reason == f"made/{PAIRS}/pairs.jsonl is not as it was made"
    assert state.altered(root, PAIRS) == [root / "made" / PAIRS / "pairs.jsonl"]


def test_what_nobody_reads_may_be_edited(root: Path) -> None:
    (root / "made/07_paper/table3.md").write_text("with a note")
    assert {one.kind for one in judge_run(root).values()} == {DONE}


def test_an_input_that_comes_out_as_it_was_makes_nothing_outdated(root: Path) -> None:
    first = jobs()[1]
    assert first.name == PAIRS
    make(root, first)
    assert kinds(root) == {}


def test_an_input_that_comes_out_different_makes_its_readers_outdated(root: Path) -> None:
    make(root, jobs()[1], content="other")
    states = judge_run(root)
    assert states[SFT].reason == f"changed: the result of {PAIRS}"
    assert states[BASE].kind == DONE


def test_what_a_reader_does_not_read_is_no_input_of_it(root: Path) -> None:
    (root / "made" / PAIRS / "card.json").write_text("other")
    opened = jobs()[1]
    folder = root / "made" / PAIRS
    marker = root / "jobs" / PAIRS / "result.json"
    result = json.loads(marker.read_text())
    result["outputs"] = markers.outputs(root, [folder])
    marker.write_text(json.dumps(result))
    assert opened.name == PAIRS
    states = judge_run(root)
    assert (states[SFT].kind, states["07_paper"].kind) == (DONE, OUTDATED)


def test_a_result_of_an_earlier_version_says_why_it_is_made_again(root: Path) -> None:
    marker = root / "jobs" / SFT / "result.json"
    result = json.loads(marker.read_text())
    del result["made_from"]
    marker.write_text(json.dumps(result))
    assert judge_run(root)[SFT].reason.startswith("made by an earlier version of codealign")


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", "\udcff"])
def test_a_broken_result_is_a_job_to_do(root: Path, broken: str) -> None:
    (root / "jobs" / SFT / "result.json").write_bytes(broken.encode("utf-8", "surrogateescape"))
    state = judge_run(root)[SFT]
    assert (state.kind, state.reason) == (TO_DO, "its result marker cannot be read")


def test_a_failure_is_the_state_until_the_job_is_done_or_its_settings_change(root: Path) -> None:
    others = jobs(sft={"epochs": 9.0})
    plan.freeze(others, "runs/mine")
    markers.write_failure(root, SFT, error="ValueError: no pairs")
    state = judge(root, others)[SFT]
    assert (state.kind, state.reason) == (FAILED, "ValueError: no pairs")
    assert judge(root, jobs(sft={"epochs": 5.0}))[SFT].kind == OUTDATED
    assert judge(root, jobs())[SFT].kind == DONE


def test_a_file_named_in_the_settings_counts_by_its_content(root: Path, tmp_path: Path) -> None:
    answers = tmp_path / "params/answers.csv"
    answers.parent.mkdir()
    answers.write_text("a,b\n")
    (job,) = [job for job in jobs(survey={"answers": str(answers)}) if job.notebook[:2] == "06"]
    before = state.deciding(job)
    answers.write_text("a,c\n")
    assert state.differences(before, state.deciding(job)) == [f"files.{answers}"]
    answers.unlink()  # a copy of the run, on a machine that has not the file
    assert state.differences(before, state.deciding(job)) == []


def edited(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have one module of the package read as if a statement had been added to it."""
    read = code._read

    def changed(path: Path) -> tuple[set[str], str]:
        imports, text = read(path)
        return imports, text + "\nedited = 1" * (path == PACKAGE / name)

    for function in (code.closure, code.code_hash):
        function.cache_clear()
    monkeypatch.setattr(code, "_read", changed)


@pytest.fixture
def clean() -> None:
    yield
    for function in (code.closure, code.code_hash):
        function.cache_clear()


RENDERERS = ["analysis/tables/model.py", "analysis/figures/heatmap.py"]
SHOWN = ["analysis/figures/stages.py", "analysis/stage_text.py", "workflow/notebook.py"]


WORDED = ["prefs/readme.py", "train/readme.py", "evaluate/functional/wording.py", "progress.py"]


@pytest.mark.parametrize("name", [*SHOWN, *WORDED])
def test_what_shows_or_words_a_stages_work_makes_no_stage_again(
    root: Path, monkeypatch, clean, name: str
) -> None:
    edited(monkeypatch, name)
    assert {name.split("-")[0] for name in kinds(root)} <= {"06_survey_kappa", "07_paper"}


def test_a_settings_description_makes_nothing_again(root: Path, monkeypatch, clean) -> None:
    edited(monkeypatch, "params/evaluation.py")
    assert kinds(root) == {}


def test_a_default_that_changes_is_a_changed_setting(root: Path) -> None:
    """A result notes by value what its profile leaves to the default: here another was in force."""
    marker = root / "jobs" / BASE / "result.json"
    result = json.loads(marker.read_text())
    result["made_from"]["settings"]["functional"]["cpu_s"] = 59.0
    marker.write_text(json.dumps(result))
    assert judge_run(root)[BASE].reason == "changed: functional.cpu_s 59.0 -> 60.0"


def test_how_solutions_are_scored_decides_no_pairs(root: Path, monkeypatch, clean) -> None:
    edited(monkeypatch, "evaluate/functional/scoring.py")
    found = judge_run(root)
    assert found[BASE].reason == "changed: the code of its stage"
    assert (found[PAIRS].kind, found[SFT].kind) == (DONE, DONE)


def test_a_judges_rubric_decides_no_training_and_no_functional_score(monkeypatch, clean) -> None:
    rubric = PACKAGE / "prompts/rubrics/style.txt"
    hashes = {name: code.code_hash(name) for name in ("02_sft", "04_functional", "05_codal")}
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"." * (path == rubric))
    code.code_hash.cache_clear()
    assert [n for n, before in hashes.items() if code.code_hash(n) != before] == ["05_codal"]


@pytest.mark.parametrize(
    ("pairs", "again"), [({}, False), ({"rule": "best_worst", "judge": "static"}, True)]
)
def test_a_judges_code_decides_the_pairs_that_it_rates(
    monkeypatch, clean, pairs: dict, again: bool
) -> None:
    job = next(job for job in jobs(prefs={"pairs": pairs}) if job.name == PAIRS)
    settings = state.deciding(job)
    before = code.code_of(job.notebook, settings)
    edited(monkeypatch, "evaluate/judges/measures.py")
    assert (code.code_of(job.notebook, settings) != before) == again


@pytest.mark.parametrize("stage", ["functional", "align"])
def test_a_changed_stage_makes_its_own_jobs_outdated(
    root: Path, monkeypatch, clean, stage: str
) -> None:
    edited(monkeypatch, f"stages/{stage}.py")
    told = {n for n, s in judge_run(root).items() if s.reason == "changed: the code of its stage"}
    of = {"functional": {BASE, "04_functional-nano-pretrained-sft", SCORED}, "align": {DPO}}
    assert told == of[stage]


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_renderers_change_draws_again_and_computes_nothing(
    root: Path, monkeypatch, clean, renderer: str
) -> None:
    edited(monkeypatch, renderer)
    assert {name.split("-")[0] for name in kinds(root)} <= {"06_survey_kappa", "07_paper"}
    assert "07_paper" in kinds(root)


def test_a_changed_loss_makes_the_trainings_that_use_it_outdated(
    root: Path, monkeypatch, clean
) -> None:
    edited(monkeypatch, "train/losses.py")
    states = judge_run(root)
    assert states[DPO].reason == "changed: the code of its stage"
    assert (states[PAIRS].kind, states[BASE].kind) == (DONE, DONE)


def test_a_gates_rule_makes_no_training_outdated(root: Path, monkeypatch, clean) -> None:
    edited(monkeypatch, "analysis/gating.py")
    states = judge_run(root)
    assert states[BASE].reason == "changed: the code of its stage"
    assert (states[PAIRS].kind, states[SFT].kind) == (DONE, DONE)


def test_the_drivers_own_code_decides_nothing(root: Path, monkeypatch, clean) -> None:
    edited(monkeypatch, "workflow/context.py")
    assert kinds(root) == {}


def test_a_job_kept_by_a_gate_is_done_until_the_gates_job_says_otherwise(root: Path) -> None:
    job = next(job for job in jobs() if job.name == SFT)
    stops.write_stopped(root, job, "R4 failed")
    assert judge_run(root)[SFT].kind == DONE
    make(root, jobs()[1], content="other")
    assert judge_run(root)[SFT].reason == f"changed: the result of {PAIRS}"


@pytest.mark.parametrize("corpus", ["mycode", "hub:{}/mycode", "./mycode"])
def test_a_corpus_is_read_however_it_is_named(tmp_path, monkeypatch, corpus: str) -> None:
    work_in(tmp_path, monkeypatch)
    (tmp_path / "mycode").mkdir()
    source = tmp_path / "mycode" / "a.py"
    source.write_text("x = 1\n")
    settings = {"corpus": corpus.format(tmp_path)}
    before = state.plain(settings)
    source.write_text("x = 2\n")
    assert before["files"] != state.plain(settings)["files"]


def test_what_version_control_keeps_in_a_corpus_decides_nothing(tmp_path, monkeypatch) -> None:
    work_in(tmp_path, monkeypatch)
    (tmp_path / "mycode" / ".git").mkdir(parents=True)
    (tmp_path / "mycode" / "a.py").write_text("x = 1\n")
    before = state.plain({"corpus": "mycode"})
    (tmp_path / "mycode" / ".git" / "index").write_text("looked at")
    assert state.plain({"corpus": "mycode"}) == before


@pytest.mark.parametrize("corpus", ["nano", "stdlib"])
def test_a_folder_that_is_called_like_a_corpus_is_none(tmp_path, monkeypatch, corpus: str) -> None:
    """A clone has a folder `nano`, the laboratory's."""
    work_in(tmp_path, monkeypatch)
    (tmp_path / corpus).mkdir()
    (tmp_path / corpus / "a.py").write_text("x = 1\n")
    assert "files" not in state.plain({"corpus": corpus})


def test_a_text_too_long_for_a_file_name_is_no_file() -> None:
    assert "files" not in state.plain({"note": "a sentence. " * 100})


@pytest.mark.parametrize(
    "wrong",
    [
        {"made_from": None},
        {"made_from": {"settings": None}},
        {"outputs": None},
        {"outputs": {"a": 1}},
    ],
)
def test_a_marker_of_another_form_cannot_be_read(tmp_path: Path, wrong: dict) -> None:
    markers.write_result(tmp_path, "06_survey_kappa", "done", seconds=1.0, **wrong)
    assert markers.read_result(tmp_path, "06_survey_kappa") == {}
