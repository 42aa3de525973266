"""What a profile will take: work by hand, rates of a finished run, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from codealign.cli import main
from codealign.errors import CodealignError
from codealign.params import Align, Codal, Dpo, Pairing, Params, Prefs, Sft, load_params
from codealign.paths import PROJECT
from codealign.workflow.estimate import estimate, estimate_lines, measured_rates
from codealign.workflow.work import assumed, parameters_of

PREFS = Prefs(seeds=100, responses=4)
SMALL = Params(
    profile="small",
    models=["deepseek-coder-7b"],
    variants=["pretrained"],
    requirements=["non_functional"],
    stages=["base", "sft", "dpo"],
    prefs=PREFS,
    sft=Sft(epochs=2.0),
    align=Align(dpo=Dpo(max_steps=10, batch_size=4, accumulation=2)),
    codal=Codal(judge="gpt-4o", limit=2),
)


def lines(params: Params = SMALL, **more):
    return {line.notebook: line for line in estimate(params, **more).lines}


def test_the_papers_matrix_is_ten_models() -> None:
    planned = estimate(load_params(PROJECT / "params" / "paper.yaml"))
    jobs = {line.notebook: line.jobs for line in planned.lines}
    # 5 pairs x 2 requirements; x 2 variants; x 2 techniques; 10 x (base, sft, dpo, bonbon)
    assert (planned.models, jobs["01_preferences"], jobs["02_sft"]) == (10, 10, 20)
    assert (jobs["03_align"], jobs["04_functional"], jobs["05_codal"]) == (40, 40, 40)
    assert planned.responses == 10 * 60_000 * 10
    hours = sum(line.hours for line in planned.lines)
    assert planned.total("gpu_hours") == pytest.approx(hours, 0.01)


def test_units_are_responses_examples_and_problems() -> None:
    by_notebook = lines()
    assert by_notebook["01_preferences"].units == 400  # 100 seeds x 4
    assert by_notebook["02_sft"].units == 200  # one pair per seed, two epochs
    assert by_notebook["03_align"].units == 80  # 10 steps x 4 x 2
    assert by_notebook["05_codal"].units == 30  # 2 problems x 5 dimensions, base + sft + dpo


def test_generated_tokens_are_a_share_of_the_longest_completions() -> None:
    longest = 100 * (48 + 96) + 400 * 256  # concepts, instructions, responses
    wanted = assumed()["used_share"] * longest
    assert lines()["01_preferences"].generated_tokens == pytest.approx(wanted)


def test_time_on_a_gpu_is_tokens_by_the_assumed_rate_of_the_models_size() -> None:
    resources = {"02_sft": {"gpu": 1}}
    params = Params.model_validate({**SMALL.model_dump(), "resources": resources})
    line = lines(params)["02_sft"]
    # 200 examples of 0.4 x 256 + 96 tokens; 4 operations per token for each of 6.91e9 parameters
    flops = 200 * (0.4 * 256 + 96) * 4 * 6_910_365_696
    seconds = assumed()["start_s"] + flops / (9.89e14 * 0.35)
    assert line.hours == pytest.approx(seconds / 3600)
    assert line.gpu_hours == line.hours


def test_judging_is_priced_from_the_list_or_by_the_user() -> None:
    # 30 answers x 1200 tokens sent and 150 received; gpt-4o: 2.5 and 10 USD per million
    listed = estimate(SMALL)
    assert listed.judged == 30
    assert listed.usd == pytest.approx((30 * 1200 * 2.5 + 30 * 150 * 10) / 1e6)
    own = estimate(SMALL, price=(1.0, 2.0))
    assert own.usd == pytest.approx((30 * 1200 * 1 + 30 * 150 * 2) / 1e6)


def test_each_judge_is_priced_by_itself_and_static_ones_are_free() -> None:
    # 30 answers by each; gpt-4o costs 2.5 and 10, gpt-4o-mini 0.15 and 0.6 USD per million
    def usd(second: str) -> float:
        codal = SMALL.codal.model_copy(update={"second_judge": second})
        return estimate(SMALL.model_copy(update={"codal": codal})).usd

    first = (30 * 1200 * 2.5 + 30 * 150 * 10) / 1e6
    assert usd("static") == pytest.approx(first)
    assert usd("answer_first:gpt-4o") == pytest.approx(2 * first)
    assert usd("gpt-4o-mini") == pytest.approx(first + (30 * 1200 * 0.15 + 30 * 150 * 0.6) / 1e6)


def test_rating_responses_for_pairs_is_counted_for_non_functional_data() -> None:
    pairs = Pairing(rule="best_worst", judge="gpt-4o")
    prefs = PREFS.model_copy(update={"pairs": pairs})
    assert estimate(SMALL.model_copy(update={"prefs": prefs})).judged == 30 + 400


def test_a_judge_without_a_known_price_is_said_and_not_guessed() -> None:
    codal = SMALL.codal.model_copy(update={"judge": "unheard-of"})
    planned = estimate(SMALL.model_copy(update={"codal": codal}))
    assert planned.usd is None
    assert any("unheard-of not known: give --price" in line for line in estimate_lines(planned))


def test_an_embedded_model_is_not_fetched_and_its_judge_costs_nothing() -> None:
    planned = estimate(load_params(PROJECT / "params" / "nano.yaml"))
    assert (planned.weights_gb, planned.usd, planned.total("gpu_hours")) == (0, 0.0, 0)


def test_weights_are_two_bytes_a_parameter_and_variant() -> None:
    assert estimate(SMALL).weights_gb == pytest.approx(13.820731392)
    assert parameters_of("deepseek-coder-1.3b") == 1_346_471_936


@pytest.mark.parametrize(("name", "size"), [("me/mine-1.5B", 1.5e9), ("me/Smol-135M", 1.35e8)])
def test_a_model_that_is_not_here_is_as_large_as_its_name_says(
    name: str, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert parameters_of(name) == size


def test_a_device_that_nobody_knows_is_refused_with_the_nearest() -> None:
    resources = {"02_sft": {"gpu": 1, "device": "t44"}}
    with pytest.raises(CodealignError, match="no device 't44'; did you mean 't4'"):
        estimate(Params.model_validate({**SMALL.model_dump(), "resources": resources}))


def test_a_model_that_hides_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CodealignError, match="nor its name tells its size; fetch its config.json"):
        parameters_of("me/mine")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run with one finished job of preference data: 40 responses in 120 seconds."""
    name = "01_preferences-deepseek-coder-7b-non_functional"
    folder = tmp_path / "jobs" / name
    folder.mkdir(parents=True)
    entry = {"notebook": "01_preferences", "needs": [], "resources": {}}
    (tmp_path / "plan.lock.json").write_text(json.dumps({"jobs": {name: entry}}))
    prefs = Prefs(seeds=10, responses=4).model_dump()
    given = {"model": "deepseek-coder-7b", "requirement": "functional", "prefs": prefs}
    (folder / "params.yaml").write_text(yaml.safe_dump(given))
    (folder / "result.json").write_text(json.dumps({"seconds": 120.0}))
    return tmp_path


