"""Selections and statistics of the claims' rules, on tables small enough for mental arithmetic."""

from __future__ import annotations

import math

import pytest
from mini_scores import frame, scores_of

from codealign.analysis.claims.grids import GAINS, SUCCESSES, requirement_pairs
from codealign.analysis.claims.rules import (
    FUNCTIONAL,
    NON_FUNCTIONAL,
    SETS,
    Selection,
    board_of,
    cell,
    pick,
)
from codealign.cell import Cell
from codealign.errors import CodealignError

NAN = math.nan
# Two models: changes with DPO are +50 %, 0 %, -20 % (a) and +100 % (b); a base of 0 rises in b.
ROWS = {
    ("a", "pretrained", "humaneval"): (0.4, 0.4, 0.6, 0.2),
    ("a", "pretrained", "mbpp"): (0.2, 0.2, 0.2, 0.3),
    ("a", "pretrained", "evalperf"): (50.0, 50.0, 40.0, 50.0),
    ("b", "pretrained", "humaneval"): (0.05, 0.2, 0.1, 0.05),
    ("b", "pretrained", "mbpp"): (0.0, 0.0, 0.1, 0.0),
}
DPO = Selection("F1-F3", "DPO", variants=("pretrained",))


def cells(selection: Selection = DPO):
    return pick(scores_of(ROWS).board, selection)


def gain(name: str) -> float:
    return GAINS[name][1](cells())


def test_a_base_of_zero_has_no_relative_change_and_is_left_out() -> None:
    assert len(cells()) == 4


def test_every_base_keeps_a_base_of_zero() -> None:
    assert len(cells(Selection("F1-F3", "DPO", "every base", ("pretrained",)))) == 5


def test_a_floor_is_a_share_of_the_scale() -> None:
    # 0.05 is below 0.10; EvalPerf's 50 of 100 is not
    kept = cells(Selection("F1-F3", "DPO", "base at least 0.10", ("pretrained",)))
    assert sorted(kept.benchmark) == ["evalperf", "humaneval", "mbpp"]


def test_a_change_may_start_from_another_stage() -> None:
    # from BoNBoN to DPO: HumanEval 0.2 -> 0.6 and 0.05 -> 0.1, MBPP 0.3 -> 0.2 and 0 -> 0.1
    every = Selection("F1-F2", "DPO", "every base", ("pretrained",), start="BoNBoN")
    assert sorted(cells(every).change) == pytest.approx([-0.1, 0.05, 0.1, 0.4])


def test_a_start_may_be_of_the_other_variant_and_of_any_rule_of_stages() -> None:
    rows = {("a", "pretrained", "humaneval"): (0.2, 0.3, 0.5, 0.4),
            ("a", "finetuned", "humaneval"): (0.6, 0.6, 0.9, 0.8),
            ("b", "finetuned", "humaneval"): (0.7, 0.7, 0.7, 0.7)}  # fmt: skip
    between = Selection("HE", "base", "every base", ("finetuned",),
                        start="best of DPO and BoNBoN", start_variant="pretrained")  # fmt: skip
    found = pick(scores_of(rows).board, between)
    # b has no pretrained variant to start from
    assert (list(found.base), list(found.after), list(found.model)) == ([0.5], [0.6], ["a"])


def test_a_score_itself_needs_no_base() -> None:
    rows = {("a", "pretrained", "humaneval"): (NAN, NAN, 0.5, NAN)}
    itself = Selection("HE", "base, SFT, DPO, BoNBoN", "every base", start="")
    found = pick(scores_of(rows).board, itself)
    assert (list(found.after), list(found.stage)) == ([0.5], ["DPO"])


def test_one_benchmark_may_be_named_by_itself() -> None:
    assert list(cells(Selection("mbpp", "DPO")).after) == [0.2]


def test_the_set_of_all_tasks_holds_both_requirements_and_no_grid_varies_over_it() -> None:
    every = "F1-F3 and F4 + NF1-NF5"
    assert set(SETS[every]) == {*SETS["F1-F3 and F4"], *SETS["NF1-NF5"]}
    assert every not in (*FUNCTIONAL, *NON_FUNCTIONAL)


def test_mean_relative_change() -> None:
    # (50 + 0 - 20 + 100) / 4
    assert gain("gain") == pytest.approx(32.5)


def test_mean_of_improving_cells() -> None:
    # (50 + 100) / 2
    assert gain("gain_improving") == pytest.approx(75)


def test_mean_of_improving_and_equal_cells() -> None:
    # (50 + 0 + 100) / 3
    assert gain("gain_improving_equal") == pytest.approx(50)


def test_median_relative_change() -> None:
    # of -20, 0, 50, 100: (0 + 50) / 2
    assert gain("median") == pytest.approx(25)


