"""A key-value cache for batches that shrink: rows that have finished are dropped."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

BLOCK = 64  # positions added when a buffer is full


class RoomyLayer(DynamicLayer):
    """A growing layer with room to spare, so that a step writes in place and copies nothing.

    `keys` and `values` (what attention reads) are views of the filled part of the buffers, which
    are [rows, heads, capacity, head size].
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filled = 0
        self.buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [rows, heads, new, head size]; return all of them so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.filled + key_states.shape[-2]
        if self.buffers is None or end > self.buffers[0].shape[-2]:
            self.buffers = (self._grow(0, key_states, end), self._grow(1, value_states, end))
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, self.filled : end] = states
        self.filled = end
        self._show()
        return self.keys, self.values

    def _grow(self, which: int, states: torch.Tensor, end: int) -> torch.Tensor:
        shape = (*states.shape[:2], end + BLOCK, states.shape[-1])
        buffer = states.new_empty(shape)
        if self.buffers is not None:
            buffer[:, :, : self.filled] = self.buffers[which][:, :, : self.filled]
        return buffer

    def _show(self) -> None:
        self.keys, self.values = (b[:, :, : self.filled] for b in self.buffers)

    def take(self, rows: torch.Tensor) -> None:
        """Keep (or repeat) these rows, in this order."""
        self.buffers = tuple(b.index_select(0, rows) for b in self.buffers)
        self._show()


def roomy_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model; layers of special kinds stay as the library makes them."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(x) is DynamicLayer else x for x in cache.layers]
    return cache


def take_rows(cache: DynamicCache, rows: torch.Tensor) -> None:
    """Keep (or repeat) rows of every layer, in this order."""
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.take(rows)
        else:
            layer.reorder_cache(rows)
