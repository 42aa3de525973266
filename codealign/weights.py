"""Getting base weights and adapters into memory, with Unsloth or plain PEFT.

The steps behind `models.load`, which is what to call.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.params import Lora

QUIET = {
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def quiet_environment() -> None:
    """Turn the libraries' telemetry off, unless the user has set a variable himself.

    Call before importing unsloth, transformers, trl or vllm; the loaders do.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def hide_loading_bars() -> None:
    """Turn off transformers' bars for each loaded file."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def require_unsloth() -> None:
    """Import Unsloth, which must come before transformers, TRL and PEFT to have its full effect.

    Raises
    ------
    CodealignError
        Unsloth is not installed or does not work on this machine.
    """
    if "unsloth" in sys.modules:
        return
    remedy = "run `make install`, or set backend: peft in the params"
    if importlib.util.find_spec("unsloth") is None:
        raise CodealignError(f"backend: unsloth, but Unsloth is not installed; {remedy}")
    quiet_environment()
    try:
        import unsloth  # noqa: F401
    except (ImportError, NotImplementedError, RuntimeError) as error:
        raise CodealignError(f"Unsloth does not work here ({error}); {remedy}") from error


def bf16_is_fast() -> bool:
    """Tell whether this machine is faster in bfloat16 than in the type it would take instead.

    Among CPUs those with AMX are: one with AVX512-BF16 alone multiplies matrices half as fast as in
    float32 (`benchmarks/README.md`).
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported()


def half_precision() -> str:
    """Return bfloat16, or float16 for a GPU that only emulates it (a T4), which is far slower."""
    return "bfloat16" if bf16_is_fast() else "float16"


@dataclass(frozen=True)
class Options:
    """How base weights are loaded; `dtype` is torch's, `max_length` is in tokens (Unsloth)."""

    dtype: Any
    attention: str
    quantize: bool
    max_length: int

    @classmethod
    def of(cls, dtype: str, attention: str, quantize: bool, max_length: int) -> Options:
        """Return the options for this machine; "auto" is float32 on a CPU, half precision on a GPU.

        Raises
        ------
        CodealignError
            4 bits without a GPU.
        """
        import torch

        gpu = torch.cuda.is_available()
        if quantize and not gpu:
            raise CodealignError("lora.quantize (4-bit weights) needs a GPU; set quantize: false")
        if dtype == "auto":
            dtype = half_precision() if gpu else "float32"
        return cls(getattr(torch, dtype), attention, quantize, max_length)


def base_unsloth(where: str, revision: str | None, options: Options) -> Any:
    """Return base weights with Unsloth's patches, from exactly this source (no mirror).

    Raises
    ------
    CodealignError
        As `check_tensors`.
    """
    from unsloth import FastLanguageModel

    check_tensors(where, revision)
    return FastLanguageModel.from_pretrained(
        where,
        revision=revision,
        max_seq_length=options.max_length,
        load_in_4bit=options.quantize,
        use_exact_model_name=True,
        use_gradient_checkpointing=False,
        dtype=options.dtype,
        attn_implementation=options.attention,
    )[0]


