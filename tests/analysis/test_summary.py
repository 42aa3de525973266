"""The summary: what enters a requirement's score, changes, intervals, what is missing."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from made_up_run import measured, unscored

from codealign.analysis.scores import published
from codealign.analysis.summary import (
    MEMBERS,
    summarise,
    summary_lines,
    summary_markdown,
    write_summary,
)


@pytest.fixture(scope="module")
def paper() -> pd.DataFrame:
    return summarise(published())


def row(summary: pd.DataFrame, **cell: str) -> pd.Series:
    for name, value in cell.items():
        summary = summary[summary[name] == value]
    assert len(summary) == 1
    return summary.iloc[0]


def test_a_row_for_every_model_pathway_requirement_and_stage(paper: pd.DataFrame) -> None:
    assert len(paper) == 5 * 2 * 2 * 4


def test_the_non_functional_score_is_the_mean_of_the_five_dimensions(paper: pd.DataFrame) -> None:
    # Table 4, Llama, fine-tuned, base: (3.72 + 6.03 + 5.21 + 5.93 + 6.19) / 5 = 5.416 of 10
    found = row(paper, model="Meta-Llama-3-8B", pathway="FTA",
                requirement="non_functional", stage="base")  # fmt: skip
    assert found["score"] == pytest.approx(54.16)
    assert found["n"] == 500


def test_the_functional_score_is_the_mean_pass_rate_of_nine(paper: pd.DataFrame) -> None:
    # Tables 3 and 5, DeepSeek-7B, pretrained, base:
    # (.396 + .606 + .19 + .31 + .44 + .08 + .48 + .49 + .41) / 9 = 3.402 / 9 = 0.378
    found = row(paper, model="deepseek-coder-7b", pathway="PTA",
                requirement="functional", stage="base")  # fmt: skip
    assert found["score"] == pytest.approx(37.8)
    assert found["benchmarks"] == found["of"] == len(MEMBERS["functional"]) == 9


def test_the_change_is_in_points_against_base() -> None:
    # every stage is 5 points better than the one before
    found = row(summarise(measured()), pathway="PTA", requirement="functional", stage="dpo")
    assert found["change"] == pytest.approx(10)
    assert found["change_low"] < 10 < found["change_high"]


def test_base_has_no_change() -> None:
    found = row(summarise(measured()), pathway="PTA", requirement="functional", stage="base")
    assert math.isnan(found["change"])


def test_the_error_of_nine_benchmarks_shrinks_by_three() -> None:
    # By hand: 8 of 20: share 10 / 24, error 10.063 points, of nine 3.354; two made-up problems:
    # 2 * (100 / 9 / 22)^2 = 0.5102; t(0.975, 19) = 2.0930: 2.0930 * sqrt(11.2516 + 0.5102) = 7.178
    found = row(summarise(measured()), pathway="PTA", requirement="functional", stage="base")
    assert found["high"] - found["score"] == pytest.approx(7.178, abs=1e-3)


def test_the_weight_of_each_task_is_said() -> None:
    assert "F1 1/9, F2 1/9, F4 7/9" in summary_markdown(summarise(measured()))


def test_a_benchmark_without_base_does_not_enter_an_aligned_score() -> None:
    frame = measured()
    gone = (frame["stage"] == "base") & (frame["benchmark"] == "mbpp_plus")
    found = summarise(frame[~gone])
    assert row(found, pathway="PTA", requirement="functional", stage="dpo")["benchmarks"] == 8


def test_what_could_not_be_scored_is_left_out_and_seen() -> None:
    found = summarise(unscored(measured(), "mbpp_plus"))
    assert row(found, pathway="FTA", requirement="functional", stage="sft")["benchmarks"] == 8


def test_what_ablations_and_crossed_models_lack_is_not_the_main_cells() -> None:
    frame = measured()
    cell = (frame["variant"] == "pretrained") & (frame["stage"] == "dpo")
    others = [frame[cell].assign(missing=10, **more)
              for more in ({"ablation": "beta_1"}, {"trained": "non_functional"})]  # fmt: skip
    others[1] = others[1][others[1]["requirement"] == "functional"]
    found = summarise(pd.concat([frame, *others], ignore_index=True))
    assert row(found, pathway="PTA", requirement="functional", stage="dpo")["missing"] == 0


def test_rows_go_pta_first_and_by_stage() -> None:
    found = summarise(measured())[lambda f: f["requirement"] == "functional"]
    assert list(found["pathway"]) == ["PTA"] * 4 + ["FTA"] * 4
    assert list(found["stage"])[:4] == ["base", "sft", "dpo", "bonbon"]


def test_without_a_base_run_the_change_says_so() -> None:
    lines = summary_lines(summarise(measured()[lambda f: f["stage"] == "dpo"]))
    assert all("base not run" in line for line in lines[2:])


def test_the_lines_are_aligned() -> None:
    assert len({len(line) for line in summary_lines(summarise(measured()))}) == 1


def test_published_rows_are_named(paper: pd.DataFrame) -> None:
    assert all("(published)" in line for line in summary_lines(paper)[2:])


def test_no_negative_zero_is_shown(paper: pd.DataFrame) -> None:
    assert "-0.0" not in summary_markdown(paper)


def test_the_summary_is_written(tmp_path: Path) -> None:
    summary = write_summary(tmp_path, measured())
    assert len(pd.read_csv(tmp_path / "summary.csv")) == len(summary)
    assert "mean over benchmarks" in (tmp_path / "summary.md").read_text()
