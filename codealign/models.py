"""The registry of models, and loading them with Unsloth or plain PEFT.

Nothing here sends anything anywhere except to fetch weights that are not on this machine.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from codealign import weights
from codealign.errors import CodealignError, nearest
from codealign.params import Lora, Section, Variant, validate
from codealign.paths import NANO_WEIGHTS, PROJECT
from codealign.shapes import Shape, read_shape
from codealign.text import check_chat_format, load_tokenizer
from codealign.weights import quiet_environment as quiet_environment

REGISTRY = PROJECT / "params" / "models.yaml"
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Backend = Literal["unsloth", "peft"]


class ModelSpec(Section):
    """One entry of the registry."""

    family: Literal["llama", "qwen2"] = Field(description="architecture")
    hub: dict[Variant, str] = Field(
        default={}, description="Hugging Face id, or folder, of each variant"
    )
    revision: dict[Variant, str] = Field(default={}, description="commit or branch; absent: main")
    embedded: bool = Field(False, description="weights are shipped in the package")
    chat: list[Variant] = Field(default=[], description="variants asked through a chat template")
    chat_format: Literal["", "llama-3", "chatml", "llama-2", "deepseek-coder"] = Field(
        "", description="of the chat template, which is checked against it; empty: its own"
    )
    target_modules: list[str] = Field(default=LINEAR, description="layers that get a LoRA adapter")
    gated: str = Field("", description="how to get access; empty: free to fetch")
    shape: Shape | None = Field(
        None, description="dimensions, for `codealign plan`; absent: not known before it is fetched"
    )


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
        # A base model may bring a chat template, but it is trained and asked in the plain format.
        chat = ["finetuned"] if _has_chat_template(Path(name) / "finetuned") else []
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


def shape_of(name: str) -> Shape | None:
    """Return a model's dimensions: the registry's, or those of weights on this machine, or None."""
    entry = spec(name)
    if entry.shape or entry.hub:
        return entry.shape
    folder = NANO_WEIGHTS if entry.embedded else Path(name)
    found = [v for v in ("pretrained", "finetuned") if (folder / v / "config.json").exists()]
    return read_shape(folder / found[0]) if found else None


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
    adapter : folder of a PEFT adapter. When training it is trained further; else it is merged into
        the weights, so that generation costs nothing more.
    backend : "unsloth" or "peft"; only matters for training.
    training : whether the model is to be trained.
    lora : settings of a new adapter when training without `adapter` (None: the defaults).
        `quantize` loads the base weights in 4 bits (QLoRA), in training only.
    attention : "eager" is faster for short sequences on a CPU.
    dtype : of the weights; "auto" is float32 on a CPU and half precision on a GPU.
    max_length : longest training sequence in tokens, for Unsloth.
    gradient_checkpointing : recompute activations instead of keeping them, in training.
    seed : of a new adapter's random half.

    Returns
    -------
    (model, tokenizer) : the tokenizer has a pad token; the model is on the GPU if there is one.

    Raises
    ------
    CodealignError
        Unknown model; weights that cannot be had or do not fit config.json; a tokenizer that
        garbles text; no Unsloth; 4 bits without a GPU; no adapter, or one of another model.
    """
    quiet_environment()
    lora, place = lora or Lora(), source(name, variant)
    fast = training and backend == "unsloth"
    if adapter is not None:
        check_adapter(adapter, name, variant)
    if fast:
        weights.require_unsloth()
    options = weights.Options.of(dtype, attention, training and lora.quantize, max_length)
    base, tokenizer = _fetch(name, place, options, fast)
    if uses_chat(name, variant):
        check_chat_format(tokenizer, spec(name).chat_format, place[0])
    if not training:
        return weights.merged(base, adapter).eval(), tokenizer
    settings = weights.adapter_settings(adapter, lora, spec(name).target_modules)
    attach = weights.attach_unsloth if fast else weights.attach_plain
    model = attach(base, settings, gradient_checkpointing, seed)
    if adapter is not None:
        weights.copy_adapter(model, adapter)
    return model, tokenizer


def check_adapter(adapter: Path | str, name: str, variant: Variant) -> None:
    """Refuse an adapter that was trained on another model, even one of the same shape.

    A folder that has been moved since is not taken for another model.

    Raises
    ------
    CodealignError
        No adapter there; or it tells of another model or variant.
    """
    config, result = Path(adapter) / "adapter_config.json", Path(adapter) / "training.json"
    if not config.exists():
        raise CodealignError(f"{adapter}: no adapter here; train that stage first")
    if result.exists():
        of = json.loads(result.read_text(encoding="utf-8"))
        trained, known = (of["model"], of["variant"]), registry().keys() & {of["model"], name}
        same = trained[0] == name or Path(trained[0]).resolve() == Path(name).resolve()
        moved = not known and not Path(trained[0]).exists()
        fits = trained[1] == variant and (same or moved)
    else:
        base = json.loads(config.read_text(encoding="utf-8")).get("base_model_name_or_path") or ""
        hub = {where: (n, v) for n, s in registry().items() for v, where in s.hub.items()}
        trained = hub.get(base, (name, variant))
        fits = trained == (name, variant) or base == source(name, variant)[0]
    if not fits:
        raise CodealignError(
            f"{adapter}: adapter of {' '.join(trained)}, not of {name} {variant}; name the model "
            "and variant that it was trained on"
        )


def _fetch(
    name: str, place: tuple[str, str | None], options: weights.Options, fast: bool
) -> tuple[Any, Any]:
    weights.hide_loading_bars()
    loader = weights.base_unsloth if fast else weights.base_plain
    try:
        return loader(*place, options), load_tokenizer(*place)
    except OSError as error:
        raise CodealignError(_unavailable(name, place[0], error)) from error


def _unavailable(name: str, where: str, error: OSError) -> str:
    if gated := spec(name).gated:
        return f"{where}: cannot fetch the weights; access is gated: {gated} ({error})"
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return (
            f"{where}: weights are not on this machine and HF_HUB_OFFLINE=1 forbids fetching; on a "
            f"machine with network run `hf download {where}` or unset HF_HUB_OFFLINE"
        )
    return f"{where}: cannot load the weights; check name and network ({error})"