def base_plain(where: str, revision: str | None, options: Options) -> Any:
    """Return base weights as transformers loads them, on the GPU if there is one.

    Raises
    ------
    CodealignError
        As `check_tensors`.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=options.dtype,
    )
    model, report = AutoModelForCausalLM.from_pretrained(
        where,
        revision=revision,
        dtype=options.dtype,
        attn_implementation=options.attention,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # reported, so that all can be named
        **({"quantization_config": bits} if options.quantize else {}),
    )
    _refuse(where, report)
    if options.quantize or not torch.cuda.is_available():
        return model
    return model.to("cuda")


def skeleton(where: str, revision: str | None) -> Any:
    """Return a model with the shapes of its tensors and no memory for them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(where, revision=revision)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def check_tensors(where: str, revision: str | None = None) -> None:
    """Compare a checkpoint's tensors with its config.json, in seconds: no weights are read.

    The library fills what is missing with random numbers and goes on. What may be absent (the head
    of a model that shares its embeddings, rotary buffers) is no fault.

    Raises
    ------
    CodealignError
        Names the tensors that are missing, unexpected or of another shape.
    """
    from transformers import AutoModelForCausalLM

    hide_loading_bars()
    _, report = AutoModelForCausalLM.from_pretrained(
        where,
        revision=revision,
        device_map="meta",
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    _refuse(where, report)


def _refuse(where: str, report: dict[str, Any]) -> None:
    faults = [f"{name} is missing" for name in sorted(report["missing_keys"])]
    faults += [f"{name} is not the model's" for name in sorted(report["unexpected_keys"])]
    faults += [
        f"{name} is {tuple(shape)}, not {tuple(wanted)}"
        for name, shape, wanted in sorted(report["mismatched_keys"])
    ]
    if faults:
        raise CodealignError(
            f"{where}: the weights do not fit config.json: {_listed(faults)}; fetch or save the "
            "checkpoint again, or correct config.json"
        )


def _listed(faults: list[str], most: int = 4) -> str:
    more = f" and {len(faults) - most} more" if len(faults) > most else ""
    return ", ".join(faults[:most]) + more


def adapter_settings(
    adapter: Path | str | None, lora: Lora, target_modules: list[str]
) -> dict[str, Any]:
    """Return LoRA settings: those an adapter was saved with, else the params'."""
    if adapter is None:
        settings = {"r": lora.r, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout}
        return {**settings, "target_modules": target_modules or "all-linear"}
    config = json.loads((Path(adapter) / "adapter_config.json").read_text(encoding="utf-8"))
    return {key: config[key] for key in ("r", "lora_alpha", "lora_dropout", "target_modules")}


def attach_unsloth(model: Any, settings: dict[str, Any], checkpointing: bool, seed: int) -> Any:
    """Add a fresh trainable adapter with Unsloth's kernels and checkpointing."""
    from unsloth import FastLanguageModel

    return FastLanguageModel.get_peft_model(
        model,
        random_state=seed,
        use_gradient_checkpointing="unsloth" if checkpointing else False,
        **settings,
    )


def attach_plain(model: Any, settings: dict[str, Any], checkpointing: bool, seed: int) -> Any:
    """Add a fresh trainable adapter with PEFT; the trainer turns checkpointing on."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if getattr(model, "is_loaded_in_4bit", False):
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=checkpointing)
    torch.manual_seed(seed)
    return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))


def copy_adapter(model: Any, adapter: Path | str) -> None:
    """Overwrite a fresh adapter with a saved one, wherever its base weights once lay.

    Raises
    ------
    CodealignError
        The saved adapter is of another model; names what does not fit.
    """
    from peft import load_peft_weights, set_peft_model_state_dict

    try:
        result = set_peft_model_state_dict(model, load_peft_weights(str(adapter), device="cpu"))
    except RuntimeError as error:  # torch lists every tensor of another shape, one per line
        faults = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
    else:
        own = ("lora_", "modules_to_save")
        missing = [key for key in result.missing_keys if any(part in key for part in own)]
        faults = [f"{key} is not the model's" for key in sorted(result.unexpected_keys)]
        faults += [f"{key} is missing" for key in sorted(missing)]
    if faults:
        raise CodealignError(f"{adapter}: adapter of another model ({_listed(faults)})")


def merged(model: Any, adapter: Path | str | None) -> Any:
    """Return the model with the adapter (if any) added into its weights.

    Raises
    ------
    CodealignError
        As `copy_adapter`; none of the adapter's layers is in the model.
    """
    if adapter is None:
        return model
    from peft import PeftConfig, get_peft_model

    try:
        tuned = get_peft_model(model, PeftConfig.from_pretrained(str(adapter)))
    except ValueError as error:
        raise CodealignError(f"{adapter}: adapter of another model ({error})") from error
    copy_adapter(tuned, adapter)
    _untie_if_tuned(model)
    return tuned.merge_and_unload()


def _untie_if_tuned(model: Any) -> None:
    """Give the head weights of its own where an adapter changes it or the embeddings it shares.

    Merged into shared weights, what was learned for one would change the other as well.
    """
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    if not any(isinstance(layer, BaseTunerLayer) for layer in ends):
        return
    bare = [x.get_base_layer() if isinstance(x, BaseTunerLayer) else x for x in ends]
    if bare[0].weight is bare[1].weight:
        bare[1].weight = torch.nn.Parameter(bare[1].weight.detach().clone(), requires_grad=False)
        model.config.tie_word_embeddings = False
