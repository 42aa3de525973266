"""Loading models with Unsloth or plain PEFT, and asking them in their own format.

Nothing here sends anything anywhere except to fetch weights that are not on this machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from codealign import weights
from codealign.errors import CodealignError
from codealign.params import Lora, Variant
from codealign.registry import LINEAR as LINEAR
from codealign.registry import ModelSpec as ModelSpec
from codealign.registry import registry as registry
from codealign.registry import shape_of as shape_of
from codealign.registry import source, spec, unavailable
from codealign.text import check_chat_format, load_tokenizer
from codealign.weights import quiet_environment as quiet_environment

Backend = Literal["unsloth", "peft"]


def uses_chat(name: str, variant: Variant) -> bool:
    """Tell whether a variant is asked through its chat template."""
    return variant in spec(name).chat


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
    name, variant : a model, as `registry.spec` takes it, and which of its two sets of weights.
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
        Unknown model; weights that are unavailable or do not fit config.json; a tokenizer that
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
    base, tokenizer = _fetch(place, options, fast)
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
        No adapter there; or it was trained on another model or variant.
    """
    config, result = Path(adapter) / "adapter_config.json", Path(adapter) / "training.json"
    if not config.exists():
        raise CodealignError(f"{adapter}: no adapter here; train that stage first")
    if result.exists():
        of = json.loads(result.read_text(encoding="utf-8"))
        trained, known = (of["model"], of["variant"]), registry().keys() & {of["model"], name}
        place = _place(*trained)
        moved = place is None and not known
        fits = trained[1] == variant and (moved or place == source(name, variant)[0])
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


def _place(name: str, variant: Variant) -> str | None:
    """Return where a model's weights are, None if there is no such model here (any more)."""
    try:
        return source(name, variant)[0]
    except CodealignError:
        return None


def _fetch(place: tuple[str, str | None], options: weights.Options, fast: bool) -> tuple[Any, Any]:
    weights.hide_loading_bars()
    loader = weights.base_unsloth if fast else weights.base_plain
    try:
        return loader(*place, options), load_tokenizer(*place)
    except OSError as error:
        raise CodealignError(unavailable(place[0], error)) from error
