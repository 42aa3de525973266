"""Intervals and tests against values derived by hand or taken from the literature."""

from __future__ import annotations

import math

import numpy as np
import pytest

from codealign.analysis import stats
from codealign.errors import CodealignError


def test_wilson_of_half_of_four() -> None:
    # z = 1.959964; centre (2 + z²/2) / (4 + z²) = 0.5; half width
    # z sqrt(p(1-p)/n + z²/4n²) / (1 + z²/n) = 1.95996 sqrt(0.0625 + 0.060024) / 1.960365 = 0.34996
    low, high, method = stats.wilson(2, 4)
    assert low == pytest.approx(0.15004, abs=1e-5)
    assert high == pytest.approx(0.84996, abs=1e-5)
    assert method == "Wilson"


def test_wilson_of_none_of_n_starts_at_zero() -> None:
    # the upper bound is z²/(n + z²) = 3.841459 / 103.841459
    low, high, _ = stats.wilson(0, 100)
    assert low == pytest.approx(0)
    assert high == pytest.approx(3.841459 / 103.841459, rel=1e-6)


def test_no_items_have_no_interval() -> None:
    low, high, method = stats.wilson(0, 0)
    assert math.isnan(low) and math.isnan(high)
    assert method == "undefined: no items"


@pytest.mark.parametrize(("count", "n"), [(5, 4), (-1, 4), (0, -1)])
def test_an_impossible_count_is_refused(count: int, n: int) -> None:
    with pytest.raises(CodealignError, match="need 0 <= count <= n"):
        stats.wilson(count, n)


def test_the_bounded_mean_is_wilson_on_the_scale() -> None:
    # a mean rating of 5 out of 10 over 4 items is the proportion 2 of 4, stretched tenfold
    low, high, method = stats.bounded_mean(5, 4, 10)
    assert (low, high) == pytest.approx((1.5004, 8.4996), abs=1e-4)
    assert method == "Wilson, variance bound"


def test_the_bounded_mean_is_wider_than_the_bootstrap() -> None:
    values = [0.2, 0.4, 0.5, 0.6, 0.8] * 20
    bound = stats.bounded_mean(0.5, 100, 1)
    found = stats.bootstrap_mean(values, seed=1)
    assert bound.low < found.low < found.high < bound.high


def test_the_bootstrap_is_seeded() -> None:
    values = list(range(20))
    assert stats.bootstrap_mean(values, 7) == stats.bootstrap_mean(values, 7)
    assert stats.bootstrap_mean(values, 7) != stats.bootstrap_mean(values, 8)


def test_the_bootstrap_agrees_with_the_normal_interval() -> None:
    # values 0..99: standard error = sqrt(var/n) = sqrt(833.25/100) = 2.8866; mean ± 1.96 se
    low, high, _ = stats.bootstrap_mean(list(range(100)), seed=0)
    assert low == pytest.approx(49.5 - 1.96 * 2.8866, abs=0.6)
    assert high == pytest.approx(49.5 + 1.96 * 2.8866, abs=0.6)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_values_have_no_bootstrap(values: list[float]) -> None:
    low, _, method = stats.bootstrap_mean(values, 0)
    assert math.isnan(low)
    assert method == f"undefined: {len(values)} item(s)"


def test_newcombe_as_in_his_example() -> None:
    # Newcombe (1998, Stat. Med. 17:873), table II, method 10: 56/70 - 48/80: 0.0524 to 0.3339
    low, high, method = stats.difference(48, 80, 56, 70)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert method == "Newcombe"


def test_a_ratio_to_nothing_is_undefined() -> None:
    low, _, method = stats.ratio(0, 100, 5, 100)
    assert math.isnan(low)
    assert method == "undefined: base score is 0"


def test_the_ratio_interval_holds_the_ratio() -> None:
    low, high, _ = stats.ratio(50, 100, 60, 100)
    assert low < 1.2 < high


