"""Tiny random models of the study's four architectures, each with a tokenizer of its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZES = {
    "vocab_size": 272, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 512, "initializer_range": 0.2,
}  # fmt: skip
# Turns as each family writes them: what trims, and what stands before the end token, differs.
TURNS = "{{% for m in messages %}}{}{{% endfor %}}{{% if add_generation_prompt %}}{}{{% endif %}}"
ROLES = "{{% if m['role'] == 'user' %}}{{{{ {} }}}}{{% else %}}{{{{ {} }}}}{{% endif %}}"
HEADER_3 = "<|start_header_id|>{}<|end_header_id|>\n\n"
TURN_3 = HEADER_3.format("{{ m['role'] }}") + "{{ m['content'] | trim }}<|eot_id|>"
TURN_2 = ROLES.format(
    "bos_token + '[INST] ' + m['content'] | trim + ' [/INST]'",
    "' ' + m['content'] | trim + ' ' + eos_token",
)
TURN_DEEPSEEK = ROLES.format(
    "'### Instruction:\n' + m['content'] + '\n'",
    "'### Response:\n' + m['content'] + '\n<|EOT|>\n'",
)
# architecture: (end of a turn, start token, other special tokens, chat template)
FORMATS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "llama-3": (
        "<|eot_id|>", "<|begin_of_text|>", ("<|start_header_id|>", "<|end_header_id|>"),
        "{{ bos_token }}" + TURNS.format(TURN_3, HEADER_3.format("assistant")),
    ),
    "chatml": (
        "<|im_end|>", "", ("<|im_start|>",),
        TURNS.format("<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n",
                     "<|im_start|>assistant\n"),
    ),
    "llama-2": ("</s>", "<s>", (), TURNS.format(TURN_2, "")),
    "deepseek-coder": (
        "<|EOT|>", "<|begin|>", (),
        "{{ bos_token }}" + TURNS.format(TURN_DEEPSEEK, "### Response:\n"),
    ),
}  # fmt: skip
# What the tokenizer_config.json of each family says; DeepSeek's start token stands only there.
DECLARED: dict[str, dict[str, Any]] = {
    "llama-3": {
        "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": True,
    },
    "chatml": {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False},
    "llama-2": {"tokenizer_class": "CodeLlamaTokenizer"},
    "deepseek-coder": {"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": True},
}  # fmt: skip


def config(kind: str) -> Any:
    """Return a tiny configuration with what sets the architecture apart."""
    from transformers import LlamaConfig, Qwen2Config

    if kind == "chatml":  # Qwen2.5: biases on q, k and v, grouped heads
        return Qwen2Config(**SIZES, num_key_value_heads=2, tie_word_embeddings=False)
    if kind == "llama-3":  # grouped heads
        rope = {"rope_type": "default", "rope_theta": 500_000.0}
        return LlamaConfig(**SIZES, num_key_value_heads=2, rope_parameters=rope)
    if kind == "llama-2":  # CodeLlama: a key head for each query head
        rope = {"rope_type": "default", "rope_theta": 1_000_000.0}
        return LlamaConfig(**SIZES, num_key_value_heads=4, rope_parameters=rope)
    # deepseek-coder: positions scaled linearly
    rope = {"rope_type": "linear", "factor": 4.0, "rope_theta": 100_000.0}
    return LlamaConfig(**SIZES, num_key_value_heads=4, rope_parameters=rope)


def core_of(kind: str) -> Any:
    """Return a `tokenizers` tokenizer with about one token per byte, and of its family's form.

    CodeLlama's is SentencePiece's: a blank before every text, and one token with the letter behind
    it (of `y` and `[`, here). DeepSeek's splits digits before it goes to bytes.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    if kind == "llama-2":
        pieces = ["\u2581", "y", "[", "\u2581y", "\u2581["]
        names = ["<unk>", *(f"<0x{i:02X}>" for i in range(256)), *pieces]
        merges = [("\u2581", "y"), ("\u2581", "[")]
        vocabulary = {name: i for i, name in enumerate(names)}
        core = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
        core.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
        blank, strip = decoders.Replace("\u2581", " "), decoders.Strip(" ", 1, 0)
        core.decoder = decoders.Sequence([blank, decoders.ByteFallback(), decoders.Fuse(), strip])
        return core
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if kind == "deepseek-coder":
        core.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), core.pre_tokenizer]
        )
    core.decoder = decoders.ByteLevel()
    return core


def tokenizer(kind: str) -> Any:
    """Return a family's tokenizer as transformers wraps it, chat template included."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    end, start, special, template = FORMATS[kind]
    core = core_of(kind)
    core.add_special_tokens([t for t in (end, start, *special) if t])
    core.post_processor = processors.ByteLevel()
    if start and "add_bos_token" not in DECLARED[kind]:
        ids = [(start, core.token_to_id(start))]
        core.post_processor = processors.TemplateProcessing(f"{start} $A", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=end, bos_token=start or None, chat_template=template,
        model_max_length=512, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def write_tokenizer(kind: str, folder: Path) -> Path:
    """Write a family's tokenizer as its authors do: with their class and what they declare."""
    tokenizer(kind).save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    declared = json.loads(file.read_text(encoding="utf-8")) | DECLARED[kind]
    file.write_text(json.dumps(declared), encoding="utf-8")
    return folder


def make_architecture(kind: str, folder: Path | str) -> Path:
    """Write the model as the fine-tuned variant; return `folder`, a name `models.load` takes."""
    import torch
    from transformers import AutoModelForCausalLM

    made = tokenizer(kind)
    settings = config(kind)
    settings.eos_token_id, settings.bos_token_id = made.eos_token_id, made.bos_token_id
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(settings).save_pretrained(Path(folder) / "finetuned")
    write_tokenizer(kind, Path(folder) / "finetuned")
    return Path(folder)
