"""The answer: which pathway ends higher, which gains more, and when neither can be told."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from made_up_run import measured

from codealign.analysis.answer import (
    BOTH,
    answer_lines,
    answer_markdown,
    closing_text,
    headlines,
    pathways,
    write_answer,
)
from codealign.analysis.effects import NOT_DISTINGUISHABLE
from codealign.analysis.scores import CELL, published
from codealign.cell import Cell
from codealign.records import write_jsonl


def shifted(points: float, stage: str | None = None) -> pd.DataFrame:
    """Return the made-up run with PTA's scores (of one stage) moved by points of the scale."""
    frame = measured(value=0.4)
    rows = frame["variant"] == "pretrained"
    if stage:
        rows &= frame["stage"] == stage
    scale = frame["benchmark"].map(lambda n: 10 if n.startswith("codal") else 1)
    frame.loc[rows, "value"] += points / 100 * scale[rows]
    return frame


def items_of(frame: pd.DataFrame, n: int = 40) -> dict[Cell, dict[str, float]]:
    """Return per-problem values with the frame's means, the same problems solved first."""
    items = {}
    for row in frame.to_dict("records"):
        top = 10 if row["benchmark"].startswith("codal") else 1
        right = round(row["value"] / top * n)
        values = {f"{row['benchmark']}/{i}": float(top * (i < right)) for i in range(n)}
        items[Cell.of({name: row[name] for name in CELL})] = values
    return items


def one(frame: pd.DataFrame, **cell: str) -> pd.Series:
    for name, value in cell.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_row_for_each_technique_and_one_for_both() -> None:
    answers = pathways(measured())
    assert list(zip(answers["requirement"], answers["stage"], strict=True)) == [
        (requirement, stage)
        for requirement in ("functional", "non_functional")
        for stage in ("dpo", "bonbon", BOTH)
    ]


def test_one_technique_alone_has_no_row_for_both() -> None:
    frame = measured()
    assert set(pathways(frame[frame["stage"] != "dpo"])["stage"]) == {"bonbon"}


def test_both_techniques_have_their_mean() -> None:
    # By hand: 20 points at DPO alone are 10 of the mean of the two.
    row = one(pathways(shifted(-20.0, "dpo")), requirement="functional", stage=BOTH)
    assert row["gains"] == pytest.approx(-10)


def test_equal_weight_of_the_tasks_stands_beside_it() -> None:
    frame = shifted(0.0)
    rows = (frame["variant"] == "pretrained") & (frame["benchmark"] == "humaneval_plus")
    frame.loc[rows & (frame["stage"] == "dpo"), "value"] += 0.18
    row = one(pathways(frame), requirement="functional", stage="dpo")
    # By hand: 18 points on one of nine benchmarks are 2; on one of three tasks 6.
    assert (row["ends"], row["ends_tasks"]) == pytest.approx((2, 6))
    assert "F1, F2, F4 alike +6.0" in answer_lines(pathways(frame))[2]


def test_the_same_scores_have_no_winner() -> None:
    answers = pathways(measured())
    assert set(answers["higher"]) == set(answers["more"]) == {NOT_DISTINGUISHABLE}


def test_what_ends_higher_is_pta_minus_fta_in_points() -> None:
    row = one(pathways(shifted(30.0)), requirement="functional", stage="dpo")
    assert row["ends"] == pytest.approx(30)
    assert row["higher"] == "PTA"


def test_what_is_gained_is_against_each_ones_own_base() -> None:
    # PTA is 30 points higher at every stage, base too: it gained nothing over FTA
    row = one(pathways(shifted(30.0)), requirement="functional", stage="dpo")
    assert row["gains"] == pytest.approx(0)
    assert row["more"] == NOT_DISTINGUISHABLE
    # moved at DPO alone, both questions have the same answer; each gained 10 points before
    row = one(pathways(shifted(-20.0, "dpo")), requirement="functional", stage="dpo")
    assert row["gains"] == pytest.approx(-20)
    assert (row["pta_change"], row["fta_change"]) == pytest.approx((-10, 10))


def test_differences_are_paired_where_there_are_per_problem_values() -> None:
    # 5 of 40 problems more in each benchmark: unpaired this is noise, paired all 5 go one way
    frame = shifted(12.5, "dpo")
    cell = {"requirement": "functional", "stage": "dpo"}
    alone = one(pathways(frame), **cell)
    paired = one(pathways(frame, items_of(frame)), **cell)
    assert paired["ends"] == pytest.approx(12.5)
    assert paired["ends_high"] - paired["ends_low"] < alone["ends_high"] - alone["ends_low"]


