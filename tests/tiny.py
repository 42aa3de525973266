"""A tiny random Llama with a byte-level tokenizer, for tests that need a model, not a good one."""

from __future__ import annotations

from pathlib import Path

VARIANTS = ("pretrained", "finetuned")
SPECIAL = ("<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")
CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def tiny_tokenizer(variant: str = "pretrained"):
    """Return a tokenizer with one token per byte; 261 tokens, the last 5 special."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(list(SPECIAL))
    chat = variant == "finetuned"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|end|>" if chat else "<|endoftext|>",
        pad_token="<|pad|>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def tiny_llama(seed: int = 0, hidden: int = 32, layers: int = 2):
    """Return a random Llama in float32 (about 40 thousand parameters), the same for a seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=272,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.2,  # far from uniform, so that greedy answers differ between prompts
        tie_word_embeddings=True,
        pad_token_id=257,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def make_tiny(folder: Path | str, seed: int = 0) -> Path:
    """Write `pretrained/` and `finetuned/` folders; return `folder`, a name `models.load` takes."""
    folder = Path(folder)
    for number, variant in enumerate(VARIANTS):
        tokenizer, model = tiny_tokenizer(variant), tiny_llama(seed + number)
        model.config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.pad_token_id = tokenizer.pad_token_id
        model.save_pretrained(folder / variant)
        tokenizer.save_pretrained(folder / variant)
    return folder
