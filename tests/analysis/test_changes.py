"""Changes against base: section 3.5's formula, intervals, tests, corrections."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from codealign.analysis import changes as module
from codealign.analysis.changes import changes, collect_items, compare
from codealign.analysis.scores import frame_of, published
from codealign.cell import Cell
from codealign.records import Score, write_jsonl

CELL = ("nano", "pretrained", "functional", "{}", "humaneval")


def score(stage: str, value: float, n: int = 100, benchmark: str = "humaneval") -> Score:
    kind = "non_functional" if benchmark.startswith("codal") else "functional"
    metric = {"codal_style": "rating", "evalperf": "dps"}.get(benchmark, "pass@1")
    return Score("nano", "nano", "pretrained", kind, stage, benchmark, metric, value, n)


def items(before: list[float], after: list[float]) -> dict[Cell, dict[str, float]]:
    return {
        Cell(*(part.format(stage) for part in CELL)): {f"p{i}": v for i, v in enumerate(values)}
        for stage, values in (("base", before), ("dpo", after))
    }


def one(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1
    return frame.iloc[0]


def test_absolute_and_relative_change() -> None:
    # 0.4 -> 0.5: +0.1, and 0.1 / 0.4 = 25 %
    row = one(changes(frame_of([score("base", 0.4), score("dpo", 0.5)])))
    assert row.absolute == pytest.approx(0.1)
    assert row.relative == pytest.approx(25)


def test_the_papers_own_example() -> None:
    # section 4.1.1: Llama3-8b, F1, 0.372 -> 0.530 with DPO is "42%"
    p = changes(published())
    row = p[(p.model == "Meta-Llama-3-8B") & (p.variant == "pretrained") & (p.stage == "dpo")
            & (p.benchmark == "humaneval")].iloc[0]  # fmt: skip
    assert round(row.relative) == 42


def test_a_base_of_zero_has_no_relative_change() -> None:
    row = one(changes(frame_of([score("base", 0.0), score("dpo", 0.5)])))
    assert math.isnan(row.relative) and math.isnan(row.relative_low)
    assert row.absolute == 0.5


def test_a_stage_without_its_base_has_no_row() -> None:
    assert changes(frame_of([score("dpo", 0.5)])).empty


def test_a_cell_of_which_nothing_was_scored_has_no_row() -> None:
    frame = frame_of([score("base", 0.4), score("dpo", math.nan, n=0)])
    assert changes(frame).empty


def test_no_scores_give_an_empty_table_with_its_columns() -> None:
    found = changes(frame_of([]))
    assert found.empty and list(found.columns) == module.COLUMNS


def test_unpaired_changes_name_their_assumption() -> None:
    row = one(changes(frame_of([score("base", 0.3), score("dpo", 0.5)])))
    # 30/100 against 50/100: z = 0.2 / sqrt(0.4 · 0.6 · 0.02) = 2.88675
    assert row.p_value == pytest.approx(0.003892, abs=1e-6)
    assert row.interval == "Newcombe"
    assert "independent" in row.assumption


def test_ratings_without_items_take_the_variance_bound() -> None:
    frame = frame_of([score("base", 3.0, benchmark="codal_style"),
                      score("dpo", 5.0, benchmark="codal_style")])  # fmt: skip
    row = one(changes(frame))
    # on the scale of ten, 3 of 10 and 5 of 10 are the proportions of the test above
    assert row.p_value == pytest.approx(0.003892, abs=1e-6)
    assert row.interval == "Newcombe, variance bound"
    assert row.test.endswith("variance bound")
    assert row.low < 2 < row.high


def test_own_items_are_compared_problem_by_problem() -> None:
    # By hand: of ten differences five are 1: variance 0.25 * 10 / 9, of the mean 0.02778; two
    # made-up problems 2 / 12^2 = 0.01389: error 0.20412; 0.5 / 0.20412 = 2.4495, p 0.0367 (9 df)
    frame = frame_of([score("base", 0.5, 10), score("dpo", 1.0, 10)])
    row = one(changes(frame, items([0] * 5 + [1] * 5, [1] * 10)))
    assert row.p_value == pytest.approx(0.0367, abs=1e-3)
    assert row.low == pytest.approx(0.5 - 2.26216 * 0.20412, abs=1e-4)
    assert row.interval == "jackknife over problems"


def test_a_change_is_the_difference_of_the_scores_that_are_shown() -> None:
    # problem p3 has no verdict after: from 2/4 to 3/3, of which three are paired
    found = items([1, 0, 0, 1], [1, 1, 1])
    frame = frame_of([score("base", 0.5, 4), score("dpo", 1.0, 3)])
    row = one(changes(frame, found))
    assert row.n == 3
    assert row.absolute == pytest.approx(0.5) == row.value - row.base
    assert row.relative == pytest.approx(100)


def test_several_seeds_add_their_spread() -> None:
    frame = frame_of([score("base", 0.5), *(dataclasses.replace(score("dpo", v), seed=k)
                                            for k, v in enumerate((0.5, 0.7)))])  # fmt: skip
    row = one(changes(frame))
    # By hand: deviation 0.1414, error 0.1; t(0.975, 1) = 12.706
    assert row.seeds == 2 and row.absolute == pytest.approx(0.1)
    assert row.high - row.absolute > 1.27
    assert row.interval == "t over seeds and jackknife over problems"


def test_the_same_items_give_the_same_interval() -> None:
    frame = frame_of([score("base", 0.5, 4), score("dpo", 0.75, 4)])
    given = items([1, 0, 0, 1], [1, 1, 0, 1])
    pd.testing.assert_frame_equal(changes(frame, given), changes(frame, given))


def test_corrections_are_within_a_requirement() -> None:
    # one functional and one non-functional change: each is alone in its family
    frame = frame_of([score("base", 0.3), score("dpo", 0.5),
                      score("base", 3.0, benchmark="codal_style"),
                      score("dpo", 5.0, benchmark="codal_style")])  # fmt: skip
    found = changes(frame)
    assert list(found.p_holm) == pytest.approx(list(found.p_value))


def test_corrected_p_values_are_never_smaller() -> None:
    found = changes(published())
    assert (found.p_holm >= found.p_bh - 1e-12).all()
    assert (found.p_bh >= found.p_value - 1e-12).all()


def test_items_of_unscored_problems_are_left_out(tmp_path: Path) -> None:
    where = dict(zip(("model", "variant", "requirement", "stage", "benchmark"), CELL, strict=True))
    lines = [{**where, "stage": "base", "id": "a", "value": 1.0},
             {**where, "stage": "base", "id": "b", "value": None}]  # fmt: skip
    cell = Cell(*(part.format("base") for part in CELL))
    write_jsonl(tmp_path / cell.at(benchmark="").path() / "items.jsonl", lines)
    assert collect_items(tmp_path) == {cell: {"a": 1.0}}


def measured(**changed: object) -> pd.DataFrame:
    row = {
        "source": "mine", "model": "Meta-Llama-3-8B", "variant": "pretrained",
        "requirement": "functional", "stage": "base", "benchmark": "humaneval",
        "metric": "pass@1", "value": 0.4, "n": 164, "low": 0.33, "high": 0.47,
    }  # fmt: skip
    return frame_of([Score(**(row | changed))])


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "reproduced"),  # the print's 0.372 is within 0.33 to 0.47
        ({"value": 0.5, "low": 0.43, "high": 0.57}, "not reproduced"),
        ({"low": None, "high": None}, "no interval"),
        ({"model": "nano"}, "not in the paper"),
    ],
)
def test_a_measured_cell_has_a_verdict(changed: dict[str, object], verdict: str) -> None:
    both = compare(measured(**changed), published())
    assert both[both["measured"].notna()]["verdict"].item() == verdict


def test_not_run_is_not_called_not_reproduced() -> None:
    both = compare(measured(), published())
    assert (both["verdict"] == "not run").sum() == 719


def test_a_problems_value_is_its_mean_over_the_seeds_that_scored_it(tmp_path: Path) -> None:
    parts = ["seeds/0", "seeds/1", "seeds/0/ablations/align/x"]
    (tmp_path / "plan.lock.json").write_text(json.dumps({"parts": parts}))
    cell = {"model": "nano", "variant": "pretrained", "requirement": "functional", "stage": "dpo"}
    for part, values in zip(parts, ([1.0, 0.0], [0.0, None], [1.0, 1.0]), strict=True):
        rows = [{**cell, "benchmark": "humaneval", "id": f"p{i}", "value": v}
                for i, v in enumerate(values)]  # fmt: skip
        write_jsonl(tmp_path / part / Cell(**cell).path() / "items.jsonl", rows)
    # By hand: p0 is 1 and 0; p1 is 0 and unscored; the ablation is no main cell.
    assert list(collect_items(tmp_path).values()) == [{"p0": 0.5, "p1": 0.0}]
