"""What a run lacks is told at once, before its first job."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.cli import main
from codealign.errors import CodealignError
from codealign.params import Codal, ModelPair, Params, Prefs, Survey, load_params
from codealign.paths import PROJECT
from codealign.workflow.plan import make_plan
from codealign.workflow.preflight import preflight, require

SMOKE = load_params(PROJECT / "params/smoke.yaml")


def lacking(params: Params, root: Path) -> dict[str, str]:
    return {one.name: str(one) for one in preflight(make_plan(params), root) if not one.ok}


def test_what_the_embedded_model_needs_is_there(tmp_path: Path) -> None:
    assert lacking(SMOKE, tmp_path) == {}


def test_everything_missing_is_one_error(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    broken = SMOKE.model_copy(update={
        "prefs": Prefs(corpus="no/such/folder", templates="no/such/set"),
        "codal": Codal(data="nano", judge="gpt-4o"),
        "survey": Survey(answers="no/such.csv"),
        "functional": SMOKE.functional,
    })  # fmt: skip
    monkeypatch.setattr("codealign.workflow.preflight.require_public", lambda *_, **__: None)
    with pytest.raises(CodealignError) as error:
        require(make_plan(broken), tmp_path)
    said = str(error.value)
    assert said.startswith("before the first job, 4 of ")
    wanted = ("templates: ", "corpus: ", "judge gpt-4o: ", "survey.answers: no/such.csv")
    assert all(f"\n  {what}" in said for what in wanted), said
    assert "set OPENAI_API_KEY" in said and "give `stdlib`, a folder" in said


def test_a_server_for_the_data_needs_no_weights_for_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    asked = SMOKE.prefs.model_copy(update={"engine": "openai"})
    plan = make_plan(SMOKE.model_copy(update={"prefs": asked}))
    names = [one.name for one in preflight(plan, tmp_path)]
    assert "server" in names and "model nano pretrained" not in names


def test_a_disk_with_less_than_the_jobs_leave_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("codealign.workflow.causes.needed_space", lambda _: 1e18)
    assert "needs about 1,000,000,000.0" in lacking(SMOKE, tmp_path)["disk"]


def test_doctor_says_it_of_a_profile(capsys) -> None:
    assert main(["doctor", "--params", str(PROJECT / "params/smoke.yaml")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing is missing"


def test_a_missing_variant_is_told_with_what_would_do(tmp_path: Path) -> None:
    there = PROJECT / "codealign/nano/weights/pretrained"
    pair = ModelPair(name="mine", pretrained=str(there)).text()
    found = lacking(SMOKE.model_copy(update={"models": [pair]}), tmp_path)
    assert "no weights of finetuned, only of pretrained" in found["model mine finetuned"]
