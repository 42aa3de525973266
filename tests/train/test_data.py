"""Pairs to token ids: formats, masked prompts, the end token, truncation. One token is one byte."""

from __future__ import annotations

import pytest
from tiny import tiny_tokenizer

from codealign.errors import CodealignError
from codealign.prompts import response_prompt
from codealign.records import Pair
from codealign.train.data import IGNORED, Tokens, check_truncated, pair_rows, sft_rows, tokenize

PAIR = Pair(id="p", instruction_id="i", prompt="Add.", chosen="yes\n", rejected="no\n")


@pytest.fixture(scope="module")
def base():
    return tiny_tokenizer("pretrained")


def test_a_base_model_reads_the_response_template(base) -> None:
    (row,) = tokenize([PAIR], base, 512, chat=False)
    assert base.decode(row.prompt) == response_prompt("Add.")


def test_a_chat_model_reads_its_chat_format() -> None:
    chat = tiny_tokenizer("finetuned")
    (row,) = tokenize([PAIR], chat, 512, chat=True)
    assert chat.decode(row.prompt) == "<|user|>\nAdd.<|end|>\n<|assistant|>\n"
    assert chat.decode(row.chosen) == "yes\n<|end|>"


def test_both_responses_end_with_the_end_token(base) -> None:
    (row,) = tokenize([PAIR], base, 512, chat=False)
    assert base.decode(row.chosen) == "yes\n<|endoftext|>"
    assert base.decode(row.rejected) == "no\n<|endoftext|>"


def test_prompt_tokens_carry_no_loss_and_the_end_token_does(base) -> None:
    (tokens,) = tokenize([PAIR], base, 512, chat=False)
    (row,) = sft_rows([tokens])
    learned = [i for i, label in enumerate(row["labels"]) if label != IGNORED]
    assert learned == list(range(len(tokens.prompt), len(row["input_ids"])))
    assert row["labels"][-1] == base.eos_token_id


def test_a_response_that_merges_with_its_prompt_is_tokenized_alone() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    last = response_prompt("Add.")[-1].replace(
        "\n", "Ċ"
    )  # one token with the answer's first letter
    pieces = [*alphabet, f"{last}y", "<|end|>"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    core = Tokenizer(models.BPE(vocabulary, [(last, "y")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    merging = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|end|>")
    (row,) = tokenize([PAIR], merging, 512, chat=False)
    assert merging.convert_ids_to_tokens(row.chosen) == ["y", "e", "s", "Ċ", "<|end|>"]


def test_truncated_pairs_are_cut_to_max_length_and_counted(base) -> None:
    length = len(response_prompt("Add."))
    (row,) = tokenize([PAIR], base, length + 4, chat=False)
    # "yes\n" fits without its end token, "no\n" with it: one of them cut is a truncated pair.
    assert (base.decode(row.chosen), len(row.rejected), row.truncated) == ("yes\n", 4, True)


def test_a_pair_that_just_fits_is_not_truncated(base) -> None:
    (row,) = tokenize([PAIR], base, len(response_prompt("Add.")) + 5, chat=False)
    assert not row.truncated


def test_more_truncation_than_allowed_is_refused_with_the_count() -> None:
    rows = [Tokens("a", [1], [2], [3], truncated=True), Tokens("b", [1], [2], [3])]
    with pytest.raises(CodealignError, match="1 of 2 pairs are longer than max_length = 64"):
        check_truncated(rows, 64, allowed=0.49)


def test_allowed_truncation_is_counted() -> None:
    rows = [Tokens("a", [1], [2], [3], truncated=True), Tokens("b", [1], [2], [3])]
    assert check_truncated(rows, 64, allowed=0.5) == 1


def test_no_pairs_are_refused() -> None:
    with pytest.raises(CodealignError, match="no preference pairs"):
        check_truncated([], 64, allowed=1.0)


def test_a_pair_whose_prompt_fills_max_length_is_not_trained_on(base) -> None:
    rows = tokenize([PAIR], base, 5, chat=False)
    assert (sft_rows(rows), pair_rows(rows), rows[0].truncated) == ([], [], True)


def test_the_length_is_that_of_the_longer_sequence() -> None:
    assert Tokens("a", [1, 1], [2], [3, 3, 3]).length == 5
