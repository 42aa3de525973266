"""The losses against plain float64 arithmetic, by hand, and the targets against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from codealign.errors import CodealignError
from codealign.train.losses import bonbon_loss, bonbon_target, dpo_loss, log_ratio_gap

# Two pairs. log-ratios: chosen -10 - -11 = 1 and -20 - -18 = -2;
# rejected -12 - -9 = -3 and -7 - -8 = 1. Gaps: 1 - -3 = 4 and -2 - 1 = -3.
POLICY_CHOSEN, POLICY_REJECTED = [-10.0, -20.0], [-12.0, -7.0]
REF_CHOSEN, REF_REJECTED = [-11.0, -18.0], [-9.0, -8.0]
GAPS = [4.0, -3.0]


def tensors() -> tuple[torch.Tensor, ...]:
    values = (POLICY_CHOSEN, POLICY_REJECTED, REF_CHOSEN, REF_REJECTED)
    return tuple(torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values)


def test_the_gap_is_the_difference_of_the_log_ratios() -> None:
    assert log_ratio_gap(*tensors()).tolist() == GAPS


def test_dpo_is_the_log_loss_of_the_scaled_gap() -> None:
    expected = [math.log(1 + math.exp(-0.5 * gap)) for gap in GAPS]
    assert dpo_loss(*tensors(), beta=0.5).tolist() == pytest.approx(expected, rel=1e-14)


def test_dpo_is_ln_2_where_the_policy_is_the_reference() -> None:
    chosen, rejected, *_ = tensors()
    loss = dpo_loss(chosen, rejected, chosen, rejected, beta=0.1)
    assert loss.tolist() == pytest.approx([math.log(2)] * 2, rel=1e-15)


def test_the_gradient_of_dpo_is_minus_beta_times_the_sigmoid_of_the_negative_margin() -> None:
    values = tensors()
    dpo_loss(*values, beta=0.5).sum().backward()
    slope = [-0.5 / (1 + math.exp(0.5 * gap)) for gap in GAPS]
    assert values[0].grad.tolist() == pytest.approx(slope, rel=1e-14)
    assert values[1].grad.tolist() == pytest.approx([-s for s in slope], rel=1e-14)


def test_bonbon_is_sft_on_the_best_and_a_squared_distance_from_the_target() -> None:
    # 0.25 * 10 + 0.75 * (4 - 6)^2 = 5.5;  0.25 * 20 + 0.75 * (-3 - 6)^2 = 65.75
    assert bonbon_loss(*tensors(), alpha=0.25, target=6.0).tolist() == [5.5, 65.75]


def test_the_gradient_of_bonbon_pulls_the_gap_and_raises_the_best() -> None:
    values = tensors()
    bonbon_loss(*values, alpha=0.25, target=6.0).sum().backward()
    # d/d chosen = -0.25 + 0.75 * 2 * (gap - 6) = -0.25 - 3 and -0.25 - 13.5; rejected the opposite
    # of the second term.
    assert values[0].grad.tolist() == [-3.25, -13.75]
    assert values[1].grad.tolist() == [3.0, 13.5]


def test_bonbon_with_alpha_1_is_sft() -> None:
    assert bonbon_loss(*tensors(), alpha=1.0, target=6.0).tolist() == [10.0, 20.0]


def test_the_continuous_target_of_two_samples_is_one() -> None:
    # (n - 1) H_(n-1) = 1 * 1
    assert bonbon_target(2) == 1.0


def test_the_continuous_target_of_eight_samples_is_the_papers() -> None:
    # 7 * (1 + 1/2 + ... + 1/7) = 7 * 363/140 = 18.15
    assert bonbon_target(8) == pytest.approx(18.15, rel=1e-12)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_the_continuous_target_is_the_mean_gap_of_simulated_best_and_worst(n: int) -> None:
    u = np.random.default_rng(0).random((200_000, n))
    gaps = (n - 1) * (np.log(u.max(1)) - np.log(u.min(1)))
    error = gaps.std() / np.sqrt(len(gaps))
    assert bonbon_target(n) == pytest.approx(gaps.mean(), abs=4 * error)


def test_the_binary_target_at_one_half_and_eight_samples() -> None:
    # ln((1 - 1/256) / (1/2)) + 7 ln 2 = ln(255/128) + ln 128 = ln 255
    assert bonbon_target(8, "binary", 0.5) == pytest.approx(math.log(255), rel=1e-12)


@pytest.mark.parametrize("rate", [0.3, 0.6])
def test_the_binary_target_is_the_gap_of_the_simulated_best_of_n(rate: float) -> None:
    # pi_0 has two equally likely passing and two equally likely failing responses; the best of 3
    # samples is a passing one if there is any, ties at random: its frequency is pi_n.
    n, rng = 3, np.random.default_rng(0)
    pi_0 = np.array([rate / 2, rate / 2, (1 - rate) / 2, (1 - rate) / 2])
    draws = rng.choice(4, size=(400_000, n), p=pi_0)
    best = np.where(draws < 2, 1, 0) + rng.random(draws.shape) / 2
    winners = draws[np.arange(len(draws)), best.argmax(1)]
    pi_n = np.bincount(winners, minlength=4) / len(draws)
    gap = np.log(pi_n / pi_0)[0] - np.log(pi_n / pi_0)[2]
    assert bonbon_target(n, "binary", rate) == pytest.approx(gap, abs=0.03)


def test_a_target_needs_two_samples() -> None:
    with pytest.raises(CodealignError, match="n >= 2"):
        bonbon_target(1)


def test_a_binary_target_needs_a_rate_strictly_between_0_and_1() -> None:
    with pytest.raises(CodealignError, match="pass_rate = 1"):
        bonbon_target(8, "binary", 1.0)
