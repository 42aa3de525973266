"""Judges against a reference: values by hand, bootstrap bounds, and a ranking that may turn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from krippendorff import alpha

from codealign.analysis.agreement import Paired, kappa, kappa_interval, kappas
from codealign.analysis.judging import confusion_tables, describe, ranking, trust
from codealign.records import Rating

PEOPLE = [1, 3, 5, 7, 9] * 8


def rated(values: list[float | None], judge: str = "j") -> list[Rating]:
    return [Rating(f"a{i}", "style", judge, v, "", "") for i, v in enumerate(values)]


def noisy(distance: int, every: int) -> list[Rating]:
    """The people's ratings, each `every`-th one too high by `distance`."""
    return rated([min(v + distance * (i % every == 0), 10) for i, v in enumerate(PEOPLE)])


def test_agreement_by_hand() -> None:
    # differences 0, 1, 2, 3, 0: within 1: 3 of 5, within 2: 4, within 3: 5; mean 6 / 5
    (row,) = trust(rated([1, 2, 3, 4, 5]), {"x": rated([1, 3, 5, 7, 5])}, 0).to_dict("records")
    assert (row["judge"], row["n"]) == ("x", 5)
    assert [row[f"within_{k}"] for k in (1, 2, 3)] == [60, 80, 100]
    assert row["shift"] == pytest.approx(1.2)


def test_kappa_and_alpha_are_those_of_their_own_modules() -> None:
    first, second = [1, 1, 2, 3, 7], [1, 2, 2, 3, 9]
    (row,) = trust(rated(first), {"x": rated(second)}, 0).to_dict("records")
    assert row["kappa"] == pytest.approx(kappa(first, second)[0])
    for level in ("ordinal", "interval"):
        assert row[f"alpha_{level}"] == pytest.approx(alpha([first, second], level))


def test_every_coefficient_lies_within_its_bounds() -> None:
    (row,) = trust(rated(PEOPLE), {"x": noisy(2, 3)}, 0).to_dict("records")
    for name in ("kappa", "alpha_ordinal", "alpha_interval", "within_1"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_the_bootstrap_agrees_with_that_of_the_agreement_module() -> None:
    second = [r.rating for r in noisy(2, 3)]
    (row,) = trust(rated(PEOPLE), {"x": rated(second)}, 0).to_dict("records")
    low, high, _ = kappa_interval(PEOPLE, second, 0, seed=1)
    assert (row["kappa_low"], row["kappa_high"]) == pytest.approx((low, high), abs=0.02)


def test_what_could_not_be_paired_is_counted() -> None:
    (row,) = trust(rated([1, None, 3]), {"x": rated([1, 2])}, 0).to_dict("records")
    assert (row["n"], row["unrated"], row["unmatched"]) == (1, 1, 1)
    assert math.isnan(row["kappa"]) and "fewer than two" in row["how"]


def test_judges_that_agree_everywhere_have_no_interval_of_width_0() -> None:
    (row,) = trust(rated([1, 5, 9]), {"x": rated([1, 5, 9])}, 0).to_dict("records")
    for name in ("kappa", "alpha_ordinal", "alpha_interval"):
        assert row[name] == 1 and math.isnan(row[f"{name}_low"]) and math.isnan(row[f"{name}_high"])
    assert row["how"].endswith("no interval: every resample gives the same value")


def test_nothing_to_compare_gives_no_rows() -> None:
    assert trust([], {}, 0).empty and ranking([], {}, 0).empty


def test_the_one_hot_cells_make_the_confusion_table() -> None:
    (table,) = confusion_tables(Paired([1, 1, 10], [1, 2, 10], 0, 0), np.ones((1, 3)))
    assert table[0, 0] == table[0, 1] == table[9, 9] == 1 and table.sum() == 3


def test_an_undefined_kappa_of_a_table_is_nan() -> None:
    constant = np.zeros((1, 10, 10))
    constant[0, 6, 6] = 5
    assert np.isnan(kappas(constant)).all()


def test_a_clearly_better_judge_stays_first() -> None:
    found = ranking(rated(PEOPLE), {"bad": noisy(5, 2), "good": noisy(1, 8)}, seed=0)
    assert list(found["judge"]) == ["good", "bad"]
    assert found["best"].iloc[0] == 1 and found["turned"].iloc[0] == 0
    assert math.isnan(found["turned"].iloc[1])


def test_equally_good_judges_may_turn_over() -> None:
    # both are off by 2 on as many answers, but not on the same ones
    off = [min(v + 2 * (i % 4 == 1), 10) for i, v in enumerate(PEOPLE)]
    found = ranking(rated(PEOPLE), {"one": noisy(2, 4), "two": rated(off)}, seed=0)
    assert 0.2 < found["turned"].iloc[0] < 0.8
    assert found["best"].sum() == pytest.approx(1)


def test_the_ranking_takes_what_all_of_them_rated() -> None:
    short = rated([None, *PEOPLE[1:]])
    found = ranking(rated(PEOPLE), {"all": noisy(1, 8), "short": short}, seed=0)
    assert set(found["n"]) == {len(PEOPLE) - 1}


def test_what_is_no_evidence_about_people_says_so() -> None:
    assert "not evidence about people" in describe("static", {"static_b": []})
    assert describe("human", {"gpt": []}) == "gpt against people."
    assert "nothing to compare" in describe("static", {})
