"""The error from the choice of problems: a jackknife, checked against what is known by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from made_up_study import made_up

from codealign.analysis.study.contrasts import Numbers, means, pick
from codealign.analysis.study.findings import CANNOT_TELL, SAME, findings
from codealign.analysis.study.problems import GROUPS, left_out, problem_error

Cell = tuple[str, ...]


def cell(stage: str, variant: str = "pretrained", name: str = "mbpp_plus") -> Cell:
    return ("nano", variant, "functional", stage, name)


def gain(parts: pd.DataFrame) -> Numbers:
    """Return the mean change of DPO on MBPP+, in points."""
    return means(pick(parts, ("mbpp_plus",), stages=("dpo",)))


def answers(solved: int, of: int) -> dict[str, float]:
    return {f"p{i}": float(i < solved) for i in range(of)}


def test_each_group_is_left_out_once() -> None:
    items = {cell("base"): answers(0, 400), cell("dpo"): answers(400, 400)}
    frames = left_out(items, "nano")
    assert len(frames) == GROUPS
    assert {gain(parts)[0] for parts in frames} == {100.0}


def test_the_error_of_a_mean_change_is_about_the_textbooks() -> None:
    # By hand: of 400 problems 100 are gained: the change has deviation sqrt(0.25 * 0.75) = 0.433,
    # its mean an error of 0.433 / 20 = 2.17 points. A jackknife of 20 groups estimates that with
    # about 16 % error of its own (1 / sqrt(2 * 19)); 50 % is three of them.
    items = {cell("base"): answers(100, 400), cell("dpo"): answers(200, 400)}
    assert problem_error(gain, left_out(items, "nano")) == pytest.approx(2.17, rel=0.5)


def test_where_every_problem_changes_alike_their_choice_does_not_matter() -> None:
    items = {cell("base"): answers(0, 60), cell("dpo"): answers(60, 60)}
    assert problem_error(gain, left_out(items, "nano")) == pytest.approx(0.0, abs=1e-9)


def test_a_problem_in_two_benchmarks_is_left_out_of_both() -> None:
    items = {cell(stage, name=name): {"p0": 1.0, "p1": 0.0} for stage in ("base", "dpo")
             for name in ("mbpp", "mbpp_plus")}  # fmt: skip
    for parts in left_out(items, "nano"):
        values = parts[parts["stage"] == "dpo"].set_index("benchmark")["value"]
        assert values["mbpp"] == values["mbpp_plus"]


def test_other_models_have_no_part_in_it() -> None:
    assert all(parts.empty for parts in left_out({cell("dpo"): answers(1, 9)}, "other"))


def test_without_numbers_there_is_no_error() -> None:
    assert math.isnan(problem_error(gain, left_out({}, "nano")))


def test_few_problems_widen_a_finding_until_it_cannot_tell() -> None:
    # Over the seeds alone O1's 6.25 % has no spread. Eight problems, of which PTA gains one and
    # loses one, do not bear it.
    few = {cell("base", v): answers(4, 8) for v in ("pretrained", "finetuned")}
    few |= {cell("dpo", v): answers(4, 8) for v in ("pretrained", "finetuned")}
    few[cell("dpo")] = {**answers(4, 8), "p0": 0.0, "p7": 1.0}
    before, after = (findings(made_up(), items=items)[0] for items in (None, few))
    assert (before.verdict, after.verdict) == (SAME, CANNOT_TELL)
    assert after.mean == pytest.approx(before.mean)
