"""The registry of models, and loading them with Unsloth or plain PEFT.

Nothing here sends anything anywhere except to fetch weights that are not on this machine.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from codealign.errors import CodealignError, nearest
from codealign.params import Lora, Section, Variant, validate
from codealign.paths import NANO_WEIGHTS, PROJECT

REGISTRY = PROJECT / "params" / "models.yaml"
QUIET = {
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "WANDB_MODE": "disabled",
    "VLLM_NO_USAGE_STATS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Backend = Literal["unsloth", "peft"]


class ModelSpec(Section):
    """One entry of the registry."""

    family: Literal["llama", "qwen2"] = Field(description="architecture")
    hub: dict[Variant, str] = Field(default={}, description="Hugging Face id of each variant")
    revision: dict[Variant, str] = Field(default={}, description="commit or branch; absent: main")
    embedded: bool = Field(False, description="weights are shipped in the package")
    chat: list[Variant] = Field(default=[], description="variants asked through a chat template")
    target_modules: list[str] = Field(default=LINEAR, description="layers that get a LoRA adapter")
    gated: str = Field("", description="how to get access; empty: free to fetch")


def quiet_environment() -> None:
    """Turn the libraries' telemetry off, unless the user has set a variable himself.

    Call before importing unsloth, transformers, trl or vllm; the loaders do.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@cache
def registry(path: Path = REGISTRY) -> dict[str, ModelSpec]:
    """Return all models by name."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: validate(ModelSpec, entry, f"{path}: {name}") for name, entry in data.items()}


def spec(name: str) -> ModelSpec:
    """Return a model's entry; a folder with a subfolder for each variant is a model too.

    Raises
    ------
    CodealignError
        No such name (the nearest is suggested) and no such folder.
    """
    known = registry()
    if name in known:
        return known[name]
    if _is_folder(name):
        chat = [v for v in ("pretrained", "finetuned") if _has_chat_template(Path(name) / v)]
        return ModelSpec(family="llama", chat=chat)
    raise CodealignError(
        f"unknown model {name!r} (neither in {REGISTRY.name} nor a folder)"
        + nearest(name, list(known))
    )


def _is_folder(name: str) -> bool:
    return any((Path(name) / variant).is_dir() for variant in ("pretrained", "finetuned"))


def _has_chat_template(folder: Path) -> bool:
    config = folder / "tokenizer_config.json"
    return (folder / "chat_template.jinja").exists() or (
        config.exists() and "chat_template" in config.read_text(encoding="utf-8")
    )


def uses_chat(name: str, variant: Variant) -> bool:
    """Tell whether a variant is asked through its chat template."""
    return variant in spec(name).chat


def source(name: str, variant: Variant) -> tuple[str, str | None]:
    """Return where the weights are: (folder, None) or (hub id, revision)."""
    entry = spec(name)
    if entry.hub:
        return entry.hub[variant], entry.revision.get(variant, "main")
    folder = (NANO_WEIGHTS if entry.embedded else Path(name)) / variant
    if not (folder / "config.json").exists():
        remedy = "run `make nano` to build them" if entry.embedded else "save a model there"
        raise CodealignError(f"{folder}: no weights of {name} {variant}; {remedy}")
    return str(folder), None


def load(
    name: str,
    variant: Variant,
    adapter: Path | str | None = None,
    *,
    backend: Backend = "unsloth",
    training: bool,
    lora: Lora | None = None,
    attention: Literal["eager", "sdpa"] = "sdpa",
    dtype: Literal["auto", "float32", "bfloat16"] = "auto",
    max_length: int = 2048,
    gradient_checkpointing: bool = False,
    seed: int = 0,
) -> tuple[Any, Any]:
    """Load a model and its tokenizer.

    Parameters
    ----------
    name, variant : a model of the registry, or a folder with `pretrained/` and `finetuned/`.
    adapter : folder of a PEFT adapter. When training it is trained on; else it is merged into the
        weights, so that generation costs nothing more.
    backend : "unsloth" or "peft"; only matters for training.
    training : whether the model is to be trained.
    lora : a new adapter's settings, when training without `adapter`; `lora.quantize` loads the
        base weights in 4 bits (QLoRA) in either case.
    attention : "eager" is faster for short sequences on a CPU.
    dtype : of the weights; "auto" is float32 on a CPU and bfloat16 on a GPU. On a CPU the trainer's
        autocast does the arithmetic of training in bfloat16 where it is fast.
    max_length : longest training sequence, for Unsloth.
    seed : of a new adapter's random half.

    Returns
    -------
    (model, tokenizer) : the tokenizer has a pad token; the model is on the GPU if there is one.

    Raises
    ------
    CodealignError
        Unknown model; weights that cannot be had (says how to get them); no Unsloth; 4 bits
        without a GPU; an adapter folder without an adapter.
    """
    quiet_environment()
    where, revision = source(name, variant)
    if adapter is not None and not (Path(adapter) / "adapter_config.json").exists():
        raise CodealignError(f"{adapter}: no adapter here; train that stage first")
    if training and backend == "unsloth":
        require_unsloth()
    import torch

    quantize = training and lora is not None and lora.quantize
    if quantize and not torch.cuda.is_available():
        raise CodealignError("4-bit weights (lora.quantize) need a GPU; set quantize: false")
    if dtype == "auto":
        dtype = "bfloat16" if torch.cuda.is_available() else "float32"
    common = {"revision": revision, "dtype": getattr(torch, dtype), "attn_implementation": attention}
    try:
        if training and backend == "unsloth":
            from unsloth import FastLanguageModel

            model, _ = FastLanguageModel.from_pretrained(
                where, max_seq_length=max_length, load_in_4bit=quantize, **common
            )
        else:
            model = _load_plain(where, quantize, common)
        tokenizer = _load_tokenizer(where, revision)
    except OSError as error:
        raise CodealignError(_unavailable(name, where, error)) from error
    if training:
        checkpointing = gradient_checkpointing
        make = _attach_unsloth if backend == "unsloth" else _attach_peft
        return make(model, name, adapter, lora or Lora(), checkpointing, seed), tokenizer
    return _merge(model, adapter).eval(), tokenizer
