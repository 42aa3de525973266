"""Kappa and agreement against tables worked by hand, and their undefined cases."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from codealign.analysis import agreement as module
from codealign.analysis.agreement import (
    Paired,
    agreement,
    kappa,
    kappa_interval,
    pair,
    published_agreement,
    read_human_ratings,
    snap,
)
from codealign.errors import CodealignError
from codealign.records import Rating


def rating(key: str, value: float | None, judge: str = "a") -> Rating:
    return Rating(key, "style", judge, value, "" if value else "no number found", "r1")


def test_linear_kappa_by_hand() -> None:
    # first 1 1 2 3, second 1 2 2 3. Observed disagreement |a-b|: 0+1+0+0 = 1 of 4 items -> 1/4.
    # By chance: all pairs of marginals (1:2, 2:1, 3:1) x (1:1, 2:2, 3:1):
    # 2·1·0 + 2·2·1 + 2·1·2 + 1·1·1 + 1·2·0 + 1·1·1 + 1·1·2 + 1·2·1 + 1·1·0 = 14 of 16.
    # kappa = 1 - (1/4) / (14/16) = 1 - 2/7
    value, name = kappa([1, 1, 2, 3], [1, 2, 2, 3])
    assert value == pytest.approx(5 / 7)
    assert name == "linear weighted kappa, tolerance 0 snapped"


def test_snapping_takes_ratings_within_the_tolerance_as_equal() -> None:
    assert list(snap([5, 5, 5], [6, 7, 3], 1)) == [5, 7, 3]


def test_the_snapped_kappa_by_hand() -> None:
    # with tolerance 1 the 2 becomes 1: perfect agreement
    assert kappa([1, 1, 2, 3], [1, 2, 2, 3], 1)[0] == pytest.approx(1)


def test_the_free_kappa_by_hand() -> None:
    # weights max(0, d-1): observed 0; by chance only distance 2 counts -> kappa 1
    assert kappa([1, 1, 2, 3], [1, 2, 2, 3], 1, "free")[0] == pytest.approx(1)
    # first 1 3, second 3 3: observed one distance 2 -> weight 1 of 2 items; by chance
    # (1:1, 3:1) x (3:2) -> 1·2·1 of 4: kappa = 1 - (1/2)/(2/4) = 0
    assert kappa([1, 3], [3, 3], 1, "free")[0] == pytest.approx(0)


@pytest.mark.parametrize("rule", module.RULES)
def test_without_tolerance_both_readings_are_the_usual_kappa(rule: str) -> None:
    first, second = [1, 1, 2, 3, 9, 10], [1, 2, 2, 3, 7, 10]
    assert kappa(first, second, 0, rule)[0] == pytest.approx(kappa(first, second)[0])


def test_the_fast_kappa_of_the_bootstrap_is_scikit_learns() -> None:
    drawn = np.random.default_rng(3).integers(1, 11, (2, 50))
    table = module.confusion_matrix(*drawn, labels=module.SCALE)[None]
    weights = module._weights(0, "snapped")
    fast = 1 - (table * weights).sum() / module._chance(table, weights)[0]
    assert fast == pytest.approx(kappa(*drawn)[0])


def test_fewer_than_two_items_are_undefined() -> None:
    value, why = kappa([5], [5])
    assert math.isnan(value) and "fewer than two" in why


def test_judges_that_both_always_say_the_same_are_undefined() -> None:
    value, why = kappa([7, 7, 7], [7, 7, 7])
    assert math.isnan(value) and "no disagreement is possible" in why


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(CodealignError, match="valid are snapped, free"):
        kappa([1, 2], [1, 2], 1, "loose")


def test_the_interval_is_seeded_and_holds_the_value() -> None:
    first, second = [1, 3, 5, 7, 9] * 8, [2, 3, 4, 9, 9] * 8
    low, high, method = kappa_interval(first, second, 0, seed=5)
    assert (low, high, method) == kappa_interval(first, second, 0, seed=5)
    assert low < kappa(first, second)[0] < high


def test_undefined_resamples_are_counted() -> None:
    # of three items one of the first two is drawn alone in 2 of 27 resamples (30 of 400): then both
    # judges are constant
    _, _, method = kappa_interval([1, 5, 1], [1, 5, 2], 0, seed=0, resamples=400)
    count = int(method.split(", ")[1].split()[0])
    assert 10 < count < 60


def test_judges_that_agree_everywhere_have_no_interval_of_width_0() -> None:
    # whatever is drawn, kappa is 1, or undefined
    assert kappa([1, 5, 9], [1, 5, 9])[0] == 1
    low, high, why = kappa_interval([1, 5, 9], [1, 5, 9], 0, seed=0)
    assert math.isnan(low) and math.isnan(high) and why == module.ALIKE
    row = agreement(Paired([1, 5, 9], [1, 5, 9], 0, 0), seed=0, resamples=50).iloc[0]
    assert row["kappa"] == 1 and math.isnan(row["kappa_low"]) and row["how"].endswith(module.ALIKE)


def test_an_undefined_kappa_has_no_interval() -> None:
    low, _, why = kappa_interval([7, 7], [7, 7], 0, seed=0)
    assert math.isnan(low) and why == module.CONSTANT


def test_pairing_counts_what_it_leaves_out() -> None:
    first = [rating("1", 4), rating("2", None), rating("3", 6), rating("4", 5)]
    second = [rating("1", 5), rating("2", 6), rating("3", None), rating("9", 5)]
    assert pair(first, second) == Paired([4], [5], unrated=2, unmatched=2)


def test_ratings_are_rounded_half_up() -> None:
    assert pair([rating("1", 4.5)], [rating("1", 4.4)]).first == [5]


def test_a_rating_off_the_scale_is_refused() -> None:
    with pytest.raises(CodealignError, match="rating 11 of item 1 by a is outside 1 to 10"):
        pair([rating("1", 11)], [rating("1", 4)])


def test_agreement_within_each_tolerance() -> None:
    # distances 0 1 2 3 9: within 1: 2 of 5; within 2: 3; within 3: 4
    found = agreement(Paired([1] * 5, [1, 2, 3, 4, 10], 0, 0), seed=0, resamples=100)
    snapped = found[found["rule"] == "snapped"]
    assert list(snapped["agreement"]) == pytest.approx([40, 60, 80])


def test_nothing_rated_by_both_is_said() -> None:
    found = agreement(Paired([], [], 3, 0), seed=0, resamples=100)
    assert found["agreement"].isna().all()
    assert (found["how"] == module.TOO_FEW).all()


def test_section_62_as_printed() -> None:
    found = published_agreement().set_index(["judge", "tolerance"])
    assert found.loc[("gpt-3.5-turbo", 3), "weighted_kappa"] == 0.6354
    assert found["agreement_percent"].notna().sum() == 1


def test_human_ratings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text("id,dimension,rating\n1,style,7\n2,style,\n")
    found = read_human_ratings(path)
    assert [r.rating for r in found] == [7.0, None]
    assert found[1].reason == "left blank by the annotator"


def test_every_bad_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text(
        "id,dimension,rating\n1,style,seven\n2,style,12\n,style,3\n3,style,4\n3,style,5\n,style,6\n"
    )
    with pytest.raises(CodealignError) as error:
        read_human_ratings(path)
    assert str(error.value).splitlines() == [
        f"{path}:2: rating 'seven' is not a number",
        f"{path}:3: rating 12 is outside 1 to 10",
        f"{path}:4: id is empty",
        f"{path}:7: id is empty",
        f"{path}: id 3 repeats",
    ]


def test_a_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("id,score\n")
    with pytest.raises(CodealignError, match="no column dimension, rating"):
        read_human_ratings(tmp_path / "h.csv")
    with pytest.raises(CodealignError, match="no such file"):
        read_human_ratings(tmp_path / "none.csv")