def test_change_of_summed_scores_puts_percent_and_share_on_one_scale() -> None:
    # base 0.4 + 0.2 + 0.5 + 0.05 = 1.15; after 0.6 + 0.2 + 0.4 + 0.1 = 1.3
    assert gain("summed") == pytest.approx(100 * (1.3 / 1.15 - 1))


def test_mean_of_models_means() -> None:
    # a: (50 + 0 - 20) / 3 = 10; b: 100
    assert gain("model_gain") == pytest.approx(55)


def test_mean_of_models_means_over_improving_cells() -> None:
    # a: 50; b: 100
    name = "model_gain_improving"
    assert gain(name) == pytest.approx(75)


def test_mean_of_models_summed_scores() -> None:
    # a: (0.6 + 0.2 + 0.4) / (0.4 + 0.2 + 0.5) - 1 = 1/11; b: 100 %
    name = "model_summed"
    assert gain(name) == pytest.approx((100 / 11 + 100) / 2)


def test_no_improving_cell_gives_no_mean() -> None:
    rows = {("a", "pretrained", "humaneval"): (0.4, 0.3, 0.3, 0.3)}
    found = pick(scores_of(rows).board, Selection("F1-F3", "DPO"))
    assert math.isnan(GAINS["gain_improving"][1](found))


def test_ties_count_as_success_only_where_the_rule_says_so() -> None:
    # 2 of 4 improve, 1 stays
    assert SUCCESSES["improve"][1](cells()) == 50
    assert SUCCESSES["improve_equal"][1](cells()) == 75


def test_models_shares_are_averaged_not_pooled() -> None:
    # a: 1 of 3 improves; b: 1 of 1
    assert SUCCESSES["model_improve"][1](cells()) == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("stages", "after"),
    [
        ("best of SFT, DPO and BoNBoN", [0.2]),
        ("best of DPO and BoNBoN", [0.1]),
        ("worst of DPO and BoNBoN", [0.05]),
        ("mean of DPO and BoNBoN", [0.075]),
        ("DPO and BoNBoN, each", [0.1, 0.05]),
    ],
)
def test_stages_are_combined_as_named(stages: str, after: list[float]) -> None:
    found = cells(Selection("HE", stages, variants=("pretrained",), models=("b",)))
    assert list(found.after) == pytest.approx(after)


def test_a_stage_that_was_not_run_is_left_out_not_taken_as_zero() -> None:
    rows = {("a", "pretrained", "humaneval"): (0.4, NAN, 0.5, NAN)}
    found = pick(scores_of(rows).board, Selection("HE", "DPO and BoNBoN, each"))
    assert list(found.after) == [0.5]


def test_float_noise_is_a_tie() -> None:
    rows = {("a", "pretrained", "humaneval"): (0.3, NAN, 0.1 + 0.2, NAN)}
    assert list(pick(scores_of(rows).board, Selection("HE", "DPO")).change) == [0.0]


def test_the_sets_of_the_two_requirements_are_disjoint() -> None:
    functional = {b for name in FUNCTIONAL for b in SETS[name]}
    other = {b for name in NON_FUNCTIONAL for b in SETS[name]}
    assert not functional & other
    assert len(functional) == 12 and len(other) == 6  # 5 + 7 columns; 5 dimensions and Avg


def test_a_cell_is_read_from_four_words() -> None:
    found = cell("ds7 fine evoeval_verbose dpo")
    place = ("deepseek-coder-7b", "finetuned", "functional", "dpo", "evoeval_verbose")
    assert found == Cell(*place)


def test_a_wrong_cell_is_an_error_that_names_it() -> None:
    with pytest.raises(CodealignError, match="ds9 fine mbpp dpo"):
        cell("ds9 fine mbpp dpo")


def test_a_board_has_one_source() -> None:
    import pandas as pd

    both = pd.concat([frame(ROWS, "one"), frame(ROWS, "two")])
    with pytest.raises(CodealignError, match="one source at a time"):
        board_of(both)


def test_a_cell_that_was_not_run_has_no_value() -> None:
    assert math.isnan(scores_of(ROWS).board.value(cell("qwen pre mbpp dpo")))


def test_candidates_come_in_one_order_whatever_the_hash_seed() -> None:
    rows = {("a", "pretrained", "humaneval"): (0.4, 0.5, 0.6, 0.3),
            ("a", "pretrained", "codal"): (1.0, 2.0, 3.0, 2.0)}  # fmt: skip
    found = requirement_pairs(scores_of(rows).board, {"variants": ["pretrained"]})
    meanings = list(dict.fromkeys(rule.statistic for rule, _ in found))
    assert meanings == [
        "models_gain_0", "models_gain_5", "models_gain_10", "models_any", "models_most",
        "models_most_equal", "models_every", "models_every_equal",
    ]  # fmt: skip
