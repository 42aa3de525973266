"""Dimensions of models: their parameters are those of the models themselves."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from tiny import make_tiny
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from codealign.models import registry, shape_of
from codealign.paths import NANO_WEIGHTS
from codealign.registry import read_config
from codealign.shapes import Shape, shape_in

# Of the repositories on the hub: Llama 3 8B, Qwen2.5 7B, CodeLlama 7B, deepseek-coder 1.3B and 7B.
PUBLISHED = {
    "Meta-Llama-3-8B": 8_030_261_248,
    "Qwen2.5-Coder-7B": 7_615_616_512,
    "CodeLlama-7b": 6_738_546_688,
    "deepseek-coder-1.3b": 1_346_471_936,
    "deepseek-coder-7b": 6_910_365_696,
}


def built(shape: Shape) -> torch.nn.Module:
    """Return a model of a shape, without memory for its weights."""
    kind = Qwen2Config if shape.bias else LlamaConfig
    config = kind(
        hidden_size=shape.hidden, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        vocab_size=shape.vocabulary, tie_word_embeddings=shape.tied,
    )  # fmt: skip
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_registered_model_has_the_published_number_of_parameters(name: str) -> None:
    assert shape_of(name).parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_built_of_the_shape_has_its_parameters(name: str) -> None:
    shape, model = shape_of(name), built(shape_of(name))
    assert sum(p.numel() for p in model.parameters()) == shape.parameters
    layers = [m for n, m in model.named_modules() if n.startswith("model.layers.")]
    linear = [m.weight.numel() for m in layers if isinstance(m, torch.nn.Linear)]
    assert sum(linear) == shape.matrices


def test_every_model_of_the_registry_has_a_shape() -> None:
    assert all(shape_of(name) for name in registry())


def test_a_shape_is_read_from_weights_on_this_machine(tmp_path) -> None:
    with safe_open(NANO_WEIGHTS / "pretrained/model.safetensors", "pt") as file:
        stored = sum(file.get_tensor(name).numel() for name in file.keys())
    assert shape_of("nano").parameters == stored
    tiny = make_tiny(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tiny / "pretrained")
    found = sum(p.numel() for p in model.parameters())
    assert shape_in(read_config(str(tiny / "pretrained"))).parameters == found


def test_an_adapter_has_a_matrix_on_each_side_of_each_adapted_layer() -> None:
    shape = shape_of("deepseek-coder-1.3b")
    # 24 blocks, rank 16: four layers 2048 -> 2048, three between 2048 and 5504
    linear = 4 * (2048 + 2048) + 3 * (2048 + 5504)
    assert shape.adapter(16, shape.linear) == 24 * 16 * linear == 14_991_360
    assert shape.adapter(2, ["q_proj"]) == 24 * 2 * 4096
