"""The divergence from the reference: by hand on two tokens, and as the trainer logs it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from codealign.models import load
from codealign.records import Pair
from codealign.train.align import train_align
from codealign.train.curves import curves
from codealign.train.trainers import EVERY, Divergence


class Constant(torch.nn.Module):
    """A language model of two tokens that gives the first one odds of `odds` everywhere."""

    def __init__(self, odds: float) -> None:
        super().__init__()
        self.lm_head = torch.nn.Linear(1, 2, bias=False)
        self.lm_head.weight.data = torch.tensor([[math.log(odds)], [0.0]])

    def get_base_model(self) -> Constant:
        return self

    def model(self, input_ids: Any, **kwargs: Any) -> tuple[torch.Tensor]:
        return (torch.ones(*input_ids.shape, 1),)


BATCH = {
    "input_ids": torch.zeros(1, 4, dtype=torch.long),
    "attention_mask": torch.ones(1, 4, dtype=torch.long),
    "completion_mask": torch.tensor([[0, 0, 1, 1]]),
}


def test_it_is_the_sum_over_the_vocabulary_by_hand() -> None:
    # reference 1/2, 1/2; policy 3/4, 1/4: 3/4 ln(3/2) + 1/4 ln(1/2)
    found = Divergence(Constant(1.0), BATCH)(Constant(3.0))
    assert found == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), rel=1e-6)


def test_it_is_0_where_the_policy_is_the_reference() -> None:
    assert Divergence(Constant(3.0), BATCH)(Constant(3.0)) == 0


def test_only_positions_that_predict_a_response_token_count() -> None:
    divergence = Divergence(Constant(1.0), BATCH)
    assert divergence.columns.tolist() == [1, 2]  # tokens 2 and 3 are the response


def test_a_long_response_is_read_at_positions_all_along_it() -> None:
    mask = {**BATCH, "completion_mask": torch.ones(1, 1001, dtype=torch.long)}
    mask["input_ids"] = torch.zeros(1, 1001, dtype=torch.long)
    columns = Divergence(Constant(1.0), mask).columns.tolist()
    assert (len(columns), columns[0], columns[-1]) == (256, 0, 999)


@pytest.mark.parametrize(("steps", "first"), [(30, EVERY), (120_000, 2400)])
def test_a_run_is_looked_at_about_fifty_times(steps: int, first: int) -> None:
    due = [step for step in range(1, steps + 1) if Divergence.due(step, steps)]
    assert due[0] == first and due[-1] == steps and len(due) <= 50


def test_it_is_what_plain_softmaxes_give_on_the_real_model(sft: Path, tiny: str) -> None:
    model, tokenizer = load(tiny, "finetuned", sft, backend="peft", training=True)
    ids = torch.tensor([tokenizer("def f(x): return x")["input_ids"]])
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    batch["completion_mask"] = torch.ones_like(ids)
    divergence, before = Divergence(model, batch), model(ids).logits.double().log_softmax(-1)
    for parameter in model.parameters():
        parameter.data += 0.02 if parameter.requires_grad else 0
    after = model(ids).logits.double().log_softmax(-1)
    plain = (after.exp() * (after - before)).sum(-1)[0, :-1].mean().item()
    assert plain > 1e-4
    assert divergence(model) == pytest.approx(plain, rel=1e-3)


def test_an_alignment_logs_it_and_ends_away_from_its_reference(
    sft: Path, pairs: list[Pair], settings: dict[str, Any], tmp_path: Path
) -> None:
    log = curves(train_align(pairs, sft, "dpo", settings["dpo"], tmp_path, seed=0).log)
    assert log.kl.notna().tolist() == [False] * 5 + [True]  # six steps: the last alone is due
    assert 0 < log.kl.iloc[-1] < 10
