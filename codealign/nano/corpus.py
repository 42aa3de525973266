"""Documents to training rows: whole documents one after the other, each row starting with one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from codealign.nano.documents import document
from codealign.nano.recipe import Recipe
from codealign.records import seed_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_DOCUMENTS = 12_000


def corpus_document(recipe: Recipe, index: int) -> str:
    """Return the `index`-th document of the pretraining corpus; depends on seed and index alone."""
    return document(random.Random(seed_of("corpus", recipe.seed, index)), recipe.mistakes)


def pack(documents: list[list[int]], end: int, width: int) -> np.ndarray:
    """Return rows (n, width) of token ids.

    Every row starts at the start of a document and is filled up with further ones, each closed by
    `end`; the last document of a row is cut off, and the next row starts with the next document.
    """
    rows, row = [], []
    for ids in documents:
        row += [*ids, end]
        if len(row) >= width:
            rows.append(row[:width])
            row = []
    return np.array(rows, dtype=np.uint16).reshape(-1, width)


def training_rows(recipe: Recipe, tokenizer: Tokenizer) -> np.ndarray:
    """Return enough rows (n, context + 1) for `recipe.tokens` tokens, no document seen twice."""
    needed = recipe.tokens // recipe.context
    rows: list[np.ndarray] = []
    start = 0
    while sum(len(r) for r in rows) < needed:
        texts = [corpus_document(recipe, i) for i in range(start, start + 5000)]
        encoded = [e.ids for e in tokenizer.encode_batch(texts)]
        rows.append(pack(encoded, tokenizer.token_to_id("<|endoftext|>"), recipe.context + 1))
        start += 5000
    return np.concatenate(rows)[:needed]
