"""Building nano: grammar -> corpus -> tokenizer -> pretraining -> fine-tuning -> benchmarks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codealign.provenance import header
from codealign.records import write_jsonl, write_text
from nano.lab.corpus import TOKENIZER_DOCUMENTS, corpus_document, training_rows
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import END, END_OF_TEXT, save_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

    from nano.lab.batches import Row

    Started = tuple[LlamaForCausalLM, Tokenizer, dict[str, Any]]

Log = Callable[[str], None]
MADE = "provenance.json"


def corpus_hash(recipe: Recipe, documents: int = 200) -> str:
    """Return a hash of the first documents of the corpus: changes when the grammar does."""
    digest = hashlib.sha256()
    for index in range(documents):
        digest.update(corpus_document(recipe, index).encode())
    return digest.hexdigest()[:16]


def folder_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 (16 digits) of every model and tokenizer file in a folder."""
    names = ("model.safetensors", "tokenizer.json", "config.json")
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest()[:16] for n in names}


def save_model(
    model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path, eos: str, recipe: Recipe
) -> None:
    """Write model (bfloat16), tokenizer and generation settings as a transformers folder."""
    import torch
    from transformers import GenerationConfig

    token = tokenizer.token_to_id(eos)
    model.config.eos_token_id = token
    model.generation_config = GenerationConfig(eos_token_id=token, pad_token_id=0)
    model.to(torch.bfloat16).save_pretrained(folder)
    save_tokenizer(tokenizer, folder, eos, recipe.context)


def _logged(records: Iterable[dict[str, Any]], log: Log) -> list[dict[str, Any]]:
    """Log each record of a training as it comes, and return them with rounded values."""
    kept = []
    for record in records:
        log("step {step}: loss {loss:.3f}, {tokens} tokens, {seconds:.0f} s".format(**record))
        kept.append({key: round(value, 4) for key, value in record.items()})
    return kept


def write_provenance(
    folder: Path, recipe: Recipe, records: list[dict[str, Any]], **more: Any
) -> None:
    """Write training log and provenance beside the weights."""
    write_jsonl(folder / "training_log.jsonl", records)
    provenance = {
        **header(recipe=dataclasses.asdict(recipe)),
        "corpus": corpus_hash(recipe),
        "tokens": records[-1]["tokens"],
        "train_seconds": records[-1]["seconds"],
        "files": folder_hashes(folder),
        **more,
    }
    write_text(folder / MADE, json.dumps(provenance, indent=1) + "\n")


def provenance_of(model: Path) -> dict[str, Any]:
    """Return a model's provenance; it is written last, and empty where there is no whole model."""
    record = model / MADE
    return json.loads(record.read_text("utf-8")) if record.exists() else {}


def _fresh(recipe: Recipe) -> tuple[LlamaForCausalLM, Tokenizer]:
    """Return a new model and a tokenizer of the corpus."""
    import torch

    from nano.lab.pretrain import new_model

    torch.set_num_threads(1)
    tokenizer = train_tokenizer(corpus_document(recipe, i) for i in range(TOKENIZER_DOCUMENTS))
    torch.manual_seed(recipe.seed)
    return new_model(recipe, tokenizer.get_vocab_size()), tokenizer


def load_model(start: Path) -> Started:
    """Return model, tokenizer and provenance of a folder."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(start / "tokenizer.json"))
    model = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
    provenance = json.loads((start / "provenance.json").read_text(encoding="utf-8"))
    return model, tokenizer, provenance


def build_pretrained(folder: Path, recipe: Recipe, log: Log = print) -> None:
    """Pretrain on the corpus and write the model to `folder`."""
    from nano.lab.batches import by_length
    from nano.lab.pretrain import optimizers, train

    model, tokenizer = _fresh(recipe)
    batches = by_length(training_rows(recipe, tokenizer), recipe.batch_tokens, recipe.seed)
    records = _logged(train(model, batches, optimizers(model, recipe), recipe.warmup), log)
    save_model(model, tokenizer, folder, END_OF_TEXT, recipe)
    write_provenance(folder, recipe, records)


def build_finetuned(folder: Path, recipe: Recipe, start: Path, log: Log = print) -> None:
    """Fine-tune the pretrained model in `start` on chat pairs and write it to `folder`."""
    from nano.lab.finetune import chat_rows

    started = load_model(start)
    train_further(folder, recipe, started, chat_rows(recipe, started[1]), END, log)


def train_further(
    folder: Path,
    recipe: Recipe,
    started: Started,
    rows: list[Row],
    eos: str,
    log: Log,
    /,
    **more: Any,
) -> None:
    """Train a model on rows at the rate of the fine-tuning and write it to `folder`.

    Parameters
    ----------
    started : the model, of `load_model`.
    eos : token that ends an answer of the new model.
    more : goes into the provenance.
    """
    from nano.lab.batches import by_length
    from nano.lab.pretrain import optimizers, train

    model, tokenizer, provenance = started
    batches = by_length(rows, recipe.chat_tokens, recipe.seed)
    optimisers = optimizers(model, recipe, recipe.chat_rate)
    records = _logged(train(model, batches, optimisers, recipe.warmup), log)
    save_model(model, tokenizer, folder, eos, recipe)
    write_provenance(folder, recipe, records, started_from=provenance, **more)
