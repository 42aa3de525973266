"""Which preference pairs a training run uses, which way round, and how they become token ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from codealign.errors import CodealignError
from codealign.params import Training
from codealign.params.training import Preference
from codealign.prompts import response_prompt
from codealign.records import Pair, seed_of
from codealign.text import answer_ids, chat_answer, chat_prompt, encode, end_token

IGNORED = -100  # label of a token that carries no loss


def used_pairs(pairs: Iterable[Pair], settings: Training, seed: int) -> list[Pair]:
    """Return the pairs that these settings train on, in their order.

    Parameters
    ----------
    settings : `pairs` keeps so many, drawn by their ids, so that a smaller draw lies within a
        larger one; `placebo` (alignment only) exchanges chosen and rejected of about half.
    seed : of both draws.

    Raises
    ------
    CodealignError
        There are fewer pairs than `settings.pairs`.
    """
    used = list(pairs)
    if settings.pairs > len(used):
        raise CodealignError(
            f"training: {settings.pairs} pairs wanted and {len(used)} there; lower `pairs`, or "
            "raise prefs.seeds"
        )
    if settings.pairs:
        drawn = sorted(used, key=lambda pair: seed_of("used", seed, pair.id))[: settings.pairs]
        kept = {pair.id for pair in drawn}
        used = [pair for pair in used if pair.id in kept]
    if isinstance(settings, Preference) and settings.placebo:
        heads = [seed_of("placebo", seed, pair.id) % 2 for pair in used]
        used = [p if stays else p.exchanged() for p, stays in zip(used, heads, strict=True)]
    return used


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
    response template of a base model, exactly as when the model is asked; a response is written
    as the chat template writes an assistant's turn.

    Raises
    ------
    CodealignError
        The tokenizer has no end token.
    """
    end = end_token(tokenizer, chat)
    return [_tokens(pair, tokenizer, max_length, chat, end) for pair in pairs]


def _tokens(pair: Pair, tokenizer: Any, max_length: int, chat: bool, end: int) -> Tokens:
    text = chat_prompt(tokenizer, pair.prompt) if chat else response_prompt(pair.prompt)

    def behind(answer: str) -> list[int]:
        written = chat_answer(tokenizer, pair.prompt, answer) if chat else answer
        return [*answer_ids(tokenizer, text, written), end]

    prompt, chosen, rejected = encode(tokenizer, text), behind(pair.chosen), behind(pair.rejected)
    room = max(0, max_length - len(prompt))
    truncated = max(len(chosen), len(rejected)) > room
    return Tokens(pair.id, prompt[:max_length], chosen[:room], rejected[:room], truncated)


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
        {"input_ids": row.prompt + row.chosen, "labels": [IGNORED] * len(row.prompt) + row.chosen}
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
