"""The order of examples: shuffled, with examples of like length in one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

POOL = 50  # batches' worth of shuffled examples that are sorted by length together


class LengthGrouped(Sampler[int]):
    """Yields indices in an order that depends on the seed and the epoch alone.

    So a resumed run sees exactly the batches that an uninterrupted one sees, and little is padded.

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
        rng = np.random.default_rng((self.seed, epoch))
        shuffled = rng.permutation(len(self.lengths))
        whole = len(shuffled) // self.batch * self.batch
        batches: list[np.ndarray] = []
        for start in range(0, whole, POOL * self.batch):
            pool = shuffled[start : min(start + POOL * self.batch, whole)]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += list(pool.reshape(-1, self.batch))
        grouped = [batches[i] for i in rng.permutation(len(batches))]
        return np.concatenate([*grouped, shuffled[whole:]]).astype(int).tolist()
