"""The shipped weights: what loads, how large they are, where they come from."""

from __future__ import annotations

import json
import os

import pytest

from codealign.paths import NANO_WEIGHTS
from nano.lab.build import corpus_hash, folder_hashes
from nano.lab.card import card_text, parameters
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import chat_prompt

VARIANTS = ("pretrained", "finetuned")
END = {"pretrained": "<|endoftext|>", "finetuned": "<|end|>"}


def provenance(variant: str) -> dict:
    """Return what the build wrote beside the weights."""
    return json.loads((NANO_WEIGHTS / variant / "provenance.json").read_text())


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_load_as_llama(variant: str) -> None:
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    model = AutoModelForCausalLM.from_pretrained(NANO_WEIGHTS / variant)
    assert isinstance(model, LlamaForCausalLM)
    assert model.config.max_position_embeddings == Recipe.context


@pytest.mark.parametrize("variant", VARIANTS)
def test_end_tokens_agree(variant: str) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(NANO_WEIGHTS / variant)
    assert tokenizer.eos_token == END[variant]
    settings = GenerationConfig.from_pretrained(NANO_WEIGHTS / variant)
    assert settings.eos_token_id == tokenizer.eos_token_id


def test_only_the_finetuned_tokenizer_has_a_chat_template() -> None:
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(NANO_WEIGHTS / "pretrained").chat_template is None
    tokenizer = AutoTokenizer.from_pretrained(NANO_WEIGHTS / "finetuned")
    messages = [{"role": "user", "content": "Hi."}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == chat_prompt("Hi.")


def test_everything_fits_in_twenty_megabytes() -> None:
    files = [p for p in NANO_WEIGHTS.parent.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    assert sum(os.path.getsize(p) for p in files) < 20e6


@pytest.mark.parametrize("variant", VARIANTS)
def test_provenance_holds_the_hashes_of_the_files(variant: str) -> None:
    assert provenance(variant)["files"] == folder_hashes(NANO_WEIGHTS / variant)


def test_the_finetuned_weights_started_from_the_pretrained() -> None:
    assert provenance("finetuned")["started_from"] == provenance("pretrained")


def test_the_grammar_is_still_the_one_the_weights_were_trained_on() -> None:
    made = provenance("pretrained")
    assert made["corpus"] == corpus_hash(Recipe(**made["recipe"]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_provenance_names_recipe_tokens_time_and_versions(variant: str) -> None:
    made = provenance(variant)
    assert {"recipe", "tokens", "train_seconds", "versions", "commit", "corpus"} <= set(made)


def test_the_card_is_printed_from_the_measurements() -> None:
    numbers = json.loads((NANO_WEIGHTS / "measured.json").read_text())
    assert (NANO_WEIGHTS / "README.md").read_text() == card_text(NANO_WEIGHTS, numbers)


MEASURED = json.loads((NANO_WEIGHTS / "measured.json").read_text())


def test_the_pretrained_model_fails_and_solves_enough() -> None:
    # a study of what helps needs room on both sides
    assert 0.30 <= MEASURED["pretrained"]["humaneval_plus_base"] <= 0.60


@pytest.mark.parametrize("name", ["humaneval_plus_base", "mbpp_plus_base"])
def test_fine_tuning_has_helped(name: str) -> None:
    assert MEASURED["finetuned"][name] > MEASURED["pretrained"][name]


@pytest.mark.parametrize("variant", VARIANTS)
def test_half_of_the_instructions_give_a_pair(variant: str) -> None:
    assert MEASURED[variant]["mixed"] >= 0.5


def test_the_model_is_small() -> None:
    assert parameters(NANO_WEIGHTS / "pretrained") < 3
