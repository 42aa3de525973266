"""Tokens a CPU second of SFT and DPO: TRL's defaults, ours, a bare loop.

    OMP_NUM_THREADS=1 python benchmarks/training_speed.py [seeds] [variants] [epochs]
        [--model nano] [--pairs 256]

The same data, seeds, batch and LoRA, one epoch unless told; each variant in a process of its own,
in turns. Tokenizing, the pass over the reference and the trainer's construction count; importing
and loading the model do not. Tokens are those of the data, padding excluded. Compare ratios within
one run. The final loss is that of the trained model over all the data, computed the same way for
every variant; the spread is over the seeds. `trl32` is TRL with `bf16: false`: its default is
bfloat16 on any machine, though a processor without AMX is slower in it than in float32, which ours
then takes. `bare` is a loop of plain torch with the same layers and batches, the least
there is to do. `stock` is `peft` without the layers of `codealign/train/cpu.py`. `grouped` is
`peft` with batches of like length, as `group_by_length` makes them. Variants are a list with
commas; the first is what the others are held against. The peak is that of a variant's process, both
stages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from training_bare import BATCH, BETA, RATE, Case, all_log_probs, bare, peft_model, sides

from codealign.markdown import pipe_table

VARIANTS = ("trl", "trl32", "stock", "peft", "unsloth", "grouped", "bare")
COUNT = 256
Train = Callable[[], Any]


def make_pairs(count: int) -> list[Any]:
    """Return pairs from nano's held-out problems: its solution against the next problem's."""
    from codealign.paths import NANO_DATA
    from codealign.records import Pair

    pairs = []
    for name in ("humaneval_plus", "mbpp_plus"):
        with gzip.open(NANO_DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        for row, other in zip(rows, rows[1:], strict=False):
            answers = [
                f"```python\n{r['prompt']}{r['canonical_solution']}```\n" for r in (row, other)
            ]
            pairs.append(Pair(row["task_id"], "", row["prompt"], *answers))
    return pairs[:count]


def ours(backend: str, case: Case, **more: Any) -> Any:
    """Return the model and a function that trains it with this project's trainers."""
    from codealign.models import load
    from codealign.params import Dpo, Sft
    from codealign.train.align import pair_loss
    from codealign.train.data import tokenize
    from codealign.train.run import TrainJob

    name, stage, pairs, adapter, seed, epochs = case
    section = Sft if stage == "sft" else Dpo
    settings = section(backend=backend, epochs=epochs, batch_size=BATCH[stage], learning_rate=RATE,
                       **more)  # fmt: skip
    options = {"backend": backend, "training": True, "lora": settings.lora, "seed": seed}
    model, tokenizer = load(name, "pretrained", adapter, attention=settings.attention, **options)
    job = TrainJob(stage, name, "pretrained", settings, Path(stage), seed, pairs)

    def train() -> Any:
        from codealign.train.trainers import align_trainer, sft_trainer

        rows = tokenize(pairs, tokenizer, 512, chat=False)
        made = model, tokenizer, rows, job.arguments(rows)
        if stage == "sft":
            trainer = sft_trainer(*made, backend)
        else:
            trainer = align_trainer(*made, pair_loss("dpo", settings)[0], settings.beta)
        trainer.train()
        return trainer.model

    return model, train


def stock(case: Case) -> Any:
    """Return the same as `ours`, with the layers as PEFT and transformers have them."""
    from codealign.train import cpu

    cpu.quicken = lambda model: None
    return ours("peft", case, attention="sdpa")


def plain(case: Case, **more: Any) -> Any:
    """Return the model and a function that trains it with TRL and PEFT as they come.

    `more` are arguments of TRL's configuration that replace its defaults.
    """
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from codealign.models import source
    from codealign.prompts import response_prompt
    from codealign.train import head

    name, stage, pairs, adapter, seed, epochs = case
    head.install()  # without it TRL does not run on a CPU at all
    model = peft_model(name, adapter, seed)
    config, trainer_class = (SFTConfig, SFTTrainer) if stage == "sft" else (DPOConfig, DPOTrainer)
    rows = [{"prompt": response_prompt(p.prompt)} for p in pairs]
    for row, pair in zip(rows, pairs, strict=True):
        sides = {"chosen": pair.chosen, "rejected": pair.rejected}
        row |= {"completion": pair.chosen} if stage == "sft" else sides
    args = config(stage, num_train_epochs=epochs, per_device_train_batch_size=BATCH[stage],
                  seed=seed, learning_rate=RATE, use_cpu=True, report_to="none", disable_tqdm=True,
                  warmup_steps=10, lr_scheduler_type="cosine", save_strategy="no",
                  **more)  # fmt: skip

    def train() -> Any:
        tokenizer = AutoTokenizer.from_pretrained(source(name, "pretrained")[0])
        data = Dataset.from_list(rows)
        made = trainer_class(model=model, args=args, train_dataset=data, processing_class=tokenizer)
        made.train()
        return made.model

    return model, train