def test_the_score_test_by_hand() -> None:
    # 30/100 against 50/100: pooled p = 0.4, z = 0.2 / sqrt(0.4 0.6 (2/100)) = 2.88675, p = 0.003892
    found = stats.unpaired(30, 100, 50, 100)
    assert found.p_value == pytest.approx(0.003892, abs=1e-6)
    assert found.name == "two-proportion score"
    assert "independent" in found.assumption


def test_small_counts_take_fisher() -> None:
    # 0/5 against 5/5: the two extreme tables have 1/C(10,5) = 1/252 each
    found = stats.unpaired(0, 5, 5, 5)
    assert found.name == "Fisher exact"
    assert found.p_value == pytest.approx(2 / 252)


def test_two_scores_at_the_same_bound_do_not_differ() -> None:
    assert stats.unpaired(0, 100, 0, 100).p_value == 1
    assert stats.unpaired(10, 10, 20, 20).p_value == 1


def test_holm_by_hand() -> None:
    # sorted .01 .02 .04: times 3, 2, 1 -> .03 .04 .04 (made monotone)
    found = stats.adjust([0.04, 0.01, 0.02], "holm")
    assert found == pytest.approx([0.04, 0.03, 0.04])


def test_benjamini_hochberg_by_hand() -> None:
    # sorted .01 .02 .04: times 3/1, 3/2, 3/3 -> .03 .03 .04
    found = stats.adjust([0.04, 0.01, 0.02], "fdr_bh")
    assert found == pytest.approx([0.04, 0.03, 0.03])


def test_undefined_p_values_are_kept_and_not_counted() -> None:
    # two tests, not three: .01 · 2 = .02
    found = stats.adjust([0.01, math.nan, 0.5], "holm")
    assert found[0] == pytest.approx(0.02)
    assert np.isnan(found[1])


def test_an_unknown_correction_is_refused() -> None:
    with pytest.raises(CodealignError, match="valid are 'holm' and 'fdr_bh'"):
        stats.adjust([0.1], "bonferoni")


def test_students_interval_of_a_mean() -> None:
    # By hand: 1, 2, 3 have mean 2, deviation 1; t(0.975, 2) = 4.3027; half-width 4.3027 / sqrt(3).
    low, high, method = stats.t_mean([1, 2, 3])
    assert (low, high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert method == "t over 3"


def test_equal_values_have_the_interval_of_a_share() -> None:
    # 9 of 9: Wilson's lower bound is 9 / (9 + 1.96^2) = 0.70085
    low, high, method = stats.bootstrap_mean([100.0] * 9, 1, scale=100)
    assert (low, high) == pytest.approx((70.085, 100), abs=1e-3)
    assert method == "Wilson, variance bound (all values equal)"


def test_equal_values_without_a_scale_have_none() -> None:
    low, _, method = stats.bootstrap_mean([3.0, 3.0], 1)
    assert math.isnan(low) and method == "undefined: all values equal"


@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.0]])
def test_equal_seeds_say_nothing_of_their_spread(values: list[float]) -> None:
    assert math.isnan(stats.t_mean(values).low)


def test_a_paired_mean_has_two_made_up_items() -> None:
    # changes 1, 0, 0, 1: variance 1/3 / 4, and 2 (1 / 6)^2 for the made-up ones; t(3) = 3.18245
    low, high, _ = stats.paired_mean([0, 0, 0, 0], [1, 0, 0, 1], 1.0)
    half = 3.18245 * math.sqrt(1 / 12 + 1 / 18)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-4)


def test_equal_changes_are_no_certainty() -> None:
    low, high, _ = stats.paired_mean([1, 1], [2, 2], 1.0)
    assert low < 0 < 1 < high


def test_pairs_of_unequal_length_are_refused() -> None:
    with pytest.raises(CodealignError, match="paired comparison of 2 and 1 items"):
        stats.paired_mean([1, 2], [1], 1.0)


def test_one_pair_has_no_interval() -> None:
    assert math.isnan(stats.paired_mean([1], [2], 1.0).low)
