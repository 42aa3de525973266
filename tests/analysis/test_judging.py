"""What ratings say besides their mean, against values worked by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy.stats import spearmanr

from codealign.analysis.judging import (
    below_the_scale,
    evidence_of_zeros,
    length_bias,
    paired_stages,
    reference_position,
)
from codealign.analysis.ratings import CellRating, item_id
from codealign.cell import Cell
from codealign.records import Answer, Rating


def rating(key: str, value: float | None, dimension: str = "style", judge: str = "j") -> Rating:
    return Rating(key, dimension, judge, value, "", "")


def rated(
    variant: str, stage: str, problem: str, value: float | None, dimension: str = "style",
    seed: int | None = None,
) -> CellRating:  # fmt: skip
    cell = Cell("m", variant, "non_functional", stage, seed=seed)
    one = rating(item_id(cell, problem), value, dimension)
    return CellRating(**vars(one), cell=cell, problem=problem)


def answer(key: str, length: int, dimension: str = "style") -> Answer:
    return Answer(key, dimension, "", "", "", "x" * length)


def test_a_published_score_below_one_bounds_the_share_of_rated_answers() -> None:
    found = below_the_scale()
    # Table 4: Meta-Llama-3-8B, pretrained, base; the average is printed as 0.03
    where = "model == 'Meta-Llama-3-8B' and variant == 'pretrained' and stage == 'base'"
    row = found.query(where + " and benchmark == 'codal'").iloc[0]
    assert row["value"] == 0.03
    assert row["most_rated"] == pytest.approx(3.5)  # 3 % and half a printed digit
    assert (found["value"] < 1).all()


def test_the_evidence_names_its_numbers() -> None:
    text = evidence_of_zeros()
    assert f"{len(below_the_scale())} of the 240 published CODAL scores are below 1" in text
    assert "unrated answers counted as 0, or ratings of 0" in text


@pytest.mark.parametrize(
    ("key", "model", "variant", "stage", "seed", "problem"),
    [
        ("m/pretrained/sft/Nano/style/3", "m", "pretrained", "sft", None, "Nano/style/3"),
        ("seed7/m/finetuned/dpo/p1", "m", "finetuned", "dpo", 7, "p1"),
        ("seedling/finetuned/dpo/p1", "seedling", "finetuned", "dpo", None, "p1"),
    ],
)
def test_an_id_names_the_model_and_the_problem(
    key: str, model: str, variant: str, stage: str, seed: int | None, problem: str
) -> None:
    cell = Cell(model, variant, "non_functional", stage, seed=seed)
    assert item_id(cell, problem) == key


def test_stages_are_compared_on_the_problems_both_rated() -> None:
    before = [4, 5, None, 7]
    after = [6, 6, 6, 7]
    ratings = [rated("pretrained", "base", f"p{i}", v) for i, v in enumerate(before)]
    ratings += [rated("pretrained", "sft", f"p{i}", v) for i, v in enumerate(after)]
    found = paired_stages(ratings).set_index("dimension")
    assert list(found.index) == ["all", "style"]
    row = found.loc["style"]
    # p0, p1 and p3 have both: differences 2, 1, 0
    assert (row["n"], row["left_out"], row["difference"]) == (3, 1, 1.0)
    assert row["low"] <= 1 <= row["high"]


def test_every_seed_is_compared_with_the_one_base() -> None:
    base, seeds = [4, 5, 6], {0: [6, 6, 6], 1: [7, 8, 9]}
    ratings = [rated("pretrained", "base", f"p{i}", v) for i, v in enumerate(base)]
    ratings += [rated("pretrained", "sft", f"p{i}", v, seed=seed)
                for seed, values in seeds.items() for i, v in enumerate(values)]  # fmt: skip
    found = paired_stages(ratings).set_index("dimension")
    row = found.loc["style"]
    # means 5; 6 and 8: differences 1 and 3, mean 2
    assert (row["before"], row["after"], row["n"], row["seeds"]) == ("base", "sft", 3, 2)
    assert row["difference"] == pytest.approx(2)
    # t over two seeds, 12.7 times an error of 1, is wider than what three problems give
    assert row["low"] < 2 - 12.7 and row["high"] > 2 + 12.7


def test_only_stages_of_one_pathway_are_compared() -> None:
    ratings = [rated("pretrained", "base", "p", 4), rated("finetuned", "sft", "p", 6)]
    assert paired_stages(ratings).empty


def test_dimensions_with_the_same_problem_names_stay_apart() -> None:
    ratings = [
        rated("pretrained", stage, "p", value, dimension)
        for stage, value in (("base", 4), ("sft", 6))
        for dimension in ("style", "explanation")
    ]
    assert paired_stages(ratings).set_index("dimension").loc["all", "n"] == 2


def test_length_bias_is_spearmans_rho() -> None:
    values, lengths = [3, 5, 4, 8, 9, 5], [10, 20, 30, 40, 50, 60]
    ratings = [rating(f"p{i}", v) for i, v in enumerate(values)]
    answers = [answer(f"p{i}", n) for i, n in enumerate(lengths)]
    found = length_bias(ratings, answers, 0, 500).set_index("dimension").loc["style"]
    assert found["rho"] == pytest.approx(spearmanr(values, lengths).statistic)
    assert found["low"] < found["rho"] < found["high"]


def test_over_all_dimensions_ranks_are_taken_within_each() -> None:
    # in either dimension longer is better; style's answers are all longer, and rated lower
    ratings = [rating(f"s{i}", 1 + i) for i in range(4)]
    ratings += [rating(f"e{i}", 6 + i, "explanation") for i in range(4)]
    answers = [answer(f"s{i}", 100 + i) for i in range(4)]
    answers += [answer(f"e{i}", 10 + i, "explanation") for i in range(4)]
    found = length_bias(ratings, answers, 0, 500).set_index("dimension")
    assert found.loc["all", "rho"] == pytest.approx(1)


def test_unrated_answers_are_counted_and_left_out() -> None:
    ratings = [rating(f"p{i}", v) for i, v in enumerate([3, None, 4, 8, 9])]
    answers = [answer(f"p{i}", 10 + i) for i in range(5)]
    found = length_bias(ratings, answers, 0, 500).set_index("dimension")
    assert (found.loc["all", "n"], found.loc["all", "unrated"]) == (4, 1)


@pytest.mark.parametrize(
    ("values", "why"), [([5, 6], "fewer than three"), ([7, 7, 7, 7], "are equal")]
)
def test_an_undefined_correlation_says_why(values: list[float], why: str) -> None:
    ratings = [rating(f"p{i}", v) for i, v in enumerate(values)]
    answers = [answer(f"p{i}", 10 + i) for i in range(len(values))]
    row = length_bias(ratings, answers, 0, 100).iloc[0]
    assert math.isnan(row["rho"]) and why in row["how"]


def test_a_judge_in_both_orders_is_compared_with_itself() -> None:
    usual = [rating(f"p{i}", v) for i, v in enumerate([4, 5, 6, 7])]
    swapped = [rating(f"p{i}", v) for i, v in enumerate([4, 6, 7, 7])]
    judges = {"gpt": usual, "answer_first:gpt": swapped, "static": usual}
    (row,) = reference_position(judges, 0).to_dict("records")
    # differences 0, 1, 1, 0
    assert (row["judge"], row["n"], row["equal"], row["shift"]) == ("gpt", 4, 50, 0.5)


def test_without_both_orders_there_is_nothing_to_say() -> None:
    found = reference_position({"static": [rating("p", 4)]}, 0)
    assert isinstance(found, pd.DataFrame) and found.empty


def test_empty_ratings_give_empty_tables() -> None:
    assert paired_stages([]).empty and length_bias([], [], 0, 100).empty
