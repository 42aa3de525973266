"""Two folders become a profile, a plan for a budget and an answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_run import write_run

from codealign.analysis.effects import Effect
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.evaluate.functional.verdicts import Attempt
from codealign.params import Params, load_params, validate
from codealign.paths import NANO_WEIGHTS, PROJECT
from codealign.records import write_jsonl
from codealign.workflow import budget
from codealign.workflow.budget import Budget, fit, read_budget
from codealign.workflow.rates import Rates
from codealign.workflow.start_from import (
    Course,
    closing_lines,
    fitted,
    pair_of,
    profile_of,
    sentence,
)

SMOKE = PROJECT / "params/smoke.yaml"
PACE = Rates(generated=1000, trained=2000, flops=4, execution_s=0.05, start_s=2)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Nano's two variants as two plain folders under other names."""
    places = [tmp_path / f"tiny-coder-{name}" for name in ("base", "chat")]
    for place, variant in zip(places, ("pretrained", "finetuned"), strict=True):
        shutil.copytree(NANO_WEIGHTS / variant, place)
    return str(places[0]), str(places[1])


def test_two_folders_are_a_pair_named_after_them(folders) -> None:
    pair = pair_of(*folders)
    assert pair.models.name == "tiny-coder" and pair.remarks == ()
    data = profile_of(pair, SMOKE, ["align.dpo.beta=0.5"], seeds=3, judge="static", gpu=False)
    params = validate(Params, data, "made")
    assert (params.profile, params.study.seeds) == ("start-tiny-coder", [0, 1, 2])
    assert params.variants == ["pretrained", "finetuned"] and params.align.dpo.beta == 0.5
    assert (params.codal.judge, params.codal.second_judge) == ("static", "static_b")


def test_bad_pairs_are_one_line_each(folders, tmp_path: Path) -> None:
    base, chat = folders
    with pytest.raises(CodealignError, match="are the same weights .* name the other model"):
        pair_of(chat, chat)
    with pytest.raises(CodealignError, match="no chat template.*are the two swapped"):
        pair_of(chat, base)
    with pytest.raises(CodealignError, match="no such folder"):
        pair_of(base, str(tmp_path / "nowhere"))


def test_unusual_pairs_are_allowed_and_said(folders) -> None:
    base, chat = (Path(one) for one in folders)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "model_type": "qwen2"}))
    tokenizer = (base / "tokenizer.json").read_text()
    (base / "tokenizer.json").write_text(tokenizer + "\n")
    for file in chat.glob("chat_template.jinja"):
        shutil.copy(file, base)
    found = " ".join(pair_of(str(base), str(chat)).remarks)
    assert "different families (qwen2 and llama)" in found and "different tokenizers" in found
    assert "the base model has a chat template" in found


def test_budgets_are_read_in_their_units() -> None:
    assert read_budget(["90min", "5gpuh", "10usd"]) == Budget(1.5, 5, 10)
    with pytest.raises(CodealignError, match="write it as 2h, 90min"):
        read_budget(["2 days"])


def profile(folders) -> Params:
    data = profile_of(pair_of(*folders), PROJECT / "params/nano.yaml", [], 5, "static", False)
    return validate(Params, data, "made")


def test_what_is_planned_fits_the_budget_and_more_hours_tell_more(folders, monkeypatch) -> None:
    monkeypatch.setattr(budget, "TRIED", 10)
    monkeypatch.setattr(budget, "LIMITS", (0, 25))
    most = fit(profile(folders), Budget(hours=100), PACE, cores=2)
    less = fit(profile(folders), Budget(hours=0.5 * most.hours), PACE, cores=2)
    assert len(most.params.study.seeds) == 5 and most.params.functional.limit == 0
    assert less.hours <= 0.5 * most.hours
    assert less.points > most.points
    assert f"{len(less.params.study.seeds)} seed" in less.lines()[0]


def test_a_budget_too_small_for_anything_says_what_would_do(folders, monkeypatch) -> None:
    monkeypatch.setattr(budget, "DATA_SHARES", (0.25,))
    monkeypatch.setattr(budget, "LIMITS", (10,))
    with pytest.raises(CodealignError, match=r"too small for anything.*give --budget \d+min"):
        fit(profile(folders), Budget(hours=0.001), PACE, cores=2)


def test_what_a_budget_decides_is_written_into_the_profile(folders) -> None:
    data = profile_of(pair_of(*folders), SMOKE, [], 5, "", False)
    params = validate(Params, data, "made")
    few = params.functional.model_copy(update={"limit": 3})
    small = params.model_copy(update={"functional": few})
    again = validate(Params, fitted(data, small), "made")
    assert again.functional.limit == 3 and again.functional.data == "nano"


