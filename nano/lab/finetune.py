"""Fine-tuning to chat: all parameters, one pass, loss on the answers only."""

from __future__ import annotations

import random
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
    rows = []
    for index in range(recipe.chats):
        rng = random.Random(seed_of("chat", recipe.seed, index))
        rows.append(chat_row(tokenizer, *chat_pair(rng, recipe.chat_mistakes)))
    return [(ids, start) for ids, start in rows if len(ids) <= recipe.context]
