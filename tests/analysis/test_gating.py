"""Gates on a run's scores: what is compared, what is said, what a failed gate does."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.analysis.gating import Gate, baseline_gate, check_gates, failed_gates, failed_of
from codealign.analysis.measured import write_measured
from codealign.cell import Cell
from codealign.params import Gates
from codealign.paths import RunPaths


def evaluated(root: Path, stage: str, values: dict, requirement: str = "functional") -> Cell:
    """Write the scores of one stage; return its cell."""
    cell = Cell("m", "pretrained", requirement, stage, seed=0)
    write_measured(RunPaths(root).evals(cell), "mine", cell, values)
    return cell


def verdicts(solved: int, of: int = 20) -> dict[str, float]:
    return {f"P/{i}": float(i < solved) for i in range(of)}


def test_the_baseline_is_the_mean_pass_at_1_of_the_base(tmp_path: Path) -> None:
    # 2/20 and 0/20: mean 0.05, over 40 verdicts; efficiency (dps) is no pass@1
    values = {"humaneval": verdicts(2), "mbpp": verdicts(0), "evalperf": {"E/1": 90.0}}
    (gate,) = check_gates(RunPaths(tmp_path), evaluated(tmp_path, "base", values), Gates())
    assert gate == Gate("R4", False, "baseline pass@1 0.050 < 0.10 (n = 40)", "warn")


def test_a_baseline_at_the_threshold_passes() -> None:
    assert baseline_gate(0.10, 0.10, 164).passed


def test_the_threshold_is_the_params(tmp_path: Path) -> None:
    cell = evaluated(tmp_path, "base", {"humaneval": verdicts(1)})
    assert check_gates(RunPaths(tmp_path), cell, Gates(threshold=0.05))[0].passed


def test_a_base_on_codal_is_not_judged_as_the_study_names_no_threshold(tmp_path: Path) -> None:
    cell = evaluated(tmp_path, "base", {"codal_style": {"S/1": 1.0}}, "non_functional")
    assert check_gates(RunPaths(tmp_path), cell, Gates()) == []


@pytest.mark.parametrize(
    ("stage", "rule", "what"),
    [("sft", "R7", "SFT"), ("dpo", "R9", "alignment"), ("bonbon", "R9", "alignment")],
)
def test_a_fall_of_every_problem_fails_the_stages_own_gate(
    stage: str, rule: str, what: str, tmp_path: Path
) -> None:
    evaluated(tmp_path, "base", {"humaneval": verdicts(20)})
    cell = evaluated(tmp_path, stage, {"humaneval": verdicts(0)})
    (gate,) = check_gates(RunPaths(tmp_path), cell, Gates())
    assert (gate.rule, gate.passed) == (rule, False)
    assert gate.reason.startswith(f"{what} has harmed the model: 1.000 -> 0.000")


def test_a_fall_of_one_problem_of_twenty_is_within_the_interval(tmp_path: Path) -> None:
    evaluated(tmp_path, "base", {"humaneval": verdicts(11)})
    cell = evaluated(tmp_path, "sft", {"humaneval": verdicts(10)})
    assert check_gates(RunPaths(tmp_path), cell, Gates())[0].passed


def test_a_gate_looks_at_the_score_that_the_summary_shows(tmp_path: Path) -> None:
    # HumanEval without the added tests is not in it: MBPP+ and HumanEval+, (0.5 + 0.3) / 2
    values = {"humaneval": verdicts(20), "humaneval_plus": verdicts(10), "mbpp_plus": verdicts(6)}
    (gate,) = check_gates(RunPaths(tmp_path), evaluated(tmp_path, "base", values), Gates())
    assert "0.400" in gate.reason and "(n = 40)" in gate.reason
    after = {name: verdicts(0) for name in values}
    (gate,) = check_gates(RunPaths(tmp_path), evaluated(tmp_path, "sft", after), Gates())
    assert "0.400 -> 0.000" in gate.reason


def test_ratings_are_compared_as_shares_of_their_scale(tmp_path: Path) -> None:
    rated = {f"S/{i}": 8.0 for i in range(10)}
    evaluated(tmp_path, "base", {"codal_style": rated}, "non_functional")
    lower = {"codal_style": dict.fromkeys(rated, 2.0)}
    cell = evaluated(tmp_path, "dpo", lower, "non_functional")
    assert "0.800 -> 0.200" in check_gates(RunPaths(tmp_path), cell, Gates())[0].reason


def test_without_a_base_nothing_is_held_against_a_stage(tmp_path: Path) -> None:
    cell = evaluated(tmp_path, "sft", {"humaneval": verdicts(0)})
    (gate,) = check_gates(RunPaths(tmp_path), cell, Gates(sft="stop"))
    assert gate.passed and str(gate).startswith("R7: not measured")


def test_off_does_not_look(tmp_path: Path) -> None:
    cell = evaluated(tmp_path, "base", {"humaneval": verdicts(0)})
    assert check_gates(RunPaths(tmp_path), cell, Gates(baseline="off")) == []


def test_a_failed_gate_stops_only_if_told_to() -> None:
    warns, stops = (Gate("R7", False, "worse", action) for action in ("warn", "stop"))
    assert (warns.stops, stops.stops) == (False, True)
    assert str(warns) == "R7 failed (a warning): worse"
    assert str(stops) == "R7 failed (stops alignment): worse"


def test_failed_gates_are_found_again_beside_the_scores(tmp_path: Path) -> None:
    cell = evaluated(tmp_path, "base", {"humaneval": verdicts(0)})
    gates = check_gates(RunPaths(tmp_path), cell, Gates())
    assert failed_gates(RunPaths(tmp_path).evals(cell)) == gates
    assert failed_gates(tmp_path / "elsewhere") == []


def test_a_moved_run_keeps_its_warnings(tmp_path: Path) -> None:
    cell = evaluated(tmp_path / "run", "base", {"humaneval": verdicts(0)})
    gates = check_gates(RunPaths(tmp_path / "run"), cell, Gates())
    scores = "evals/m/pretrained/functional/base/scores.jsonl"
    result = {"files": ["runs/where it once was/gates.jsonl"], "outputs": {scores: [1, 1, ""]}}
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    assert failed_of(moved, result) == gates
