"""Fine-tuning to chat: all parameters, one pass, loss on the answers only."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

from codealign.records import seed_of
from nano.lab.batches import Row
from nano.lab.chats import chat_pair
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import END, chat_prompt

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def chat_row(tokenizer: Tokenizer, content: str, reply: str) -> Row:
    """Return the token ids of a chat and the number of those before the answer."""
    prompt = tokenizer.encode(chat_prompt(content)).ids
    return [*prompt, *tokenizer.encode(reply + END).ids], len(prompt)


def chat_rows(recipe: Recipe, tokenizer: Tokenizer) -> list[Row]:
    """Return the rows of `recipe.chats` chat pairs; those longer than the context are left out."""
    seeds = (seed_of("chat", recipe.seed, index) for index in range(recipe.chats))
    chats = (chat_pair(random.Random(seed), recipe.chat_mistakes) for seed in seeds)
    return rows_of(chats, recipe, tokenizer)


def rows_of(chats: Iterable[tuple[str, str]], recipe: Recipe, tokenizer: Tokenizer) -> list[Row]:
    """Return a row for each chat that the context has room for."""
    rows = [chat_row(tokenizer, content, reply) for content, reply in chats]
    return [(ids, start) for ids, start in rows if len(ids) <= recipe.context]