def test_without_a_base_only_the_end_is_told() -> None:
    frame = shifted(30.0)
    frame = frame[frame["stage"] != "base"]
    row = one(pathways(frame), requirement="functional", stage="dpo")
    assert row["higher"] == "PTA"
    assert math.isnan(row["gains"])
    assert "base not run" in "".join(answer_lines(pathways(frame)))


def test_with_one_pathway_alone_there_is_no_answer() -> None:
    frame = measured()
    answers = pathways(frame[frame["variant"] == "finetuned"])
    assert answers.empty
    assert answer_lines(answers)[0].startswith("No answer")


def test_the_smaller_loss_is_not_called_a_gain() -> None:
    frame = shifted(-30.0, "base")  # PTA then gains 40, FTA 10
    assert "PTA gains more" in answer_lines(pathways(frame))[2]
    frame = measured(value=0.6)
    base = (frame["stage"] == "base") & (frame["variant"] == "finetuned")
    frame.loc[base & (frame["benchmark"] != "x"), "value"] *= 1.6  # 0.96 to 0.7 at DPO
    pta = (frame["stage"] == "base") & (frame["variant"] == "pretrained")
    frame.loc[pta, "value"] *= 1.2  # 0.72 to 0.7
    assert "PTA loses less" in answer_lines(pathways(frame))[2]


def test_several_models_are_counted_first() -> None:
    answers = pathways(published())
    lines = answer_lines(answers)
    assert len(lines) == 2 + 30  # 2 requirements; 5 models x 3 rows of each
    both = answers[(answers["requirement"] == "functional") & (answers["stage"] == BOTH)]
    first = both["higher"].value_counts()
    assert lines[0].startswith(
        f"functional: in one training run of each: {first.index[0]} ends higher "
        f"({first.iloc[0]} of 5)"
    )


def test_one_training_run_is_called_one() -> None:
    answers = pathways(shifted(30.0))
    assert dict(headlines(answers))["functional"] == (
        "in this one training run: PTA ends higher; which pathway gains more is not distinguishable"
    )
    assert "in this one training run PTA ends higher" in answer_lines(answers)[2]
    assert "What is missing: other seeds" in answer_markdown(answers)


def seeded(points: float, *wobbles: float) -> pd.DataFrame:
    """Return the run with PTA's aligned scores moved by points, and by a wobble in each seed."""
    frames = []
    for seed, wobble in enumerate(wobbles):
        frame = shifted(points + wobble, "dpo")
        trained = frame["stage"] != "base"
        frames.append(frame[trained | (seed == 0)].assign(seed=seed))
    return pd.concat(frames, ignore_index=True)


def test_several_seeds_name_the_winner_without_that() -> None:
    answers = pathways(seeded(40.0, -1.0, 0.0, 1.0))
    row = one(answers, requirement="functional", stage="dpo")
    assert (row["seeds"], row["ends"]) == (3, pytest.approx(40))
    assert "one training run" not in answer_markdown(answers)


def test_seeds_that_differ_take_the_winner_away() -> None:
    # By hand: 40 points with a deviation of 30 over two seeds: t(1) * 30 / sqrt(2) = 270.
    row = one(pathways(seeded(40.0, -21.2, 21.2)), requirement="functional", stage="dpo")
    assert row["higher"] == NOT_DISTINGUISHABLE
    assert row["ends_high"] - row["ends"] > 265


def test_a_headline_speaks_of_losing_less_if_all_its_cases_lose() -> None:
    frame = measured(value=0.6)
    base = frame["stage"] == "base"
    for variant, factor in (("finetuned", 1.6), ("pretrained", 1.3)):  # 0.96, 0.78 to 0.7, 0.75
        frame.loc[base & (frame["variant"] == variant), "value"] *= factor
    assert "PTA loses less" in dict(headlines(pathways(frame)))["functional"]


def test_the_answer_is_written_as_text_and_as_data(tmp_path) -> None:
    text = write_answer(tmp_path, measured())
    assert (tmp_path / "answer.md").read_text() == text == answer_markdown(pathways(measured()))
    assert len(pd.read_csv(tmp_path / "answer.csv")) == 6


def parts_of(run_root: Path) -> list[str]:
    """Return what is printed at a run's end: the summary, how it is made, the answer."""
    return closing_text(run_root).split("\n\n")


def test_a_run_without_scores_says_so(tmp_path: Path) -> None:
    assert parts_of(tmp_path)[0].endswith("no scores yet")


def test_a_runs_scores_are_summed_up(tmp_path: Path) -> None:
    records = measured().to_dict("records")
    write_jsonl(tmp_path / "evals" / "scores.jsonl", records)
    first = "| nano  | PTA     | functional     | Base   | 40.0 ["
    assert first in parts_of(tmp_path)[0]


def test_a_run_without_scores_has_no_answer_yet(tmp_path) -> None:
    assert parts_of(tmp_path)[1].startswith("- No answer")
