"""The alignment losses, as their papers define them.

Notation: for a prompt x, y_w is the chosen (best) and y_l the rejected (worst) response; pi is the
policy being trained and pi_ref the frozen reference, which in this study is the SFT model. Every
argument named `policy_*` or `ref_*` holds log pi(y|x) of whole responses: the log-probabilities of
a response's tokens, its end token included and its prompt left out, **summed**, not averaged. TRL's
`ipo` (and `sft`) losses average over tokens, which is another objective: they do not replace these.

All tensors are [pairs], in nats; all functions are differentiable in `policy_*`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from codealign.errors import CodealignError

if TYPE_CHECKING:
    from torch import Tensor


def log_ratio_gap(
    policy_chosen: Tensor, policy_rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
) -> Tensor:
    """Return h = log pi/pi_ref (y_w) - log pi/pi_ref (y_l), [pairs]; 0 where pi is pi_ref."""
    return (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    beta: float,
) -> Tensor:
    """Return the DPO loss of each pair, -log sigmoid(beta h), [pairs].

    Equation 7 of Rafailov et al. (2023), arXiv:2305.18290. It is ln 2 where the policy is the
    reference; its gradient in h is -beta sigmoid(-beta h).

    Parameters
    ----------
    beta : strength of the tie to the reference, > 0.
    """
    from torch.nn.functional import logsigmoid

    # Not log(sigmoid(...)): at gaps far below 0 that is -inf, and its gradient not a number.
    return -logsigmoid(
        beta * log_ratio_gap(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    )


def bonbon_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    alpha: float,
    target: float,
) -> Tensor:
    """Return the BoNBoN loss of each pair, [pairs].

    alpha (-log pi(y_w)) + (1 - alpha) (h - target)^2, the objective of Gui, Garbacea and Veitch
    (2024), arXiv:2406.00832, section 4: SFT on the best of n samples, and a squared distance that
    pulls the gap between best and worst to the value it has in the best-of-n distribution.

    Parameters
    ----------
    alpha : weight of the SFT term, in [0, 1]; the paper's code uses 0.005 for n = 8.
    target : from `bonbon_target`, in nats.
    """
    gap = log_ratio_gap(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    return -alpha * policy_chosen + (1 - alpha) * (gap - target) ** 2


def bonbon_target(
    n: int, reward: Literal["continuous", "binary"] = "continuous", pass_rate: float = 0.5
) -> float:
    """Return the gap h that the best-of-n policy has between the best and the worst of n samples.

    Let pi_n be the distribution of the best of n samples of pi_0, ties broken at random.

    *Continuous reward* (the paper's case): with F the distribution function of the reward under
    pi_0, pi_n(y) = n F(y)^(n-1) pi_0(y), so that

        h = log pi_n/pi_0 (best) - log pi_n/pi_0 (worst) = (n - 1) (ln U_max - ln U_min),

    U = F(y) being uniform. Of n uniforms, E ln U_max = -1/n, and E ln U_min = -H_n with the
    harmonic number H_n = 1 + 1/2 + ... + 1/n. Hence the paper's constant (its 1/(2 beta_n))

        E h = (n - 1) (H_n - 1/n) = (n - 1) H_(n-1),            18.15 for n = 8.

    It is a mean: h itself varies from sample to sample (standard deviation 8.6 for n = 8).

    *Binary reward* (a response passes its tests or does not, with probability p): most rewards are
    tied. A passing response is the best unless there is none, so pi_n(y) = pi_0(y) (1 - (1-p)^n)/p
    if y passes; a failing one only if all n fail, so pi_n(y) = pi_0(y) (1-p)^(n-1). Hence, for
    every passing y_w and failing y_l,

        h = ln((1 - (1-p)^n) / p) - (n - 1) ln(1 - p),          5.54 for n = 8, p = 0.5.

    Parameters
    ----------
    n : samples of which the best and the worst are taken, >= 2.
    reward : which case to use.
    pass_rate : p, in (0, 1), for the binary reward.

    Raises
    ------
    CodealignError
        `n` or `pass_rate` out of range.
    """
    if n < 2:
        raise CodealignError(f"BoNBoN: n = {n}; a best and a worst need n >= 2")
    if reward == "continuous":
        return (n - 1) * sum(1 / k for k in range(1, n))  # (n - 1) H_(n-1)
    if not 0 < pass_rate < 1:
        raise CodealignError(f"BoNBoN: pass_rate = {pass_rate} must lie between 0 and 1")
    all_fail = (1 - pass_rate) ** n
    return math.log((1 - all_fail) / pass_rate) - (n - 1) * math.log(1 - pass_rate)
