"""The layers for a CPU against the textbook, PEFT's own and transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny import tiny_llama
from torch import Tensor

from codealign.errors import CodealignError
from codealign.train import cpu


def tensors(*shape: int, count: int = 3) -> list[Tensor]:
    torch.manual_seed(0)
    made = [torch.randn(*shape, dtype=torch.float64) for _ in range(count)]
    return [t.requires_grad_() for t in made]


def textbook(
    query: Tensor, key: Tensor, value: Tensor, scaling: float, lengths: Sequence[int]
) -> Tensor:
    """Return causal attention within sequences, query by query, [1, n, heads, size]."""
    out, first = torch.zeros_like(query), 0
    for length in lengths:
        for i in range(first, first + length):
            seen = slice(first, i + 1)
            scores = scaling * (query[:, :, i, None] * key[:, :, seen]).sum(-1)
            out[:, :, i] = (scores.softmax(-1)[..., None] * value[:, :, seen]).sum(-2)
        first += length
    return out.transpose(1, 2)


@pytest.mark.parametrize("lengths", [[1], [cpu.BLOCK], [2 * cpu.BLOCK + 7, 1, cpu.BLOCK + 1, 30]])
def test_attention_and_its_gradients_are_the_textbooks(lengths: list[int]) -> None:
    given, weight = tensors(1, 3, sum(lengths), 4), tensors(1, sum(lengths), 3, 4, count=1)[0]
    ours, _ = cpu.attend(None, *given, None, 0.3, lengths)
    theirs = textbook(*given, 0.3, lengths)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    found = torch.autograd.grad((ours * weight).sum(), given)
    expected = torch.autograd.grad((theirs * weight).sum(), given)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


def test_heads_of_queries_share_heads_of_keys_in_order() -> None:
    query, (key, value) = tensors(1, 4, 9, 3, count=1)[0], tensors(1, 2, 9, 3, count=2)
    ours, _ = cpu.attend(None, query, key, value, None, 0.3, [5, 4])
    # heads 0 and 1 read the first keys, 2 and 3 the second
    wide = [torch.stack([t[:, 0], t[:, 0], t[:, 1], t[:, 1]], 1) for t in (key, value)]
    torch.testing.assert_close(ours, textbook(query, *wide, 0.3, [5, 4]))


def test_neither_what_follows_a_token_nor_another_sequence_reaches_it() -> None:
    query, key, value = tensors(1, 1, 150, 4)
    one, _ = cpu.attend(None, query, key, value, None, 1.0, [40, 60, 50])
    with torch.no_grad():
        for t in (query, key, value):
            t[:, :, :40] = t[:, :, 70:] = 1e6
    two, _ = cpu.attend(None, query, key, value, None, 1.0, [40, 60, 50])
    assert torch.equal(one[:, 40:70], two[:, 40:70])


def test_padding_is_right_of_a_sequence_or_refused() -> None:
    ids = torch.zeros(2, 3, dtype=torch.long)
    assert cpu.row_lengths(ids, None) == [3, 3]
    assert cpu.row_lengths(ids, torch.tensor([[1, 1, 0], [1, 1, 1]])) == [2, 3]
    with pytest.raises(CodealignError, match="padded on the right"):
        cpu.row_lengths(ids, torch.tensor([[0, 1, 1], [1, 1, 1]]))


def test_padding_is_not_computed() -> None:
    model, rows = adapted(), []
    cpu.quicken(model)
    layer = model.get_base_model().model.layers[0]
    layer.register_forward_pre_hook(lambda module, args: rows.append(args[0].shape))
    loss_of(model)
    size = model.config.hidden_size
    assert rows == [(1, 50 + 100 + 2 * cpu.BLOCK, size)]


def adapted(seed: int = 0, attention: str = "eager", **lora: Any) -> Any:
    """Return a tiny Llama with a LoRA adapter whose both halves are random."""
    base = tiny_llama()
    base.set_attn_implementation(attention)
    settings = {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "o_proj", "down_proj"]}
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings | lora))
    torch.manual_seed(seed)
    for parameter in trained(model):
        parameter.data = 0.1 * torch.randn_like(parameter)
    return model


def trained(model: Any) -> list[torch.nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def loss_of(model: Any) -> Tensor:
    """Return a loss over a padded batch, two blocks long."""
    ids = torch.randint(3, 250, (3, 2 * cpu.BLOCK), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, 50:] = mask[1, 100:] = 0
    hidden = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    chosen = hidden.float() if hidden.dtype == torch.bfloat16 else hidden
    found = chosen[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return -(found * mask[:, 1:]).sum() / mask[:, 1:].sum()


def gradients(model: Any) -> Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss_of(model), trained(model))])


def lean_layers(model: Any) -> int:
    return sum(isinstance(module, cpu.LeanLinear) for module in model.modules())


def test_a_quickened_model_has_the_loss_and_the_gradients_it_had() -> None:
    plain = adapted(attention="sdpa").double()  # eager computes its softmax in float32
    ours = adapted().double()
    cpu.quicken(ours)
    assert lean_layers(ours) == 6 and ours.config._attn_implementation == cpu.ATTENTION
    assert loss_of(ours).item() == pytest.approx(loss_of(plain).item(), rel=1e-12)
    torch.testing.assert_close(gradients(ours), gradients(plain), rtol=1e-9, atol=1e-12)


def test_in_bfloat16_it_is_as_near_to_float32_as_the_plain_one() -> None:
    plain, ours = adapted(), adapted()
    cpu.quicken(ours)
    exact = gradients(plain)
    with torch.autocast("cpu", torch.bfloat16):
        errors = [(gradients(model) - exact).norm().item() for model in (ours, plain)]
    assert 0 < errors[0] < 1.2 * errors[1] < 0.2 * exact.norm().item()


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
    assert lean_layers(model) == 0


def test_attention_that_was_asked_for_stays() -> None:
    model = adapted(attention="sdpa")
    cpu.quicken(model)
    assert model.config._attn_implementation == "sdpa"


def test_a_sliding_window_is_not_taken_for_causal_attention() -> None:
    model = adapted()
    model.config.sliding_window = 16
    cpu.quicken(model)
    assert model.config._attn_implementation == "eager"


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