def grouped(sampler: Any, epoch: int) -> list[int]:
    """Return an epoch's order in which the examples of a batch have like length."""
    rng = np.random.default_rng((sampler.seed, epoch))
    order = np.argsort(sampler.lengths, kind="stable")
    batches = np.split(order, range(sampler.batch, len(order), sampler.batch))
    return np.concatenate([batches[i] for i in rng.permutation(len(batches))]).tolist()


def final_loss(stage: str, model: Any, rows: Sequence[Any], reference: Any) -> float:
    """Return the trained model's loss over all the data: nats per token (SFT) or pair (DPO)."""
    from codealign.train.losses import dpo_loss

    policy = all_log_probs(model, rows)
    if stage == "sft":
        return -policy[0].sum().item() / sum(len(r.chosen) for r in rows)
    return dpo_loss(*policy, *reference, beta=BETA).mean().item()


def child(variant: str, seed: int, epochs: int, name: str, count: int) -> None:
    """Train both stages with one variant and print their measures as the last line."""
    from codealign import weights
    from codealign.models import load
    from codealign.train.data import tokenize
    from codealign.train.trainers import RandomBatches

    weights.quiet_environment()
    if variant == "unsloth":
        weights.require_unsloth()
    from trl import DPOTrainer, SFTTrainer  # noqa: F401  importing is not training

    pairs = make_pairs(count)
    _, tokenizer = load(name, "pretrained", training=False)
    rows, found = tokenize(pairs, tokenizer, 512, chat=False), {}
    if variant == "grouped":
        RandomBatches.order = grouped
        variant = "peft"
    others = {"trl": plain, "trl32": partial(plain, bf16=False), "bare": bare, "stock": stock}
    build = others.get(variant, partial(ours, variant))
    for stage in ("sft", "dpo"):
        adapter = "adapter" if stage == "dpo" else None
        model, train = build(Case(name, stage, pairs, adapter, seed, epochs))
        reference = all_log_probs(model, rows)
        began = time.process_time()
        model = train()
        spent = time.process_time() - began
        tokens = epochs * sum(
            len(p) + len(r) for p, r in sides(rows)[: None if stage == "dpo" else len(rows)]
        )
        loss = final_loss(stage, model, rows, reference)
        found[stage] = {"rate": tokens / spent, "loss": loss, "cpu_s": spent}
        model.save_pretrained("adapter", selected_adapters=["default"])
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def machine() -> str:
    """Return the processor's name and the type that ours trains in there."""
    from codealign.weights import bf16_is_fast

    with open("/proc/cpuinfo", encoding="utf-8") as file:
        name = next((line.split(": ")[1].strip() for line in file if "model name" in line), "CPU")
    return f"{name}, ours in {'bfloat16' if bf16_is_fast() else 'float32'}"


def spread(values: Sequence[float]) -> str:
    """Return mean and, of several values, standard deviation."""
    mean = statistics.mean(values)
    return f"{mean:.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{mean:.4f}"


def main(seeds: int, variants: Sequence[str], epochs: int, name: str, count: int) -> None:
    """Run the variants in turns, seed by seed; print medians of the rates and the losses."""
    results: dict[str, list[dict]] = {variant: [] for variant in variants}
    for seed in range(seeds):
        for variant in variants:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--child", variant, str(seed), str(epochs),
                           name, str(count)]  # fmt: skip
                done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
                if done.returncode:
                    sys.exit(done.stderr)
                results[variant].append(json.loads(done.stdout.splitlines()[-1]))
    print(machine())
    rows = []
    for stage in ("sft", "dpo"):
        rate = {v: statistics.median(r[stage]["rate"] for r in results[v]) for v in variants}
        for v in variants:
            loss = spread([r[stage]["loss"] for r in results[v]])
            peak = max(r["peak_mib"] for r in results[v])
            factor = f"{rate[v] / rate[variants[0]]:.2f}"
            rows.append([stage, v, f"{rate[v]:,.0f}", factor, loss, f"{peak:,.0f}"])
    head = ["stage", "variant", "tokens/CPU-s", "factor", "final loss", "peak, MiB"]
    print(pipe_table(head, rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6]))
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("seeds", type=int, nargs="?", default=3)
        parser.add_argument("variants", nargs="?", default=",".join(VARIANTS))
        parser.add_argument("epochs", type=int, nargs="?", default=1)
        parser.add_argument("--model", default="nano", help="name, or folder with a / in it")
        parser.add_argument("--pairs", type=int, default=COUNT)
        given = parser.parse_args()
        name = str(Path(given.model).resolve()) if "/" in given.model else given.model
        main(given.seeds, given.variants.split(","), given.epochs, name, given.pairs)