def effect(value: float, half: float, seeds: int = 5) -> Effect:
    return Effect(value, value - half, value + half, 500, seeds, ("problems", "seeds"),
                  seed_error=half / 8, problem_error=half / 4, freedom=499)  # fmt: skip


def test_the_answer_is_one_sentence_a_requirement() -> None:
    told = sentence("functional", effect(-9.1, 5.9), 5, 1.0)
    assert told == "start from the instruct model: +9.1 [+3.2, +15.0] points in functional"
    assert sentence("functional", effect(9.1, 5.9), 5, 1.0).startswith("start from the base model")
    told = sentence("non_functional", effect(1.0, 5.9), 5, 1.0)
    assert told.startswith("non-functional cannot be told (+1.0, base minus instruct): ")
    told = sentence("functional", effect(0.1, 1.0), 5, 1.0)
    assert told.startswith("functional (+0.1, base minus instruct): the difference is at most")
    nothing = Effect(missing="not run")
    assert sentence("functional", nothing, 5, 1.0) == "functional: cannot be told: not run"


def test_an_early_stop_pays_for_the_looks_with_a_wider_interval() -> None:
    whole = sentence("functional", effect(20, 5.9, 3), 3, 1.0)
    early = sentence("functional", effect(20, 5.9, 3), 5, 1.0)
    assert whole == "start from the base model: +20.0 [+14.1, +25.9] points in functional"
    assert early.startswith("start from the base model: +20.0 [+") and early != whole


def test_a_dry_run_checks_plans_and_writes_nothing(folders, capsys) -> None:
    asked = ["start-from", "--base", folders[0], "--instruct", folders[1], "--seeds", "1"]
    assert main([*asked, "--params", str(SMOKE), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "checks: nothing is missing" in said and "least difference of the pathways" in said
    assert not (PROJECT / "params/start-tiny-coder.yaml").exists()


@pytest.mark.long
def test_two_folders_end_in_a_sentence_for_each_requirement(folders, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for part in ("notebooks", "params", "workflow"):
        shutil.copytree(PROJECT / part, project / part)
    asked = ["--base", folders[0], "--instruct", folders[1], "--params", "params/smoke.yaml"]
    asked += ["--seeds", "2", "--set", "prefs.seeds=120"]  # smoke's few give seed 0 no pairs
    command = [sys.executable, "-m", "codealign.cli", "start-from", *asked]
    own = {**os.environ, "CODEALIGN_PROJECT": str(project)}
    done = subprocess.run(command, cwd=project, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.split("\n\n")[-1].splitlines()
    for word in ("functional", "non-functional"):
        assert any(word in line for line in last), last
    assert any(line.startswith("report: runs/start-tiny-coder/report/index.html") for line in last)
    assert (project / "runs/start-tiny-coder/before_and_after.md").exists()
    assert load_params(project / "params/start-tiny-coder.yaml").study.seeds == [0, 1]
    again = subprocess.run(command, cwd=project, env=own, capture_output=True, text=True)
    assert "is there and is run as it is" in again.stdout and again.returncode == 0


def test_the_last_lines_are_the_answers_what_was_left_out_and_where_to_look(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("codealign.workflow.start_from.PROJECT", tmp_path)
    (tmp_path / "params").mkdir()
    file = tmp_path / "params/mine.yaml"
    file.write_text("profile: mine\nmodels: [nano]\nstudy: {seeds: [0, 1, 2]}\n")
    run = tmp_path / "runs/mine"
    write_run(run, 0.2)
    for stage, status in (("base", "fail"), ("dpo", "pass")):
        folder = run / f"evals/nano/finetuned/functional/{stage}/humaneval"
        solution, detail = f"def f(): {stage}", "f() == 1"
        made = Attempt("HumanEval/0", 0, solution, status, status, "wrong", detail, 0.1)
        write_jsonl(folder / "attempts.jsonl", [made])
    lines = list(closing_lines(file, Course([0], [1, 2], "the budget would not hold another seed")))
    assert lines[0].startswith("seeds not trained: 1, 2 (the budget would not hold another seed)")
    assert lines[1].startswith("functional cannot be told (+0.0, base minus instruct): ")
    assert lines[2].startswith("non-functional cannot be told (+0.0, base minus instruct): ")
    assert lines[3].startswith("advice this run bears out: ")
    assert lines[4] == "ten samples before and after alignment: runs/mine/before_and_after.md"
    assert lines[5] == "report: runs/mine/report/index.html"
    said = (run / "before_and_after.md").read_text()
    assert "## humaneval HumanEval/0: wrong, then solved" in said and "def f(): dpo" in said
