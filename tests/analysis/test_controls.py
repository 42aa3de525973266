"""Controls: an arm's gain over the SFT it started from, its interval, its labels, its gap."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from codealign.analysis.study.controls import arms, formats, interval, trained
from codealign.analysis.tables.controls import controls_table, gaps_table
from codealign.analysis.tables.model import to_markdown

PLACE = ("nano", "pretrained", "functional")


def evaluated(part: Path, stage: str, values: dict[str, list[float]]) -> None:
    folder = part.joinpath("evals", *PLACE, stage)
    folder.mkdir(parents=True)
    lines = [
        {"benchmark": benchmark, "id": f"{benchmark}/{i}", "value": value}
        for benchmark, found in values.items()
        for i, value in enumerate(found)
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def adapter(part: Path, stage: str, **facts: float | None) -> None:
    folder = part.joinpath("checkpoints", *PLACE, stage)
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(json.dumps({"examples": 20, "steps": 5, **facts}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two seeds: main DPO gains 1 and 2 of 4 problems over SFT, the placebo none and one."""
    parts = ["."]
    evaluated(tmp_path, "base", {"humaneval": [1, 1, 1, 1], "humaneval_plus": [0, 0, 0, 1]})
    for seed, dpo, tossed in ((0, [1, 1, 0, 0], [0, 1, 0, 0]), (1, [1, 1, 1, 0], [1, 1, 0, 0])):
        main = tmp_path / "seeds" / str(seed)
        arm = main / "ablations" / "align" / "placebo"
        evaluated(main, "sft", {"humaneval": [0] * 4, "humaneval_plus": [0, 1, 0, 0]})
        evaluated(main, "dpo", {"humaneval": [1] * 4, "humaneval_plus": dpo})
        evaluated(arm, "dpo", {"humaneval_plus": tossed})
        adapter(main, "sft", noise=0.0)
        adapter(main, "dpo", gap=4.0 + seed, noise=0.0)
        adapter(arm, "dpo", gap=1.0, noise=0.5)
        parts += [f"seeds/{seed}", f"seeds/{seed}/ablations/align/placebo"]
    (tmp_path / "plan.lock.json").write_text(json.dumps({"parts": parts, "jobs": {}}))
    return tmp_path


def test_each_adapter_is_read_with_its_labels_and_gap(run: Path) -> None:
    found = trained(run)
    assert len(found) == 6
    placebo = found[found["ablation"] == "placebo"]
    assert placebo["noise"].tolist() == [0.5, 0.5] and placebo["seed"].tolist() == [0, 1]
    assert found[found["stage"] == "sft"]["gap"].isna().all()


def test_a_gain_is_over_the_sft_that_the_arm_started_from_and_the_added_tests_score(
    run: Path,
) -> None:
    found = arms(run).set_index("ablation")
    # Of 4 problems main gains 1, then 2 (25 and 50 points); the placebo, from main SFT, 0 and 1.
    assert found["gain"].to_dict() == {"": 37.5, "placebo": 12.5}
    # Over the base, which solves the last problem alone: main 2-1 and 3-1, placebo 1-1 and 2-1.
    assert found["above_base"].to_dict() == {"": 37.5, "placebo": 12.5}
    assert found["problems"].tolist() == [4, 4] and found["seeds"].tolist() == [2, 2]
    assert found.loc["", "low"] < 37.5 < found.loc["", "high"]


def test_the_interval_adds_the_variances_of_seeds_and_problems() -> None:
    # Seeds 1 and 3: variance of the mean 2/2 = 1. Problems 1 and 3 likewise: 1. Together 2, with
    # (1 + 1)^2 / (1/1 + 1/1) = 2 degrees of freedom, whose t is 4.303: 2 -+ 4.303 * sqrt 2.
    low, high = interval(pd.Series([1.0, 3.0]), pd.Series([1.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 6.085, 2 + 6.085), abs=0.001)


def test_one_seed_has_no_interval() -> None:
    assert all(math.isnan(bound) for bound in interval(pd.Series([1.0]), pd.Series([1.0, 3.0])))


def test_the_table_shows_noise_and_gain_of_each_arm(run: Path) -> None:
    text = to_markdown(controls_table(arms(run)))
    assert "| main | 0% | +37.5 [" in text
    assert "| placebo | 50% | +12.5 [" in text


def test_a_gap_under_half_of_its_target_stands_in_brackets() -> None:
    cell = ["nano", "pretrained", "functional", "", "bonbon"]
    columns = [*trained_columns(), "examples", "steps", "gap", "target", "noise"]
    short = pd.DataFrame([[*cell, 0, 20.0, 5.0, 8.0, 18.0, None]], columns=columns)
    enough = short.assign(gap=9.0)
    assert "(44%)" in to_markdown(gaps_table(short))
    assert "| 50% |" in to_markdown(gaps_table(enough))


def test_a_format_is_compared_within_models_and_the_base_is_one_model(run: Path) -> None:
    for seed, other in ((0, [0, 1, 0, 0]), (1, [0, 0, 0, 0])):
        part = run / "seeds" / str(seed) / "ablations" / "functional" / "asked"
        evaluated(part, "base", {"humaneval_plus": [1, 1, 0, 1]})
        evaluated(part, "dpo", {"humaneval_plus": other})
    lock = json.loads((run / "plan.lock.json").read_text())
    lock["parts"] += [f"seeds/{seed}/ablations/functional/asked" for seed in (0, 1)]
    (run / "plan.lock.json").write_text(json.dumps(lock))
    found = formats(run, "asked").set_index("stage")
    # The base solves 1 of 4 when it completes, 3 when asked; DPO 2 and 3 of 4, then 1 and 0.
    assert found.loc["base", ["own", "other", "mean", "seeds"]].tolist() == [25, 75, 50, 1]
    assert found.loc["dpo", ["own", "other", "mean", "seeds"]].tolist() == [62.5, 12.5, -50, 2]
    assert math.isnan(found.loc["base", "low"]) and found.loc["dpo", "high"] > -50


def trained_columns() -> list[str]:
    return ["model", "variant", "trained", "ablation", "stage", "seed"]