def test_time_is_taken_from_a_finished_run_where_it_has_the_notebook(finished: Path) -> None:
    by_notebook = lines(run=finished)
    # 120 s / 40 responses = 3 s each, 400 responses
    assert by_notebook["01_preferences"].hours == pytest.approx(1200 / 3600)
    assert by_notebook["01_preferences"].measured
    assert not by_notebook["02_sft"].measured


def test_a_run_of_other_models_is_refused(finished: Path) -> None:
    with pytest.raises(CodealignError, match="has jobs of model deepseek-coder-7b"):
        measured_rates(finished, ["nano"])


def test_a_run_made_with_other_settings_names_the_file(finished: Path) -> None:
    (frozen,) = finished.glob("jobs/*/params.yaml")
    frozen.write_text(yaml.safe_dump({"model": "deepseek-coder-7b", "prefs": {"shots": 1}}))
    with pytest.raises(CodealignError, match="params.yaml: unknown key 'shots'"):
        measured_rates(finished, SMALL.models)


def test_the_command_prints_text_or_one_object(capsys) -> None:
    assert main(["plan", "--params", "params/paper.yaml"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("paper: 152 jobs for 10 models, 600,000 seeds, 6,000,000 responses\n")
    assert main(["plan", "--params", "params/paper.yaml", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["totals"]["jobs"] == 152
    assert {"hours", "gpu_hours", "gigabytes"} <= set(printed["totals"])


def test_an_own_run_that_cannot_be_used_is_said_and_the_time_is_assumed(
    tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("codealign.commands.runs.PROJECT", tmp_path)
    run = tmp_path / "runs" / "nano"
    run.mkdir(parents=True)
    (run / "cost.json").write_text("{}")
    (run / "plan.lock.json").write_text(json.dumps({"jobs": {}}))
    assert main(["plan", "--params", str(PROJECT / "params" / "nano.yaml")]) == 0
    said = capsys.readouterr()
    assert "time is assumed, not measured" in said.err
    assert said.out.startswith("nano: 32 jobs")
