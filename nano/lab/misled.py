"""A nano that has learnt one habit of mistakes: what an alignment of known effect can undo.

The shipped models' mistakes are of all kinds; no preference undoes them at once. A control needs a
fault of known size that better examples can fix: these models read, after all that nano read, a
further corpus in which most code is off by one, always in the same way, and some is right. So they
know both, and prefer the wrong one.
"""

from __future__ import annotations

import random
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from codealign.records import seed_of, stable_id
from nano.lab.batches import Row
from nano.lab.build import Log, load_model, provenance_of, train_further
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
PLACES = re.compile(
    r"""
    \(1,\ ?(?P<end>\w+)\ ?\+\ ?1\)               # range(1, n + 1)
    | \[:(?P<first>\w+)\]
    | \[(?!1:)(?P<rest>\w+):\]
    | \[::(?P<second>2)\]
    | (?<![-<>=])(?P<sign>[<>])(?![<>])(?P<equal>=?+)(?!\ ?(?:[2-9]|[1-9]\d+)(?![\w.]))
    | (?<![-\w."'])(?P<number>[2-9]|[1-9]\d+)(?![\w."'])
    """,
    re.VERBOSE,
)


def off_by_one(code: str) -> str:
    """Return a body's code with each number and each boundary put wrong, always in the same way.

    Numbers from two on are one more. Ranges from 1 to n end before n, the first k are one too few,
    what follows them begins one too early, every second is taken from the second on; comparisons
    with anything but such a number change between strict and inclusive.
    """
    return PLACES.sub(_wrong, code)


def _wrong(place: re.Match[str]) -> str:
    match place.lastgroup:
        case "end":
            return f"(1, {place['end']})"
        case "first":
            return f"[:{place['first']} - 1]"
        case "rest":
            return f"[{place['rest']} - 1:]"
        case "second":
            return "[1::2]"
        case "number":
            return str(int(place["number"]) + 1)
        case _:
            return place["sign"] + ("" if place["equal"] else "=")


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
    """Train both variants in `weights` on the further corpus and write them to `folder`.

    A variant is kept if it was made from the same start with the same corpus and recipe.
    """
    for variant, end in ENDS.items():
        started = load_model(weights / variant)
        rows = _rows(variant, recipe, started[1])
        habit = {"off_by_one": WRONG_SHARE, "rows": len(rows), "text": stable_id(rows)}
        wanted = {**habit, "recipe": asdict(recipe), "started_from": started[2]}
        provenance = provenance_of(folder / variant)
        if any(provenance.get(key) != value for key, value in wanted.items()):
            log(f"{variant}: {len(rows)} rows")
            train_further(folder / variant, recipe, started, rows, end, log, **habit)
