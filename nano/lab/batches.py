"""Training batches: rows of like length, padded, in a seeded order."""

from __future__ import annotations

import random

import torch

from codealign.records import seed_of

Row = tuple[list[int], int]
"""Token ids, and how many of them, from the start, are read only."""
Batch = tuple[torch.Tensor, torch.Tensor]


def collate(rows: list[Row]) -> Batch:
    """Return (ids, weights) of shape (batch, longest); padding and what is read only weigh 0."""
    longest = max(len(ids) for ids, _ in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    weights = torch.zeros(len(rows), longest, dtype=torch.long)
    for row, (ids, start) in enumerate(rows):
        tokens[row, : len(ids)] = torch.tensor(ids)
        weights[row, start : len(ids)] = 1
    return tokens, weights


def by_length(rows: list[Row], size: int, seed: int) -> list[Batch]:
    """Return batches of rows of like length, of up to `size` tokens with their padding."""
    parts: list[list[Row]] = [[]]
    for row in sorted(rows, key=lambda row: len(row[0])):
        if parts[-1] and (len(parts[-1]) + 1) * len(row[0]) > size:
            parts.append([])
        parts[-1].append(row)
    random.Random(seed_of("order of batches", seed)).shuffle(parts)
    return [collate(part) for part in parts]
