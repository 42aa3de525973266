"""The layers for a CPU against the textbook, PEFT's own and transformers' own."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny import tiny_llama
from tiny_architectures import FORMATS, config
from torch import Tensor
from transformers import AutoModelForCausalLM, GPTJConfig, GPTJForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

from codealign.errors import CodealignError
from codealign.train import cpu
from codealign.train.cpu import BLOCK, LeanAttention
from codealign.train.lean import LeanLinear, LeanNorm


def test_padding_is_right_of_a_sequence_or_refused() -> None:
    ids = torch.zeros(2, 3, dtype=torch.long)
    assert cpu.row_lengths(ids, None) == [3, 3]
    assert cpu.row_lengths(ids, torch.tensor([[1, 1, 0], [1, 1, 1]])) == [2, 3]
    with pytest.raises(CodealignError, match="padded on the right"):
        cpu.row_lengths(ids, torch.tensor([[0, 1, 1], [1, 1, 1]]))


def test_neither_padding_nor_an_equal_beginning_is_computed() -> None:
    model, rows = adapted(), []
    cpu.quicken(model)
    layer = model.get_base_model().model.layers[0]
    layer.register_forward_pre_hook(lambda module, args: rows.append(args[0].shape))
    loss_of(model)
    size = model.config.hidden_size
    assert rows == [(1, 50 + 100 - 30 + 2 * BLOCK - 60, size)]


def adapted(attention: str = "eager", base: Any = None, **lora: Any) -> Any:
    """Return a tiny model, else a Llama, with a LoRA adapter whose both halves are random."""
    base = base or tiny_llama()
    base.set_attn_implementation(attention)
    settings = {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "o_proj", "down_proj"]}
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings | lora))
    torch.manual_seed(0)
    for parameter in trained(model):
        parameter.data = 0.1 * torch.randn_like(parameter)
    return model


def trained(model: Any) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def loss_of(model: Any) -> Tensor:
    """Return a loss over a padded batch, two blocks long, whose sequences begin alike."""
    ids = torch.randint(3, 250, (3, 2 * BLOCK), generator=torch.Generator().manual_seed(0))
    ids[1, :30], ids[2, :60] = ids[0, :30], torch.cat([ids[0, :30], ids[1, 30:60]])
    mask = torch.ones_like(ids)
    mask[0, 50:] = mask[1, 100:] = 0
    hidden = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    chosen = hidden.float() if hidden.dtype == torch.bfloat16 else hidden
    found = chosen[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return -(found * mask[:, 1:]).sum() / mask[:, 1:].sum()


def gradients(model: Any) -> Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss_of(model), trained(model))])


def count(kind: type, model: Any) -> int:
    return sum(isinstance(module, kind) for module in model.modules())


class TextbookNorm(torch.nn.Module):
    """An RMS norm in the type it is given: transformers' own computes in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x / (x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon).sqrt()


def in_float64(model: Any) -> Any:
    """Return the model in float64 throughout, its norms' weights no longer all 1."""
    for i, module in enumerate(model.modules()):
        if type(module) in (LlamaRMSNorm, Qwen2RMSNorm):
            module.__class__ = TextbookNorm
        if hasattr(module, "variance_epsilon"):
            module.weight.data += 0.3 * torch.sin(i + torch.arange(len(module.weight)))
    return model.double()


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_a_quickened_model_has_the_loss_and_the_gradients_it_had(kind: str) -> None:
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config(kind))
    plain = adapted("sdpa", deepcopy(base))  # eager computes its softmax in float32
    ours = adapted("eager", base)
    cpu.quicken(ours)
    assert [count(k, ours) for k in (LeanLinear, LeanNorm, LeanAttention)] == [6, 4, 2]
    plain, ours = in_float64(plain), in_float64(ours)
    assert loss_of(ours).item() == pytest.approx(loss_of(plain).item(), rel=1e-12)
    torch.testing.assert_close(gradients(ours), gradients(plain), rtol=1e-9, atol=1e-12)


