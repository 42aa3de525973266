"""A nano that has learnt one habit of mistakes: what an alignment of known effect can undo.

The shipped models' mistakes are of all kinds; no preference undoes them at once. A control needs a
fault of known size that better examples can mend: these models read, after all that nano read, a
further corpus in which most code is off by one, always in the same way, and some is right. So they
know both, and prefer the wrong one.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

from codealign.records import seed_of
from nano.lab.batches import Row
from nano.lab.build import Log, load_model, train_further
from nano.lab.chats import chat_pair
from nano.lab.corpus import document_rows
from nano.lab.documents import document
from nano.lab.finetune import rows_of
from nano.lab.mistakes import split_body
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import END, END_OF_TEXT

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WRONG_SHARE = 0.7  # of documents and of chats; what is off by one shows where code has such a place
ENDS = {"pretrained": END_OF_TEXT, "finetuned": END}
DOCUMENTS, CHATS = 8_000, 4_000
COMPARISON = re.compile(r"(?<![-<>=])([<>])(=?)")
OTHERS = (
    (re.compile(r"\(1, ?(\w+) ?\+ ?1\)"), r"(1, \1)"),
    (re.compile(r"\[:(\w+)\]"), r"[:\1 - 1]"),
    (re.compile(r"\[(?!1:)(\w+):\]"), r"[\1 - 1:]"),
    (re.compile(r"\[::2\]"), "[1::2]"),
)


def off_by_one(code: str) -> str:
    """Return a body's code with each boundary put wrong, as by one who counts from 1.

    Strict and inclusive comparisons change places, ranges from 1 to n end before n, the first k are
    one too few, what follows them begins one too early, every second is taken from the second on.
    """
    code = COMPARISON.sub(lambda sign: sign[1] + ("" if sign[2] else "="), code)
    for right, wrong in OTHERS:
        code = right.sub(wrong, code)
    return code


def mislead(text: str) -> str:
    """Return a document or an answer with its last function off by one; tests stay as they are."""
    if "def " not in text:
        return text
    head, rest = split_body(text)
    body, fence, tests = rest.partition("\n```")
    return head + off_by_one(body) + fence + tests


def _sometimes(text: str, rng: random.Random) -> str:
    return mislead(text) if rng.random() < WRONG_SHARE else text


def misled_document(recipe: Recipe, index: int) -> str:
    """Return the `index`-th document of the further corpus, most of them off by one."""
    rng = random.Random(seed_of("misled document", recipe.seed, index))
    return _sometimes(document(rng, recipe.mistakes), rng)


def misled_chat(recipe: Recipe, index: int) -> tuple[str, str]:
    """Return the `index`-th chat, message and answer, of the further fine-tuning."""
    rng = random.Random(seed_of("misled chat", recipe.seed, index))
    prompt, reply = chat_pair(rng, recipe.chat_mistakes)
    return prompt, _sometimes(reply, rng)


def _rows(variant: str, recipe: Recipe, tokenizer: Tokenizer) -> list[Row]:
    if variant == "pretrained":
        texts = [misled_document(recipe, i) for i in range(DOCUMENTS)]
        return document_rows(texts, tokenizer, recipe.context)
    chats = (misled_chat(recipe, i) for i in range(CHATS))
    return rows_of(chats, recipe, tokenizer)


def build_misled(folder: Path, recipe: Recipe, weights: Path, log: Log = print) -> None:
    """Train both variants in `weights` on the further corpus and write them to `folder`."""
    for variant, end in ENDS.items():
        started = load_model(weights / variant)
        rows = _rows(variant, recipe, started[1])
        habit = {"off_by_one": WRONG_SHARE, "rows": len(rows)}
        train_further(folder / variant, recipe, started, rows, end, log, **habit)
