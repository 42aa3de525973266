"""GPU memory of a profile: arithmetic by hand, and against real models of small size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny import make_tiny
from transformers import LlamaConfig, LlamaForCausalLM

from codealign.cli import main
from codealign.generate import cache
from codealign.models import LINEAR, load, shape_of
from codealign.params import Lora, Params, Training, load_params
from codealign.paths import PROJECT
from codealign.registry import read_config
from codealign.shapes import Shape, shape_in
from codealign.train import trainers
from codealign.workflow import memory
from codealign.workflow.memory import (
    GIB,
    activation_bytes,
    block_bytes,
    cache_bytes,
    generation_parts,
    head_bytes,
    memory_lines,
    plan_memory,
    training_parts,
    weights_bytes,
)

T4 = load_params(PROJECT / "params" / "colab_t4.yaml")
COLAB = shape_of("deepseek-coder-1.3b")


def test_a_parameter_in_four_bits_takes_its_share_of_the_block_constants() -> None:
    # 1/2 byte, 1 byte for 64 parameters, 4 bytes for 64 x 256: 4.127 bits, as in QLoRA
    assert memory.NF4 * 8 == pytest.approx(4.127, abs=5e-4)


def test_only_the_blocks_linear_layers_are_in_four_bits() -> None:
    # 24 x (4 x 2048 x 2048 + 3 x 2048 x 5504); embedding and head 2 x 32256 x 2048, norms 49 x 2048
    matrices, rest = 1_214_251_008, 2 * 32_256 * 2048 + 49 * 2048
    assert weights_bytes(COLAB, quantize=True) == 0.515869140625 * matrices + 2 * rest
    assert weights_bytes(COLAB, quantize=True, backend="peft") - weights_bytes(COLAB, True) == (
        2 * rest
    )
    assert weights_bytes(COLAB, quantize=False) == 2 * 1_346_471_936


def test_adapter_gradients_and_moments_are_as_large_as_a_real_ones(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    model, _ = load(str(tiny), "pretrained", backend="peft", training=True, lora=Lora(r=4))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained)
    model(
        torch.ones(1, 4, dtype=torch.long), labels=torch.ones(1, 4, dtype=torch.long)
    ).loss.backward()
    optimiser.step()
    moments = [m for state in optimiser.state.values() for m in state.values() if m.dim()]
    kept = sum(t.numel() * t.element_size() for p in trained for t in (p, p.grad))
    kept += sum(m.numel() * m.element_size() for m in moments)
    shape = shape_in(read_config(str(tiny / "pretrained")))
    parts = training_parts(shape, Training(lora=Lora(r=4)), "sft", LINEAR)
    assert parts["adapter"] == kept


def saved_by_a_block(shape: Shape, tokens: int, rank: int) -> int:
    """Return the bytes that autograd saves in one real block in bfloat16, its weights left out."""
    config = LlamaConfig(
        vocab_size=64, hidden_size=shape.hidden, intermediate_size=shape.inner, num_hidden_layers=1,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        attn_implementation="sdpa",
    )  # fmt: skip
    base = LlamaForCausalLM(config).to(torch.bfloat16)
    lora = LoraConfig(r=rank, target_modules=LINEAR)
    model = get_peft_model(base, lora).base_model.model.model
    known = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in known and tensor.numel() >= tokens:  # not the adapter in half precision
            saved[place] = tensor
        return tensor

    hidden = torch.randn(1, tokens, shape.hidden, dtype=torch.bfloat16, requires_grad=True)
    turned = model.rotary_emb(hidden, torch.arange(tokens)[None])
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", dtype=torch.bfloat16):
        model.layers[0](hidden, position_embeddings=turned, attention_mask=None)
    return sum(t.untyped_storage().nbytes() for t in saved.values())


@pytest.mark.parametrize("kv_heads", [8, 2])
def test_a_block_saves_what_autograd_saves_in_a_real_one(kv_heads: int) -> None:
    shape = Shape(hidden=512, inner=1376, layers=1, heads=8, kv_heads=kv_heads, vocabulary=64)
    real = saved_by_a_block(shape, 1000, rank=8)
    assert block_bytes(shape, 1000, rank=8) == pytest.approx(real, rel=0.05)


def test_with_checkpointing_each_block_keeps_its_input_alone() -> None:
    shape = Shape(hidden=8, inner=16, layers=5, heads=2, kv_heads=2, vocabulary=9)
    settings = Training(gradient_checkpointing=True)
    with_it = activation_bytes(shape, 10, settings)
    without = activation_bytes(
        shape, 10, settings.model_copy(update={"gradient_checkpointing": False})
    )
    block = block_bytes(shape, 10, settings.lora.r)
    assert with_it == 5 * 10 * 8 * 2 + block + 2 * 3 * 16 * 10
    assert without - with_it == 4 * block - 5 * 10 * 8 * 2


def test_an_alignment_reads_two_sequences_a_pair() -> None:
    settings = Training(batch_size=2, max_length=100, gradient_checkpointing=True)
    pair = training_parts(COLAB, settings, "dpo", LINEAR)
    single = training_parts(COLAB, settings.model_copy(update={"batch_size": 4}), "sft", LINEAR)
    assert pair["activations"] == single["activations"]


def test_logits_are_never_whole() -> None:
    tokens = 4 * 1024
    whole = tokens * COLAB.vocabulary
    # TRL's tile of 4096 x 32256 in half precision, the gradient of the hidden states in float32,
    # three arrays of 256 positions in float32
    aligned = 2 * whole + 4 * tokens * 2048 + 3 * 4 * 256 * 32_256
    assert head_bytes(COLAB, tokens, "dpo", "unsloth") == aligned
    assert head_bytes(COLAB, 3 * tokens, "sft", "peft") == 2 * whole + 4 * 3 * tokens * 2048
    # Unsloth: 16 bytes a logit, 4 GiB at most
    assert head_bytes(COLAB, tokens, "sft", "unsloth") == 16 * whole + 4 * tokens * 2048
    assert head_bytes(COLAB, 8 * tokens, "sft", "unsloth") == 4 * GIB + 4 * 8 * tokens * 2048


def test_the_libraries_chunks_are_those_assumed() -> None:
    chunked = pytest.importorskip("trl.kernels.chunked_logprob", reason="needs Triton")
    from trl.trainer import utils

    assert (chunked.TOKEN_CHUNK_SIZE, utils._CHUNKED_LOGPROB_CHUNK_SIZE) == memory.TILE
    assert (trainers.POSITIONS, cache.BLOCK) == (memory.COMPARED, memory.ROOM)


def test_keys_and_values_are_as_large_as_a_real_cache(tmp_path: Path) -> None:
    tiny = make_tiny(tmp_path)
    model, _ = load(str(tiny), "pretrained", training=False)
    shape, made = shape_in(read_config(str(tiny / "pretrained"))), cache.roomy_cache(model.config)
    ids = torch.ones(3, 10, dtype=torch.long)
    with torch.no_grad():
        model(input_ids=ids, past_key_values=made, use_cache=True)
    real = sum(b.numel() for layer in made.layers for b in layer.buffers)
    # half precision; one layer twice while it grows
    assert cache_bytes(shape, 3, 10) == 2 * real * (shape.layers + 1) / shape.layers


def test_a_token_in_the_cache_of_the_t4s_model_takes_192_kib() -> None:
    # keys and values, 24 layers of 2048, 2 bytes
    one = cache_bytes(COLAB, 1, 1001) - cache_bytes(COLAB, 1, 1000)
    assert one * 24 / 25 == 2 * 24 * 2048 * 2 == 192 * 1024
    assert generation_parts(COLAB, 16, 800, 768)["weights"] == 2 * COLAB.parameters


def test_every_step_of_the_t4s_profile_fits_it() -> None:
    found = plan_memory(T4)
    steps = {one.step: one for one in found}
    assert {"02_sft", "03_align dpo", "03_align bonbon", "04_functional", "05_codal"} <= set(steps)
    assert {f"01_preferences {s}" for s in ("concepts", "instruction", "response")} <= set(steps)
    assert all(one.fits and one.limit == 14.56 * GIB for one in found)
    sft = steps["02_sft"]
    own = sft.weights + sft.adapter + sft.activations + sft.head
    assert sft.total == pytest.approx(1.1 * own + GIB / 2)  # a tenth for fragments, CUDA's half GiB


def test_what_is_too_large_is_said() -> None:
    codal = T4.codal.model_copy(update={"batch_size": 64})
    found = plan_memory(T4.model_copy(update={"codal": codal}))
    (line,) = [line for line in memory_lines(found) if line.startswith("05_codal")]
    assert line.endswith("over 14.6 of t4")


def test_of_several_models_the_largest_counts() -> None:
    found = plan_memory(T4.model_copy(update={"models": ["deepseek-coder-1.3b", "CodeLlama-7b"]}))
    assert {one.model for one in found} == {"CodeLlama-7b"}


def test_without_a_gpu_there_is_nothing_to_plan() -> None:
    assert plan_memory(Params(profile="cpu", models=["deepseek-coder-1.3b"])) == []


def test_the_command_tells_memory_with_a_verdict(capsys) -> None:
    assert main(["plan", "--params", "params/colab_t4.yaml"]) == 0
    told = capsys.readouterr().out
    assert "GPU memory, GiB" in told and "fits 14.6 of t4" in told
    assert main(["plan", "--params", "params/colab_t4.yaml", "--json"]) == 0
    steps = {m["step"]: m for m in json.loads(capsys.readouterr().out)["memory"]}
    assert steps["02_sft"]["fits"] is True
    assert steps["02_sft"]["total"] > steps["02_sft"]["weights"]
