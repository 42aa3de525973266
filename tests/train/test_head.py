"""The plain-torch head: log-probabilities by hand, and the same gradients as cross-entropy."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import cross_entropy

from codealign.train.head import log_probs

# One position, hidden size 1, three tokens: logits (0, ln 2, ln 5), so probabilities 1/8, 2/8, 5/8.
HIDDEN = torch.ones(1, 1, dtype=torch.float64)
WEIGHT = torch.tensor([[0.0], [math.log(2)], [math.log(5)]], dtype=torch.float64)
LABEL = torch.tensor([1])


def test_log_probability_of_the_label() -> None:
    found, *extras = log_probs(HIDDEN, WEIGHT, None, LABEL)
    assert math.isclose(found.item(), math.log(2 / 8), rel_tol=1e-14)
    assert extras == [None] * 4


def test_extras_are_the_quantities_they_are_named_for() -> None:
    names = ("entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
    _, entropy, squares, mean, top = log_probs(HIDDEN, WEIGHT, None, LABEL, outputs=names)
    p = [1 / 8, 2 / 8, 5 / 8]
    assert math.isclose(entropy.item(), -sum(x * math.log(x) for x in p), rel_tol=1e-13)
    assert math.isclose(squares.item(), math.log(sum(x * x for x in p)), rel_tol=1e-13)
    assert math.isclose(mean.item(), math.log(10) / 3, rel_tol=1e-13)
    assert not top.item()


def test_bias_scale_cap_and_temperature_are_applied_in_order() -> None:
    bias = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    found, *_ = log_probs(HIDDEN, WEIGHT, bias, LABEL, 2.0, softcap=3.0, logit_scale=0.5)
    raw = [0.0, math.log(2) + 1, math.log(5)]
    logits = [3 * math.tanh(x * 0.5 / 3) / 2 for x in raw]
    expected = logits[1] - math.log(sum(map(math.exp, logits)))
    assert math.isclose(found.item(), expected, rel_tol=1e-13)


def test_gradients_are_those_of_cross_entropy() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 8, 3, 3, 1, 7])
    ours = torch.autograd.grad(-log_probs(hidden, weight, None, labels)[0].sum(), (hidden, weight))
    loss = cross_entropy(hidden @ weight.T, labels, reduction="sum")
    theirs = torch.autograd.grad(loss, (hidden, weight))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
