"""A model's text: the one place where prompts and answers become token ids, and ids become text.

Prompts, training and generation all call this module, so that they agree on every token:

- `encode(prompt)` starts with the start token (BOS) exactly when the model was trained with it,
  as `add_bos_token` in tokenizer_config.json says or, without that, the post-processor of
  tokenizer.json; never twice, and never with an end token (EOS) behind it.
- `decode(encode(x)) == x` for indentation, tabs, blank lines, leading blanks, numbers and letters
  beyond ASCII: `load_tokenizer` tries them, and refuses a tokenizer that loses any.
- `chat_prompt` ends where the chat template starts an assistant's turn, and `chat_answer` is what
  the template writes from there up to the token that ends the turn. Both come from rendering a
  turn, as evalplus does, not from the template's own "generation prompt", which may differ.
- The token that training puts behind an answer (`end_token`) is one of those at which generation
  stops (`end_tokens`).

One blank at the end of a prompt (CodeLlama's `[/INST] `) belongs to the prompt's text but not to
its ids: it is one token with the word behind it, in every text the model has read. `answer_ids`
and `answer_text` put it there and take it away again.

A tokenizer here is one of transformers', best from `load_tokenizer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from codealign.errors import CodealignError

CHAT_MARKS = {
    "llama-3": "<|start_header_id|>",
    "chatml": "<|im_start|>",
    "llama-2": "[INST]",
    "deepseek-coder": "### Instruction:",
}
"""What identifies a chat template's format."""

PROBES = (
    "def f(x):\n    if x:\n        return x\n\n\n\nprint(f(2) , 'a  b' )\n",
    "\tfor i in y:\n\t\ti += 1\n",
    "   three blanks, then a word",
    "12345 67.890 0x1F 1e-9 2026",
    "naïve Größe № Ω → 漢字 かな 🙂\n",
)
"""Texts that a tokenizer for code gives back as they are."""

MARKER = "[the answer begins and ends here]"


def load_tokenizer(where: str, revision: str | None = None) -> Any:
    """Return the tokenizer of a model, as its tokenizer.json says.

    Of transformers' classes only the generic one reads the whole of that file. The others rebuild
    the tokenizer from its vocabulary and their own rules, and which one is taken hangs on the
    model's name: DeepSeek's tokenizers lose every blank in a folder and keep them under their id.

    Parameters
    ----------
    where, revision : a folder and None, or a Hugging Face id and its revision.

    Returns
    -------
    A transformers tokenizer whose post-processor adds BOS where the model was trained with it and
    nothing else, so that it stays right where it is saved; without a pad token it pads with EOS.

    Raises
    ------
    CodealignError
        A probe does not come back from its ids; the message holds both texts.
    OSError
        There is no tokenizer, or it cannot be fetched.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    from transformers.models.auto.tokenization_auto import get_tokenizer_config
    from transformers.utils import cached_file

    place = {"revision": revision or "main"}
    file = cached_file(
        where, "tokenizer.json", _raise_exceptions_for_missing_entries=False, **place
    )
    loader = PreTrainedTokenizerFast if file else AutoTokenizer
    tokenizer = loader.from_pretrained(where, **place)
    declared = get_tokenizer_config(where, **place).get("add_bos_token")
    starts = starts_with_bos(tokenizer) if declared is None else bool(declared)
    # The library forgets `add_bos_token` where there is a tokenizer.json; setting it writes it
    # into the post-processor, which is saved.
    tokenizer.add_eos_token = False
    tokenizer.add_bos_token = starts and tokenizer.bos_token is not None
    tokenizer.clean_up_tokenization_spaces = False  # would take blanks before punctuation
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if lost := garbled(tokenizer):
        raise CodealignError(
            f"{where}: the tokenizer does not give back what it reads: {lost[0]!r} comes back as "
            f"{lost[1]!r}; every prompt would be garbled. Check tokenizer.json and "
            "tokenizer_config.json against the model's own"
        )
    return tokenizer


def garbled(tokenizer: Any) -> tuple[str, str] | None:
    """Return the first probe that its ids do not give back, and what they give; None if all do."""
    for sent in PROBES:
        back = decode(tokenizer, _ids(tokenizer, sent))
        if back != sent:
            return sent, back
    return None


def starts_with_bos(tokenizer: Any) -> bool:
    """Tell whether the tokenizer's post-processor puts BOS before a text."""
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a")["input_ids"][:1] == [bos]


