"""Tokens a CPU second of SFT and one epoch of DPO on nano: TRL's defaults against ours.

    OMP_NUM_THREADS=1 python benchmarks/training_speed.py [repeats]

The same data, seed, batch and LoRA; each variant in a process of its own, in turns. Tokenizing, the
pass over the reference and the trainer's construction count; importing and loading the model do
not. Tokens are those of the data, padding excluded. Compare ratios within one run.
"""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

VARIANTS = ("trl", "peft", "unsloth")
LORA, BATCH, RATE, COUNT = 16, {"sft": 16, "dpo": 8}, 3e-4, 256


def make_pairs() -> list[Any]:
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
    return pairs[:COUNT]


def ours(backend: str, stage: str, pairs: list[Any], adapter: str | None, out: Path) -> Any:
    """Return a function that trains with this project's trainers."""
    from codealign.models import load
    from codealign.params import Dpo, Sft
    from codealign.train.align import pair_loss
    from codealign.train.data import tokenize
    from codealign.train.run import TrainJob

    section = Sft if stage == "sft" else Dpo
    settings = section(backend=backend, epochs=1.0, batch_size=BATCH[stage], learning_rate=RATE)
    options = {"backend": backend, "training": True, "lora": settings.lora}
    model, tokenizer = load("nano", "pretrained", adapter, attention=settings.attention, **options)
    job = TrainJob(stage, "nano", "pretrained", settings, out, 0, pairs)

    def train() -> Any:
        from codealign.train.trainers import align_trainer, sft_trainer

        rows = tokenize(pairs, tokenizer, 512, chat=False)
        if stage == "sft":
            trainer = sft_trainer(model, tokenizer, rows, job.arguments(), backend)
        else:
            loss, _ = pair_loss("dpo", settings)
            trainer = align_trainer(model, tokenizer, rows, job.arguments(), loss, settings.beta)
        trainer.train()
        return trainer

    return train


def plain(stage: str, pairs: list[Any], adapter: str | None, out: Path) -> Any:
    """Return a function that trains with TRL and PEFT as they come."""
    from datasets import Dataset
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from codealign.models import LINEAR, source
    from codealign.prompts import response_prompt
    from codealign.train import head

    head.install()  # without it TRL does not run on a CPU at all
    where, _ = source("nano", "pretrained")
    base = AutoModelForCausalLM.from_pretrained(where, dtype="float32")
    lora = LoraConfig(r=LORA, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM")
    if adapter:
        model = PeftModel.from_pretrained(base, adapter, is_trainable=True)
    else:
        model = get_peft_model(base, lora)
    config, trainer_class = (SFTConfig, SFTTrainer) if stage == "sft" else (DPOConfig, DPOTrainer)
    rows = [{"prompt": response_prompt(p.prompt)} for p in pairs]
    for row, pair in zip(rows, pairs, strict=True):
        row |= {"completion": pair.chosen} if stage == "sft" else _sides(pair)
    args = config(str(out), num_train_epochs=1, per_device_train_batch_size=BATCH[stage],
                  learning_rate=RATE, use_cpu=True, report_to="none", disable_tqdm=True,
                  warmup_steps=10, lr_scheduler_type="cosine", save_strategy="no")  # fmt: skip

    def train() -> Any:
        tokenizer = AutoTokenizer.from_pretrained(where)
        data = Dataset.from_list(rows)
        made = trainer_class(model=model, args=args, train_dataset=data, processing_class=tokenizer)
        made.train()
        return made

    return train


def _sides(pair: Any) -> dict[str, str]:
    return {"chosen": pair.chosen, "rejected": pair.rejected}


def child(variant: str, folder: Path) -> None:
    """Train both stages with one variant and print their measures as the last line."""
    from codealign import weights
    from codealign.models import load
    from codealign.train.data import tokenize

    weights.quiet_environment()
    if variant == "unsloth":
        weights.require_unsloth()
    from trl import DPOTrainer, SFTTrainer  # noqa: F401  importing is not training

    pairs = make_pairs()
    _, tokenizer = load("nano", "pretrained", training=False)
    rows, found = tokenize(pairs, tokenizer, 512, chat=False), {}
    for stage in ("sft", "dpo"):
        adapter = str(folder / "adapter") if stage == "dpo" else None
        out = folder / stage
        build = plain if variant == "trl" else lambda *a: ours(variant, *a)
        train = build(stage, pairs, adapter, out)
        began = time.process_time()
        trainer = train()
        spent = time.process_time() - began
        tokens = sum(len(r.prompt) + len(r.chosen) for r in rows)
        if stage == "dpo":
            tokens += sum(len(r.prompt) + len(r.rejected) for r in rows)
        losses = [e["loss"] for e in trainer.state.log_history if "loss" in e]
        found[stage] = {"rate": tokens / spent, "loss": float(losses[-1]), "cpu_s": spent}
        trainer.model.save_pretrained(str(folder / "adapter"), selected_adapters=["default"])
    print(json.dumps(found))


def main(repeats: int) -> None:
    """Run all variants in turns and print medians."""
    results: dict[str, list[dict]] = {variant: [] for variant in VARIANTS}
    for _ in range(repeats):
        for variant in VARIANTS:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--child", variant, folder]
                done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
                if done.returncode:
                    sys.exit(done.stderr)
                results[variant].append(json.loads(done.stdout.splitlines()[-1]))
    print("| stage | variant | tokens/CPU-s | factor | last loss |\n|---|---|---|---|---|")
    for stage in ("sft", "dpo"):
        rate = {v: statistics.median(r[stage]["rate"] for r in results[v]) for v in VARIANTS}
        for v in VARIANTS:
            loss, factor = results[v][0][stage]["loss"], rate[v] / rate["trl"]
            print(f"| {stage} | {v} | {rate[v]:,.0f} | {factor:.2f} | {loss:.3f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
