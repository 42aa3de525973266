"""Tiny random models of the study's four architectures, each with a tokenizer of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZES = {
    "vocab_size": 272, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 512, "initializer_range": 0.2,
}  # fmt: skip
# One user message and the start of the answer, as each family writes them (shortened).
LOOP = "{{% for m in messages %}}{}{{% endfor %}}{{% if add_generation_prompt %}}{}{{% endif %}}"
LLAMA_3 = "<|start_header_id|>{}<|end_header_id|>\n\n"
TURN_3 = LLAMA_3.format("{{ m['role'] }}") + "{{ m['content'] }}<|eot_id|>"
# architecture: (end of a turn, start token, other special tokens, chat template)
FORMATS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "llama-3": (
        "<|eot_id|>", "<|begin_of_text|>", ("<|start_header_id|>", "<|end_header_id|>"),
        "{{ bos_token }}" + LOOP.format(TURN_3, LLAMA_3.format("assistant")),
    ),
    "chatml": (
        "<|im_end|>", "", ("<|im_start|>",),
        LOOP.format("<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n",
                    "<|im_start|>assistant\n"),
    ),
    "llama-2": (
        "</s>", "<s>", (), "{{ bos_token }}" + LOOP.format("[INST] {{ m['content'] }} [/INST]", ""),
    ),
    "deepseek-coder": (
        "<|EOT|>", "<|begin|>", (),
        "{{ bos_token }}" + LOOP.format("### Instruction:\n{{ m['content'] }}\n",
                                        "### Response:\n"),
    ),
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


def tokenizer(kind: str) -> Any:
    """Return a fast tokenizer with one token a byte: SentencePiece's way for CodeLlama."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    end, start, special, template = FORMATS[kind]
    if kind == "llama-2":
        names = ["<unk>", *(f"<0x{i:02X}>" for i in range(256)), "\u2581"]
        vocabulary = {name: i for i, name in enumerate(names)}
        core = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
        core.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
        )
        blank, strip = decoders.Replace("\u2581", " "), decoders.Strip(" ", 1, 0)
        core.decoder = decoders.Sequence([blank, decoders.ByteFallback(), decoders.Fuse(), strip])
    else:
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        core = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
        core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        core.decoder = decoders.ByteLevel()
    core.add_special_tokens([t for t in (end, start, *special) if t])
    if start:
        ids = [(start, core.token_to_id(start))]
        core.post_processor = processors.TemplateProcessing(f"{start} $A", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=end, bos_token=start or None, chat_template=template,
        model_max_length=512, clean_up_tokenization_spaces=False,
    )  # fmt: skip


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
    made.save_pretrained(Path(folder) / "finetuned")
    return Path(folder)
