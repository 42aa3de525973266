"""The order of examples: batches drawn at random, the examples of one in the order of length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler


class RandomBatches(Sampler[int]):
    """Yields indices in an order that depends on the seed and the epoch alone.

    So a resumed run sees exactly the batches that an uninterrupted one sees. What an optimiser step
    holds is drawn at random, as batches of like length would cost loss (`benchmarks/README.md`).
    Within a step the examples are sorted: the parts that it is accumulated from have like length.

    Parameters
    ----------
    lengths : tokens of each example.
    batch : examples in an optimiser step.
    seed : of the shuffle.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = np.asarray(lengths), batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose order is yielded; the trainer calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self.epoch))

    def order(self, epoch: int) -> list[int]:
        """Return the indices in the order of an epoch; the last batch may be short."""
        shuffled = np.random.default_rng((self.seed, epoch)).permutation(len(self.lengths))
        starts = range(0, len(shuffled), self.batch)
        batches = [shuffled[start : start + self.batch] for start in starts]
        ordered = [batch[np.argsort(self.lengths[batch], kind="stable")] for batch in batches]
        return np.concatenate(ordered).tolist()