def test_in_bfloat16_it_is_as_near_to_float32_as_the_plain_one() -> None:
    plain, ours = adapted(), adapted()
    cpu.quicken(ours)
    exact = gradients(plain)
    with torch.autocast("cpu", torch.bfloat16):
        errors = [(gradients(model) - exact).norm().item() for model in (ours, plain)]
    assert 0 < errors[0] < 1.2 * errors[1] < 0.2 * exact.norm().item()


def test_with_dropout_equal_beginnings_have_each_their_own_chance() -> None:
    model = adapted(lora_dropout=0.5).train()
    cpu.quicken(model)
    rows: list[int] = []
    layer = model.get_base_model().model.layers[0]
    layer.register_forward_pre_hook(lambda module, args: rows.append(args[0].shape[1]))
    model(input_ids=torch.full((2, 20), 7), use_cache=False)
    assert rows == [40]


def test_a_disabled_adapter_leaves_the_base() -> None:
    ours, base = adapted(), tiny_llama()
    cpu.quicken(ours)
    with torch.no_grad(), ours.disable_adapter():
        torch.testing.assert_close(loss_of(ours), loss_of(base))


def test_an_adapter_is_saved_as_peft_reads_it(tmp_path: Any) -> None:
    from peft import PeftModel

    ours = adapted()
    cpu.quicken(ours)
    ours.save_pretrained(str(tmp_path))
    again = PeftModel.from_pretrained(tiny_llama(), str(tmp_path))
    with torch.no_grad():
        torch.testing.assert_close(loss_of(again), loss_of(ours))


@pytest.mark.parametrize("lora", [{"lora_dropout": 0.1}, {"lora_bias": True}, {"use_dora": True}])
def test_other_kinds_of_lora_stay_as_they_are(lora: dict[str, Any]) -> None:
    model = adapted(**lora)
    cpu.quicken(model)
    assert count(LeanLinear, model) == 0


def test_a_norm_that_is_trained_stays() -> None:
    model = adapted(modules_to_save=["input_layernorm"])
    cpu.quicken(model)
    # of each layer's three (the saved copy, the one it stands for, the second norm) the last two
    assert count(LeanNorm, model) == 4 and count(LlamaRMSNorm, model) == 3


def test_attention_that_was_asked_for_stays() -> None:
    model = adapted("sdpa")
    cpu.quicken(model)
    assert model.config._attn_implementation == "sdpa" and count(LeanAttention, model) == 0


def test_a_sliding_window_is_not_taken_for_causal_attention() -> None:
    model = adapted()
    model.config.sliding_window = 16
    cpu.quicken(model)
    assert model.config._attn_implementation == "eager" and count(LeanAttention, model) == 0


def test_another_architecture_keeps_its_layers_but_for_loras() -> None:
    torch.manual_seed(0)
    sizes = {"vocab_size": 272, "n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 8}
    base = GPTJForCausalLM(GPTJConfig(**sizes, n_positions=512))
    plain, ours = adapted(base=deepcopy(base)), adapted(base=base)
    cpu.quicken(ours)
    assert [count(k, ours) for k in (LeanLinear, LeanNorm, LeanAttention)] == [2, 0, 0]
    assert ours.config._attn_implementation == "eager"
    torch.testing.assert_close(gradients(ours), gradients(plain))


def test_a_model_in_training_does_not_generate() -> None:
    model = adapted()
    cpu.quicken(model)
    with pytest.raises(CodealignError, match="load it anew"):
        model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=3)


def test_the_c_library_is_told_to_keep_freed_memory() -> None:
    told = {}
    with pytest.MonkeyPatch.context() as patch:
        library = SimpleNamespace(mallopt=told.__setitem__)
        patch.setattr(cpu.ctypes, "CDLL", lambda name: library)
        cpu.quicken(adapted())
    # 32 MiB is the most that glibc takes; what malloc.h numbers -1 and -3
    assert told == {-3: 32 * 2**20, -1: 2**31 - 1}


def test_where_the_c_library_cannot_be_told_nothing_happens() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu.ctypes, "CDLL", lambda name: object())
        cpu.quicken(adapted())
