"""Two runs compared: paired differences, settings that differ, scores that only one has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from codealign.analysis.measured import write_measured
from codealign.analysis.runs import compare_runs, comparison_markdown
from codealign.cell import Cell
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.paths import RunPaths

CELL = Cell("nano", "pretrained", "functional", "dpo", seed=0)


def seeded(root: Path, base: int, solved: dict[int, int]) -> Path:
    """Make a run of several seeds; base and each seed solve so many of 20 on HumanEval+."""
    parts = {".": (CELL.at(stage="base", seed=None), base)}
    parts |= {f"seeds/{seed}": (CELL.at(seed=seed), right) for seed, right in solved.items()}
    for part, (place, right) in parts.items():
        folder = RunPaths(root / part).evals(place)
        folder.mkdir(parents=True)
        values = {f"p{i}": float(i < right) for i in range(20)}
        write_measured(folder, root.name, place, {"humaneval_plus": values})
    (root / "plan.lock.json").write_text(json.dumps({"parts": list(parts), "jobs": {}}))
    return root


def make_run(root: Path, solved: int, rate: float, benchmarks: tuple[str, ...]) -> Path:
    """Make a run that solves the first problems of 20, trained with a learning rate."""
    values = {name: {f"p{i}": float(i < solved) for i in range(20)} for name in benchmarks}
    folder = RunPaths(root).evals(CELL)
    folder.mkdir(parents=True)
    write_measured(folder, root.name, CELL, values)
    job = RunPaths(root).jobs / "03_align-nano"
    job.mkdir(parents=True)
    settings = {"run": str(root), "seed": 1, "align": {"dpo": {"learning_rate": rate, "beta": 0.1}}}
    (job / "params.yaml").write_text(yaml.safe_dump(settings))
    return root


@pytest.fixture
def first(tmp_path) -> Path:
    return make_run(tmp_path / "a", 4, 1e-4, ("humaneval_plus", "mbpp_plus"))


@pytest.fixture
def second(tmp_path) -> Path:
    return make_run(tmp_path / "b", 14, 3e-4, ("humaneval_plus", "evoeval_subtle"))


def test_the_difference_is_second_minus_first_over_shared_problems(first, second) -> None:
    # 14 of 20 against 4 of 20: +0.5, and all 10 differing problems go one way
    cells = compare_runs(first, second).cells
    assert list(cells["benchmark"]) == ["humaneval_plus"]
    assert cells["absolute"].item() == pytest.approx(0.5)
    assert cells["n"].item() == 20
    assert cells["low"].item() > 0
    assert cells["p_holm"].item() < 0.01


def test_the_whole_is_in_points_over_the_requirements_benchmarks(first, second) -> None:
    overall = compare_runs(first, second).overall
    assert overall["change"].item() == pytest.approx(50)
    assert overall["benchmarks"].item() == 1


def test_scores_that_only_one_run_has_are_named(first, second) -> None:
    told = "\n".join(compare_runs(first, second).only)
    assert f"only in {first}: nano pretrained functional dpo mbpp_plus" in told
    assert f"only in {second}: nano pretrained functional dpo evoeval_subtle" in told


def test_settings_that_differ_are_told_and_others_are_not(first, second) -> None:
    settings = compare_runs(first, second).settings
    assert settings == {"03_align.align.dpo.learning_rate": (1e-4, 3e-4)}


def test_a_run_compared_with_itself_differs_in_nothing(first) -> None:
    found = compare_runs(first, first)
    assert set(found.cells["absolute"]) == {0.0}
    assert found.only == [] and found.settings == {}
    assert "Same settings." in comparison_markdown(found, "a", "a")


def test_seeds_are_set_beside_each_other_by_rank_whatever_their_numbers(tmp_path) -> None:
    low, high = seeded(tmp_path / "a", 2, {0: 4, 1: 6}), seeded(tmp_path / "b", 2, {7: 8, 9: 10})
    dpo = compare_runs(low, high).cells.set_index("stage").loc["dpo"]
    assert dpo["seeds"] == 2 and dpo["absolute"] == pytest.approx(0.2)


def test_both_sides_are_means_over_the_seeds_that_both_runs_have(tmp_path) -> None:
    few, many = seeded(tmp_path / "a", 2, {0: 4}), seeded(tmp_path / "b", 2, {0: 8, 1: 20})
    dpo = compare_runs(few, many).cells.set_index("stage").loc["dpo"]
    assert (dpo["first"], dpo["second"]) == pytest.approx((0.2, 0.4))
    assert dpo["absolute"] == pytest.approx(0.2) and dpo["seeds"] == 1


def test_runs_without_a_score_in_common_are_refused(first, tmp_path) -> None:
    other = make_run(tmp_path / "c", 4, 1e-4, ("evoeval_combine",))
    with pytest.raises(CodealignError, match="no score in common"):
        compare_runs(first, other)


def test_a_folder_that_is_no_run_is_named(first, tmp_path) -> None:
    with pytest.raises(CodealignError, match="nothing: no scores there"):
        compare_runs(first, tmp_path / "nothing")


def test_the_command_prints_every_shared_score_as_json(first, second, capsys) -> None:
    assert main(["compare", str(first), str(second), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["first"], row["second"]) == (0.2, 0.7)


def test_the_command_writes_text_and_data(first, second, tmp_path) -> None:
    assert main(["compare", str(first), str(second), "--out", str(tmp_path / "out")]) == 0
    assert "| +50.0 [" in (tmp_path / "out/compare.md").read_text()
    assert (tmp_path / "out/compare.csv").exists()


def test_export_writes_scores_changes_and_a_card_a_model(first, tmp_path) -> None:
    out = tmp_path / "out"
    assert main(["export", str(first), "--out", str(out)]) == 0
    card = "model_card-nano-pretrained-functional-dpo.md"
    assert sorted(p.name for p in out.iterdir()) == ["changes.csv", card, "scores.csv"]
    head, body = (out / card).read_text().split("---\n")[1:]
    results = yaml.safe_load(head)["model-index"][0]["results"]
    assert [r["dataset"]["type"] for r in results] == ["humaneval_plus", "mbpp_plus"]
    assert results[0]["metrics"] == [{"type": "pass@1", "value": 0.2}]
    assert "| HumanEval+ | pass@1 | 0.2 |" in body


def test_export_of_an_empty_folder_is_an_error(tmp_path, capsys) -> None:
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "no scores there" in capsys.readouterr().err
