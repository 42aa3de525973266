"""KL divergence of the policy from its reference, for the curves of an alignment."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PAIRS = 2  # pairs of the data that are read
POSITIONS = 256  # most token positions that are compared
EVERY, POINTS = 10, 50  # steps between estimates: at least EVERY, and about POINTS in a run


class Divergence:
    """Mean over tokens of KL(pi || pi_ref), exact over the vocabulary, on a few fixed pairs.

    Both models read the same responses, chosen and rejected; at each response token the divergence
    of their distributions of the *next* token is summed over the whole vocabulary, and the mean is
    taken over the tokens:

        1/T sum_t sum_v pi(v | x, y_<t) ln(pi(v | x, y_<t) / pi_ref(v | x, y_<t)),   in nats.

    The texts are those of the preference data, not samples of the policy: this is not the
    KL(pi || pi_ref) of whole responses that RLHF penalises, which would need new samples at each
    step. It is 0 where the policy is the reference, never negative, and has no sampling noise.

    Parameters
    ----------
    model : the PEFT model as it is before training: the reference. Its distributions are kept, not
        the model: `POSITIONS` x vocabulary numbers.
    batch : `input_ids`, `attention_mask` and `completion_mask`, [sequences, length].
    """

    def __init__(self, model: Any, batch: dict[str, Tensor]) -> None:
        self.batch = batch
        predicted = batch["completion_mask"][:, 1:].bool()
        self.rows, self.columns = (i[_spread(len(i))] for i in predicted.nonzero(as_tuple=True))
        self.reference = self._log_probs(model)

    @staticmethod
    def due(step: int, steps: int) -> bool:
        """Tell whether it is to be estimated after this step of a run of so many steps."""
        return step == steps or step % max(EVERY, steps // POINTS) == 0

    def __call__(self, model: Any) -> float:
        """Return the divergence of the model as it is now, in nats per token."""
        policy = self._log_probs(model)
        return (policy.exp() * (policy - self.reference)).sum(-1).mean().item()

    @torch.no_grad()
    def _log_probs(self, model: Any) -> Tensor:
        """Return log-probabilities of every token at the positions, [positions, vocabulary]."""
        base = model.get_base_model()
        model.eval()
        inputs = {key: self.batch[key] for key in ("input_ids", "attention_mask")}
        hidden = base.model(**inputs, use_cache=False)[0][self.rows, self.columns]
        model.train()
        return base.lm_head(hidden.to(base.lm_head.weight.dtype)).float().log_softmax(-1)


def _spread(count: int) -> Tensor:
    """Return at most `POSITIONS` of `count` positions, evenly spread."""
    return torch.linspace(0, count - 1, min(count, POSITIONS)).round().long()
