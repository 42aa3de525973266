"""Fine-tuning to chat: all parameters, one pass, loss on the answers only."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import torch

from codealign.nano.chats import chat_pair
from codealign.nano.recipe import Recipe
from codealign.nano.tokenizer import END, chat_prompt
from codealign.records import seed_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Row = tuple[list[int], int]
Batch = tuple[torch.Tensor, torch.Tensor]


def chat_row(tokenizer: Tokenizer, content: str, reply: str) -> Row:
    """Return the token ids of a chat and the number of those before the answer."""
    prompt = tokenizer.encode(chat_prompt(content)).ids
    return [*prompt, *tokenizer.encode(reply + END).ids], len(prompt)


def chat_rows(recipe: Recipe, tokenizer: Tokenizer) -> list[Row]:
    """Return the rows of `recipe.chats` chat pairs; those longer than the context are left out."""
    rows = []
    for index in range(recipe.chats):
        rng = random.Random(seed_of("chat", recipe.seed, index))
        rows.append(chat_row(tokenizer, *chat_pair(rng, recipe.chat_mistakes)))
    return [(ids, start) for ids, start in rows if len(ids) <= recipe.context]


def collate(rows: list[Row]) -> Batch:
    """Return (ids, weights) of shape (batch, longest); padding and prompts weigh 0."""
    longest = max(len(ids) for ids, _ in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    weights = torch.zeros(len(rows), longest, dtype=torch.long)
    for row, (ids, start) in enumerate(rows):
        tokens[row, : len(ids)] = torch.tensor(ids)
        weights[row, start : len(ids)] = 1
    return tokens, weights


def chat_batches(rows: list[Row], recipe: Recipe) -> list[Batch]:
    """Return batches of rows of like length, in a seeded order."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    size = recipe.chat_batch
    parts = [rows[i : i + size] for i in range(0, len(rows), size)]
    random.Random(seed_of("chat order", recipe.seed)).shuffle(parts)
    return [collate(part) for part in parts]
