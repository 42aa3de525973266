"""LoRA's linear layers and RMS norms on a CPU, each as one function with a gradient of its own."""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer, Qwen2RMSNorm

LAYERS, NORMS = (LlamaDecoderLayer, Qwen2DecoderLayer), (LlamaRMSNorm, Qwen2RMSNorm)


def make_lean(model: torch.nn.Module) -> None:
    """Give a model the linear layers and the norms of this module where they fit.

    A decoder's last norm, outside its layers, stays: what follows it may compute in float32.
    """
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.__class__ = LeanLinear
    layers = (module for module in model.modules() if type(module) in LAYERS)
    for module in (inner for layer in layers for inner in layer.modules()):
        if type(module) in NORMS and not module.weight.requires_grad:
            module.__class__ = LeanNorm


def has_dropout(layer: torch.nn.Module) -> bool:
    """Tell whether a layer is one of LoRA with dropout."""
    dropouts = getattr(layer, "lora_dropout", {}).values()
    return any(type(dropout) is not torch.nn.Identity for dropout in dropouts)


def _is_plain(layer: Linear) -> bool:
    biased = any(b.bias is not None for b in layer.lora_B.values())
    linear = isinstance(layer.get_base_layer(), torch.nn.Linear)
    return linear and not (has_dropout(layer) or biased or layer.lora_variant)


def product_dtype(x: Tensor) -> torch.dtype:
    """Return what a product is computed in: autocast's type, else the input's own."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


class LeanLinear(Linear):
    """PEFT's LoRA layer, as one function where one adapter is at work and nothing is merged."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return x W' + bias + s (x A') B', [..., out]."""
        if self.disable_adapters or self.merged or len(self.active_adapters) != 1 or args or kwargs:
            return super().forward(x, *args, **kwargs)
        base, (name,) = self.get_base_layer(), self.active_adapters
        a, b = self.lora_A[name].weight, self.lora_B[name].weight
        return _Adapted.apply(x, base.weight, base.bias, a, b, self.scaling[name])


class _Adapted(torch.autograd.Function):
    """A frozen linear layer with LoRA: both products are summed where the output lies."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, s: float
    ) -> Tensor:
        dtype = product_dtype(x)
        rows, down, up = (t.to(dtype) for t in (x.reshape(-1, x.shape[-1]), a, b))
        inner = rows @ down.T
        out = rows @ weight.to(dtype).T
        if bias is not None:
            out += bias.to(dtype)
        out.addmm_(inner, up.T, alpha=s)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scaling, ctx.shape, ctx.dtypes = s, x.shape, (x.dtype, a.dtype, b.dtype)
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, down, up, inner = ctx.saved_tensors
        of_x, s = None, ctx.scaling
        grad = grad.reshape(len(rows), -1)
        back = grad @ up
        if ctx.needs_input_grad[0]:
            of_x = (grad @ weight.to(grad.dtype)).addmm_(back, down, alpha=s)
            of_x = of_x.view(ctx.shape).to(ctx.dtypes[0])
        of_a = (back.T @ rows).to(ctx.dtypes[1]) * s
        of_b = (grad.T @ inner).to(ctx.dtypes[2]) * s
        return of_x, None, None, of_a, of_b, None


class LeanNorm(torch.nn.Module):
    """Llama's RMS norm before linear layers, whose output has the type they compute in."""

    weight: Tensor
    variance_epsilon: float

    def forward(self, x: Tensor) -> Tensor:
        """Return w x / sqrt(mean(x^2) + epsilon), [..., size]."""
        return _Normed.apply(x, self.weight, self.variance_epsilon)


class _Normed(torch.autograd.Function):
    """An RMS norm with a frozen weight, computed in float32 at least."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        scale = mean.add_(epsilon).rsqrt_()
        ctx.save_for_backward(wide, weight, scale)
        ctx.dtype = x.dtype
        return (wide * scale).mul_(weight).to(product_dtype(x))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # With r = scale and g = grad * weight the gradient is r g - r^3 x mean(g x).
        wide, weight, scale = ctx.saved_tensors
        grad = grad * weight
        along = (grad * wide).mean(-1, keepdim=True).mul_(scale.pow(3))
        return grad.mul_(scale).addcmul_(wide, along, value=-1).to(ctx.dtype), None, None
