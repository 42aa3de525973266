"""Preference pairs to token ids, for SFT and for alignment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from codealign.errors import CodealignError
from codealign.models import chat_prompt, encode
from codealign.prompts import response_prompt
from codealign.records import Pair

IGNORED = -100  # label of a token that carries no loss


@dataclass(frozen=True)
class Tokens:
    """One pair as token ids; a response ends with the end token unless it was truncated."""

    id: str
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    truncated: bool = False

    @property
    def length(self) -> int:
        """Tokens of the longer of the two sequences."""
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


def tokenize(pairs: Iterable[Pair], tokenizer: Any, max_length: int, *, chat: bool) -> list[Tokens]:
    """Return the pairs as token ids, cut to `max_length` tokens (prompt and response together).

    The task of a pair is put into the chat format of an instruction-tuned model, or into the
    response template of a base model, exactly as when the model is asked.
    """
    return [_tokens(pair, tokenizer, max_length, chat) for pair in pairs]


def _tokens(pair: Pair, tokenizer: Any, max_length: int, chat: bool) -> Tokens:
    text = chat_prompt(tokenizer, pair.prompt) if chat else response_prompt(pair.prompt)
    prompt = encode(tokenizer, text)
    chosen = _answer(tokenizer, text, prompt, pair.chosen)
    rejected = _answer(tokenizer, text, prompt, pair.rejected)
    room = max(0, max_length - len(prompt))
    truncated = max(len(chosen), len(rejected)) > room
    return Tokens(pair.id, prompt[:max_length], chosen[:room], rejected[:room], truncated)


def _answer(tokenizer: Any, text: str, prompt: list[int], answer: str) -> list[int]:
    """Return an answer's ids and the end token.

    Prompt and answer are tokenized together, as SentencePiece would else start the answer with a
    blank; if a token then spans the border, the answer is tokenized alone, as the model writes it.
    """
    whole = encode(tokenizer, text + answer)
    if whole[: len(prompt)] == prompt:
        return [*whole[len(prompt) :], tokenizer.eos_token_id]
    alone = tokenizer(answer, add_special_tokens=False)["input_ids"]
    return [*alone, tokenizer.eos_token_id]


def check_truncated(rows: Sequence[Tokens], max_length: int, allowed: float) -> int:
    """Return how many pairs were truncated.

    Raises
    ------
    CodealignError
        There are no pairs, or more than the share `allowed` of them were truncated.
    """
    if not rows:
        raise CodealignError("training: no preference pairs; run the preference stage first")
    count = sum(row.truncated for row in rows)
    if count > allowed * len(rows):
        raise CodealignError(
            f"training: {count} of {len(rows)} pairs are longer than max_length = {max_length} "
            f"tokens, more than max_truncated = {allowed:.0%} of them; raise max_length, or "
            "max_truncated if cut responses are wanted"
        )
    return count


def sft_rows(rows: Iterable[Tokens]) -> list[dict[str, Any]]:
    """Return TRL's columns for SFT on the chosen response; prompt tokens carry no loss.

    A pair whose prompt fills `max_length` has nothing to learn from and is left out (it counts as
    truncated).
    """
    return [
        {
            "input_ids": row.prompt + row.chosen,
            "labels": [IGNORED] * len(row.prompt) + row.chosen,
        }
        for row in rows
        if row.chosen
    ]


def pair_rows(rows: Iterable[Tokens]) -> list[dict[str, Any]]:
    """Return TRL's columns for alignment; pairs without a response in `max_length` are left out."""
    return [
        {"prompt_ids": row.prompt, "chosen_ids": row.chosen, "rejected_ids": row.rejected}
        for row in rows
        if row.chosen
    ]
