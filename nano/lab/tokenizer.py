"""Nano's tokenizer: byte-level BPE of 1024 tokens, with a chat template.

Line breaks and indentation are separate tokens, so a prompt that ends with a line break is cut into
the same tokens as the text it came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 1024
END_OF_TEXT, USER, ASSISTANT, END = "<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIALS = (END_OF_TEXT, USER, ASSISTANT, END)
PIECES = r"\n+|(?<=\n) +|\d| ?[A-Za-z]+| ?[^\sA-Za-z\d]+|\s+"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], size: int = VOCABULARY) -> Tokenizer:
    """Train the tokenizer; the special tokens get the ids 0 to 3 in the order of SPECIALS."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(PIECES), "isolated")
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path | str, eos: str, length: int) -> None:
    """Write the tokenizer as a transformers folder whose end token is `eos`.

    Where that is END it is a chat model's, and gets the chat template.
    """
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=eos,
        pad_token=END_OF_TEXT,
        model_max_length=length,
        clean_up_tokenization_spaces=False,
    )
    if eos == END:
        wrapped.chat_template = CHAT_TEMPLATE
    wrapped.save_pretrained(folder)


def chat_prompt(content: str) -> str:
    """Return a user's message as the chat template writes it, ready for the answer."""
    return f"{USER}\n{content}{END}\n{ASSISTANT}\n"
