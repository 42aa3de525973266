"""What an alignment reached: the gap beside the target, and the noise of the labels it had."""

from __future__ import annotations

import pytest

from codealign.params import Dpo
from codealign.records import Pair, label_noise
from codealign.train.data import used_pairs
from codealign.train.readme import gap_told
from codealign.train.run import TrainResult, reached_gap


def result(gap: float | None, target: float | None) -> TrainResult:
    facts = ("bonbon", "nano", "pretrained", 8, 0, 3, 1.0, 100, 1.0, "", "", "")
    return TrainResult(*facts, target=target, gap=gap)


def test_the_reached_gap_is_the_mean_of_the_last_tenth_of_the_steps() -> None:
    # Of 100 steps the last ten: 90 to 99. Of few steps the last five.
    assert reached_gap([float(i) for i in range(100)]) == 94.5
    assert reached_gap([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == 3.0
    assert reached_gap([]) is None


@pytest.mark.parametrize(
    ("gap", "target", "told"),
    [
        (9.0, 18.0, "Gap reached: 9.00 of 18.00 nats, 50% of the target."),
        (4.0, None, "Gap reached: 4.00 nats."),
        (None, None, ""),
    ],
)
def test_the_gap_is_told_beside_the_target(
    gap: float | None, target: float | None, told: str
) -> None:
    assert gap_told(result(gap, target)) == told


def test_under_half_of_the_target_is_no_experiment_on_bonbon() -> None:
    assert "too short of its target to be an experiment on BoNBoN" in gap_told(result(8.9, 18.0))


def pair(number: int, chosen: str, rejected: str) -> Pair:
    return Pair(
        f"p{number}", "i", "task", "good", "bad", chosen_id="c", rejected_id="r",
        chosen_hidden=chosen, rejected_hidden=rejected,
    )  # fmt: skip


def test_label_noise_is_the_share_of_chosen_that_hidden_tests_refuse() -> None:
    verdicts = ("pass", "pass", "fail", "timeout")
    assert label_noise([pair(i, v, "fail") for i, v in enumerate(verdicts)]) == 0.5
    assert label_noise([pair(0, "", "")]) is None


def test_a_tossed_pair_exchanges_all_that_belongs_to_its_sides() -> None:
    pairs = [pair(i, "pass", "fail") for i in range(24)]
    tossed = used_pairs(pairs, Dpo(placebo=True), 0)
    turned = [p for p in tossed if p.chosen == "bad"]
    assert turned and len(turned) < len(tossed)
    assert {(p.chosen_id, p.chosen_hidden, p.rejected_hidden) for p in turned} == {
        ("r", "fail", "pass")
    }
    assert label_noise(tossed) == len(turned) / 24
