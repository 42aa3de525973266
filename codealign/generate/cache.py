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
    are [at least `rows`, heads, capacity, head size].
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows, self.filled = 0, 0
        self.buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [rows, heads, new, head size]; return all of them so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.rows = len(key_states)
        end = self.filled + key_states.shape[-2]
        if self.buffers is None or end > self.buffers[0].shape[-2]:
            self.buffers = (self._grow(0, key_states, end), self._grow(1, value_states, end))
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[: self.rows, :, self.filled : end] = states
        self.filled = end
        self._show()
        return self.keys, self.values

    def _grow(self, which: int, states: torch.Tensor, end: int) -> torch.Tensor:
        buffer = states.new_empty((*states.shape[:2], end + BLOCK, states.shape[-1]))
        if self.buffers is not None:
            held = self.buffers[which][: self.rows, :, : self.filled]
            buffer[:, :, : self.filled] = held
        return buffer

    def _show(self) -> None:
        self.keys, self.values = (b[: self.rows, :, : self.filled] for b in self.buffers)

    def repeat(self, rows: torch.Tensor) -> None:
        """Take these rows, each as often as it is named, in this order."""
        self.buffers = tuple(b.index_select(0, rows) for b in self.buffers)
        self.rows = len(rows)
        self._show()

    def keep(self, order: torch.Tensor, moved: torch.Tensor) -> None:
        """Keep the rows `order`, which is 0, 1, 2... but at `moved`: only those are copied."""
        for buffer in self.buffers:
            buffer[moved, :, : self.filled] = buffer[order[moved], :, : self.filled]
        self.rows = len(order)
        self._show()


def roomy_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model; layers of special kinds stay as the library makes them."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(x) is DynamicLayer else x for x in cache.layers]
    return cache


def is_roomy(cache: DynamicCache) -> bool:
    """Tell whether every layer keeps all positions: padding may then stand between them.

    A sliding window counts places, padding included.
    """
    return all(isinstance(layer, RoomyLayer) for layer in cache.layers)


def repeat_rows(cache: DynamicCache, rows: torch.Tensor) -> None:
    """Take these rows of every layer, each as often as it is named, in this order."""
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.repeat(rows)
        else:
            layer.reorder_cache(rows)


def drop_rows(cache: DynamicCache, finished: torch.Tensor) -> torch.Tensor:
    """Drop the rows where `finished` [rows] is set; return the order of those kept.

    Rows from the end fill the gaps, so that little is copied.
    """
    count = int((~finished).sum())
    order = torch.arange(count, device=finished.device)
    gaps = finished[:count].nonzero().squeeze(1)
    order[gaps] = count + (~finished[count:]).nonzero().squeeze(1)
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.keep(order, gaps)
        else:
            layer.reorder_cache(order)
    return order
