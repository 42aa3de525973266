"""Documents to training rows: whole documents one after the other, each row starting with one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from codealign.nano.documents import document
from codealign.nano.recipe import Recipe
from codealign.records import seed_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_DOCUMENTS = 12_000
BATCH = 5_000  # documents


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


def batches(recipe: Recipe, tokenizer: Tokenizer) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield documents with their rows until there are enough for `recipe.tokens` tokens."""
    end, needed, start = tokenizer.token_to_id("<|endoftext|>"), _rows(recipe), 0
    while needed > 0:
        texts = [corpus_document(recipe, i) for i in range(start, start + BATCH)]
        rows = pack([e.ids for e in tokenizer.encode_batch(texts)], end, recipe.context + 1)
        yield texts, rows
        needed, start = needed - len(rows), start + BATCH


def _rows(recipe: Recipe) -> int:
    return recipe.tokens // recipe.context


def training_rows(recipe: Recipe, tokenizer: Tokenizer) -> np.ndarray:
    """Return enough rows (n, context + 1) for `recipe.tokens` tokens, no document seen twice."""
    found = [rows for _, rows in batches(recipe, tokenizer)]
    return np.concatenate(found)[: _rows(recipe)]
