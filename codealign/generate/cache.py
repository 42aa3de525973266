"""A key-value cache for batches that shrink and grow, and grouped attention without copies."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
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

    def trim(self, unused: int) -> None:
        """Give up the memory of dropped rows and of the first columns."""
        kept = (state[:, :, unused:].clone() for state in (self.keys, self.values))
        self.buffers, self.filled = tuple(kept), self.filled - unused
        self._show()

    def join(self, other: RoomyLayer) -> None:
        """Take in another layer's rows behind these.

        All rows then end in one column; what stands before a shorter one is 0, as masked columns
        must hold finite numbers.
        """
        end = max(self.filled, other.filled)
        held = zip((self.keys, self.values), (other.keys, other.values), strict=True)
        self.buffers = tuple(_joined(own, new, end) for own, new in held)
        self.rows, self.filled = self.rows + other.rows, end
        self._show()


def _joined(first: Tensor, second: Tensor, end: int) -> Tensor:
    rows, heads, _, size = first.shape
    buffer = first.new_zeros(rows + len(second), heads, end + BLOCK, size)
    buffer[:rows, :, end - first.shape[2] : end] = first
    buffer[rows:, :, end - second.shape[2] : end] = second
    return buffer


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


def trim_rows(cache: DynamicCache, unused: int) -> None:
    """Give up the memory of dropped rows and of the first `unused` columns, layer by layer."""
    for layer in cache.layers:
        layer.trim(unused)


def join_rows(cache: DynamicCache, other: DynamicCache) -> None:
    """Move another cache's rows behind these."""
    for layer, more in zip(cache.layers, other.layers, strict=True):
        layer.join(more)
        more.buffers = more.keys = more.values = None


def position_bytes(cache: DynamicCache) -> int:
    """Return what the keys and values of one row's position take, in bytes."""
    one = [state[0, :, 0] for layer in cache.layers for state in (layer.keys, layer.values)]
    return sum(state.numel() * state.element_size() for state in one)


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


# Attention of grouped-query models on a CPU, without copies of their keys and values.

NAME = "codealign_grouped"


def grouped_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' own `sdpa` does, bit by bit.

    Where there is a mask, as in every padded batch, transformers copies each key and value for all
    the query heads that share it, at every step, because kernels of GPUs would want that. The CPU's
    takes groups as they are: a tenth of the time with three heads per group
    (findings/transformers_cpu_copies_grouped_keys.sh).

    Parameters
    ----------
    query : [batch, heads, queries, size]. key, value : [batch, groups, positions, size].
    attention_mask : [batch, 1, queries, positions], True or 0 where attended; None: causal.
    """
    if attention_mask is None or options.get("position_bias") is not None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
    attended = scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, scale=scaling, enable_gqa=True
    )
    return attended.transpose(1, 2).contiguous(), None


def use_grouped_attention(model: Any) -> None:
    """Have a model attend by `grouped_attention` if it is on a CPU and attends by `sdpa`."""
    can = getattr(model, "_can_set_attn_implementation", lambda: False)
    if model.device.type != "cpu" or model.config._attn_implementation != "sdpa" or not can():
        return
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, grouped_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