def encode(tokenizer: Any, prompt: str) -> list[int]:
    """Return a prompt's ids: BOS once where the model was trained with it, no EOS.

    A chat template writes BOS as text; it is taken off before the rest is read, so that the rest
    is read as the beginning of a text (`<s> ▁[` in CodeLlama, as in Meta's own code). One blank at
    the end is left to the answer.
    """
    return _whole(tokenizer, prompt.removesuffix(_lead(prompt)))


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return the text of ids, special tokens left out and nothing tidied up."""
    return tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)


def answer_ids(tokenizer: Any, prompt: str, answer: str) -> list[int]:
    """Return the ids of an answer behind a prompt, without an end token.

    Both are read together, as the model has read them; where a token spans the border, the answer
    is read alone, as the model writes it behind a finished prompt.
    """
    before, whole = encode(tokenizer, prompt), _whole(tokenizer, prompt + answer)
    if whole[: len(before)] == before:
        return whole[len(before) :]
    return _alone(tokenizer, _lead(prompt) + answer)


def answer_text(tokenizer: Any, prompt: str, new: Sequence[int]) -> str:
    """Return what generated ids add to a prompt's text.

    Decoding them alone would lose a leading blank with SentencePiece tokenizers.
    """
    ids = encode(tokenizer, prompt)
    before, whole = decode(tokenizer, ids), decode(tokenizer, [*ids, *new])
    added = whole[len(before) :] if whole.startswith(before) else decode(tokenizer, new)
    return added.removeprefix(_lead(prompt))


def chat_prompt(tokenizer: Any, content: str) -> str:
    """Return the prompt text for one user message, up to where the answer begins.

    Raises
    ------
    CodealignError
        The tokenizer has no chat template (a pretrained model asked as if it were fine-tuned), or
        one that does not write an assistant's turn.
    """
    return _around(tokenizer, content)[0]


def chat_answer(tokenizer: Any, content: str, answer: str) -> str:
    """Return what the chat template writes behind `chat_prompt(content)`, up to the end token.

    That is the answer, trimmed if the template trims it, and what stands between it and the end
    token (a blank in CodeLlama's format, a line's end in DeepSeek's), which is not doubled.
    """
    closing, end = _ending(tokenizer)
    answer = answer.removesuffix(closing)
    prompt, turn = chat_prompt(tokenizer, content), _turn(tokenizer, content, answer)
    if not turn.startswith(prompt):  # the template took something in the answer for its own
        return answer + closing
    rest = turn[len(prompt) :]
    return rest[: rest.rindex(end)] if end and end in rest else rest


def end_token(tokenizer: Any, chat: bool) -> int:
    """Return the id behind an answer: what ends an assistant's turn in chat, else EOS.

    Raises
    ------
    CodealignError
        The tokenizer has no such token: a model trained without would never stop.
    """
    token = _ending(tokenizer)[1] if chat else tokenizer.eos_token
    if not token:
        raise CodealignError(
            f"{tokenizer.name_or_path}: the tokenizer has no end token, so that a model cannot "
            "learn where an answer ends; set eos_token in tokenizer_config.json"
        )
    return tokenizer.convert_tokens_to_ids(token)


def end_tokens(tokenizer: Any, declared: int | list[int] | None) -> frozenset[int]:
    """Return the ids at which generation stops.

    Parameters
    ----------
    declared : `eos_token_id` of the model's generation settings; EOS and the chat template's own
        end are added to it.
    """
    listed = declared if isinstance(declared, list) else [declared]
    ends = {*listed, tokenizer.eos_token_id}
    if tokenizer.chat_template:
        with suppress(CodealignError):  # raised where such a template is used, if it ever is
            ends.add(end_token(tokenizer, chat=True))
    return frozenset(t for t in ends if t is not None)


def special_stops(tokenizer: Any, stop: Iterable[str]) -> frozenset[int]:
    """Return the ids of those stop strings that are special tokens, which no decoded text shows."""
    special = {t.content: i for i, t in tokenizer.added_tokens_decoder.items() if t.special}
    return frozenset(special[s] for s in stop if s in special)


def check_chat_format(tokenizer: Any, chat_format: str, where: str) -> None:
    """Refuse a tokenizer whose chat template is not of the format that the registry names.

    Raises
    ------
    CodealignError
        It has none, or one of another format: every prompt would be wrong, without an error.
    """
    mark = CHAT_MARKS.get(chat_format, "")
    if mark not in (tokenizer.chat_template or ""):
        raise CodealignError(
            f"{where}: the chat template is not of the format {chat_format} (no {mark!r} in it); "
            "pin another revision in params/models.yaml, or correct chat_format there"
        )


def _whole(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of a text with its BOS."""
    bos = tokenizer.bos_token
    written = bool(bos) and text.startswith(bos)
    start = [tokenizer.bos_token_id] if written or starts_with_bos(tokenizer) else []
    return start + _ids(tokenizer, text[len(bos) :] if written else text)


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of a text's beginning, without special tokens around it.

    SentencePiece puts a blank before every text. `tokenizers`' Metaspace leaves it out where the
    text starts with one, and so reads a blank too few.
    """
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if text.startswith(" ") and decode(tokenizer, ids) == text[1:]:
        return tokenizer(f" {text}", add_special_tokens=False)["input_ids"]
    return ids


def _alone(tokenizer: Any, answer: str) -> list[int]:
    """Return the ids of a text that does not begin one: without SentencePiece's blank before it."""
    ids = tokenizer(answer, add_special_tokens=False)["input_ids"]
    line = tokenizer("\n", add_special_tokens=False)["input_ids"]
    if decode(tokenizer, [*line, *ids]) == f"\n{answer}":
        return ids
    return tokenizer(f"\n{answer}", add_special_tokens=False)["input_ids"][len(line) :]


def _lead(prompt: str) -> str:
    """Return the blank at the end of a prompt that goes with the answer's first word, or ""."""
    return " " if re.search(r"\S $", prompt) else ""


def _turn(tokenizer: Any, content: str, answer: str) -> str:
    """Return a user's message and the assistant's answer as the chat template writes them."""
    if not tokenizer.chat_template:
        raise CodealignError(f"{tokenizer.name_or_path}: no chat template; use a finetuned variant")
    from jinja2 import TemplateError

    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False)
    except TemplateError as error:
        raise CodealignError(
            f"{tokenizer.name_or_path}: the chat template does not write a question and its "
            f"answer ({error})"
        ) from error


def _around(tokenizer: Any, content: str) -> list[str]:
    """Return what the chat template writes before an answer and behind it."""
    parts = _turn(tokenizer, content, MARKER).split(MARKER)
    if len(parts) != 2:
        raise CodealignError(
            f"{tokenizer.name_or_path}: the chat template does not write an assistant's turn"
        )
    return parts


def _ending(tokenizer: Any) -> tuple[str, str | None]:
    """Return what the chat template writes between an answer and the end token, and that token."""
    return _ending_of(tokenizer, tokenizer.chat_template)


@lru_cache(maxsize=8)
def _ending_of(tokenizer: Any, chat_template: str) -> tuple[str, str | None]:
    tail = _around(tokenizer, "")[1]
    special = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special]
    ends = [(tail.index(t), t) for t in [*special, tokenizer.eos_token] if t and t in tail]
    if not ends:
        return "", tokenizer.eos_token
    place, token = min(ends)
    return tail[:place], token
