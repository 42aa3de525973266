"""The converter of a GGUF file, on a tiny model and tokenizer as transformers reads one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from codealign.models import uses_chat
from codealign.text import encode

SCRIPT = Path(__file__).resolve().parents[1] / "workflow" / "smollm2.py"
CHARACTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
# Two blanks are one token, and so are a blank and the digit behind it.
MERGES = [("Ġ", "Ġ"), ("Ġ", "1")]


@pytest.fixture(scope="module")
def smollm2() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smollm2", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_tokenizer() -> PreTrainedTokenizerFast:
    """As read from a GGUF file: no split at digits, a decoder of words, the begin as end token."""
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *CHARACTERS]
    tokens += ["".join(pair) for pair in MERGES]
    inner = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, MERGES))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.Fuse()
    inner.add_special_tokens(tokens[:3])
    made = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_start|>")
    made.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"
    )
    return made


def read_model() -> LlamaForCausalLM:
    """As read from a GGUF file: tied embeddings, and called quantised."""
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
             "num_attention_heads": 1, "num_key_value_heads": 1}  # fmt: skip
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=300, tie_word_embeddings=True, eos_token_id=2, **sizes)
    )
    model.config.quantization_config = {"quant_method": "gguf"}
    return model


@pytest.fixture(scope="module")
def folder(smollm2: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "Tiny"
    model = smollm2.plain_model(read_model())
    smollm2.write(model, smollm2.right_tokenizer(read_tokenizer()), made)
    return made


def test_digits_are_tokens_of_their_own(smollm2: ModuleType) -> None:
    found = smollm2.right_tokenizer(read_tokenizer())
    ids = found("x  12")["input_ids"]
    # The blanks before a digit belong together, not the last one to the digit.
    assert found.convert_ids_to_tokens(ids) == ["x", "ĠĠ", "1", "2"]
    assert found.decode(found("né  1\n\tx")["input_ids"]) == "né  1\n\tx"


def test_the_end_token_is_the_one_that_ends_a_turn(folder: Path) -> None:
    for variant in ("pretrained", "finetuned"):
        found = AutoTokenizer.from_pretrained(folder / variant)
        special = (found.bos_token, found.eos_token, found.pad_token, found.unk_token)
        assert special == ("<|im_start|>", "<|im_end|>", "<|im_end|>", "<|endoftext|>")


def test_a_plain_prompt_has_no_begin_token(folder: Path) -> None:
    found = AutoTokenizer.from_pretrained(folder / "pretrained")
    assert found.convert_ids_to_tokens(encode(found, "ab")) == ["a", "b"]


def test_only_the_fine_tuned_variant_is_asked_by_chat(folder: Path) -> None:
    assert [uses_chat(str(folder), v) for v in ("pretrained", "finetuned")] == [False, True]


def test_the_weights_of_both_variants_are_those_read(smollm2: ModuleType, tmp_path: Path) -> None:
    read = read_model()
    smollm2.write(smollm2.plain_model(read), smollm2.right_tokenizer(read_tokenizer()), tmp_path)
    for variant in ("pretrained", "finetuned"):
        found = AutoModelForCausalLM.from_pretrained(tmp_path / variant)
        assert not hasattr(found.config, "quantization_config")
        for key, tensor in read.state_dict().items():
            assert torch.equal(found.state_dict()[key], tensor), key
