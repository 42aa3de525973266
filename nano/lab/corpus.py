"""Documents to training rows, one each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from codealign.records import seed_of
from nano.lab.batches import Row
from nano.lab.documents import document
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import END_OF_TEXT

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_DOCUMENTS = 12_000
BATCH = 1_000  # documents


def corpus_document(recipe: Recipe, index: int) -> str:
    """Return the `index`-th document of the pretraining corpus; depends on seed and index alone."""
    return document(random.Random(seed_of("corpus", recipe.seed, index)), recipe.mistakes)


def batches(recipe: Recipe, tokenizer: Tokenizer) -> Iterator[tuple[list[str], list[Row]]]:
    """Yield documents with their rows until there are `recipe.tokens` tokens, or a few more."""
    needed, start = recipe.tokens, 0
    while needed > 0:
        texts = [corpus_document(recipe, i) for i in range(start, start + BATCH)]
        rows = document_rows(texts, tokenizer, recipe.context)
        yield texts, rows
        needed, start = needed - sum(len(ids) for ids, _ in rows), start + BATCH


def document_rows(texts: list[str], tokenizer: Tokenizer, context: int) -> list[Row]:
    """Return a row for each document, closed by the end token, cut to `context` tokens."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    return [([*e.ids, end][:context], 1) for e in tokenizer.encode_batch(texts)]


def training_rows(recipe: Recipe, tokenizer: Tokenizer) -> list[Row]:
    """Return the rows of the documents that a phase of pretraining reads, none twice."""
    return [row for _, rows in batches(recipe, tokenizer) for row in rows]
