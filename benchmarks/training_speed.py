"""Tokens a CPU second of SFT and DPO on nano: TRL's defaults, ours, a bare loop.

    OMP_NUM_THREADS=1 python benchmarks/training_speed.py [seeds] [variants] [epochs]

The same data, seeds, batch and LoRA, one epoch unless told; each variant in a process of its own,
in turns. Tokenizing, the pass over the reference and the trainer's construction count; importing
and loading the model do not. Tokens are those of the data, padding excluded. Compare ratios within
one run. The final loss is that of the trained model over all the data, computed the same way for
every variant; the spread is over the seeds. `trl32` is TRL with `bf16: false`: its default is
bfloat16 on any machine, which one without such instructions emulates, at several times the cost;
ours then takes float32. `bare` is a loop of plain torch with the same layers and batches, the least
there is to do. `shuffled` is `peft` with examples of any length in a batch, as TRL has them.
Variants: trl,trl32,peft,unsloth, shuffled,bare; a list without spaces; the first is what the others
are held against.
"""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

VARIANTS = ("trl", "trl32", "peft", "unsloth", "shuffled", "bare")
LORA, BATCH, RATE, COUNT, BETA = 16, {"sft": 16, "dpo": 8}, 3e-4, 256, 0.1
Train = Callable[[], Any]


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


def ours(
    backend: str, stage: str, pairs: list[Any], adapter: str | None, seed: int, epochs: int
) -> Any:
    """Return the model and a function that trains it with this project's trainers."""
    from codealign.models import load
    from codealign.params import Dpo, Sft
    from codealign.train.align import pair_loss
    from codealign.train.data import tokenize
    from codealign.train.run import TrainJob

    section = Sft if stage == "sft" else Dpo
    settings = section(backend=backend, epochs=epochs, batch_size=BATCH[stage], learning_rate=RATE)
    options = {"backend": backend, "training": True, "lora": settings.lora, "seed": seed}
    model, tokenizer = load("nano", "pretrained", adapter, attention=settings.attention, **options)
    job = TrainJob(stage, "nano", "pretrained", settings, Path(stage), seed, pairs)

    def train() -> Any:
        from codealign.train.trainers import align_trainer, sft_trainer

        rows = tokenize(pairs, tokenizer, 512, chat=False)
        if stage == "sft":
            trainer = sft_trainer(model, tokenizer, rows, job.arguments(), backend)
        else:
            loss, _ = pair_loss("dpo", settings)
            trainer = align_trainer(model, tokenizer, rows, job.arguments(), loss, settings.beta)
        trainer.train()
        return trainer.model

    return model, train


def plain(
    stage: str, pairs: list[Any], adapter: str | None, seed: int, epochs: int, **more: Any
) -> Any:
    """Return the model and a function that trains it with TRL and PEFT as they come.

    `more` are arguments of TRL's configuration that replace its defaults.
    """
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from codealign.models import source
    from codealign.prompts import response_prompt
    from codealign.train import head

    head.install()  # without it TRL does not run on a CPU at all
    model = peft_model(adapter, seed)
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
        tokenizer = AutoTokenizer.from_pretrained(source("nano", "pretrained")[0])
        data = Dataset.from_list(rows)
        made = trainer_class(model=model, args=args, train_dataset=data, processing_class=tokenizer)
        made.train()
        return made.model

    return model, train


def peft_model(adapter: str | None, seed: int, attention: str = "sdpa") -> Any:
    """Return nano with a new adapter or a trained one."""
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    from codealign.models import LINEAR, source

    where, _ = source("nano", "pretrained")
    base = AutoModelForCausalLM.from_pretrained(
        where, dtype="float32", attn_implementation=attention
    )
    if adapter:
        return PeftModel.from_pretrained(base, adapter, is_trainable=True)
    torch.manual_seed(seed)
    lora = LoraConfig(r=LORA, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM")
    return get_peft_model(base, lora)


def log_probs(model: Any, sequences: Sequence[tuple[list[int], list[int]]]) -> Any:
    """Return log pi(response | prompt) of each (prompt, response), in plain torch."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    base = model.get_base_model()
    ids = pad_sequence([torch.tensor(p + r) for p, r in sequences], batch_first=True)
    mask = torch.zeros_like(ids)
    response = torch.zeros_like(ids, dtype=torch.bool)
    for row, (p, r) in enumerate(sequences):
        mask[row, : len(p) + len(r)] = 1
        response[row, len(p) - 1 : len(p) + len(r) - 1] = True
    hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False)[0]
    where = response.nonzero(as_tuple=True)
    logits = base.lm_head(hidden[where]).float()
    found = logits.gather(-1, ids[where[0], where[1] + 1][:, None])[:, 0] - logits.logsumexp(-1)
    return torch.zeros(len(ids)).index_add(0, where[0], found)


def sides(rows: Sequence[Any]) -> list[tuple[list[int], list[int]]]:
    """Return the sequences of pairs: the chosen ones, then the rejected."""
    return [(r.prompt, r.chosen) for r in rows] + [(r.prompt, r.rejected) for r in rows]


def bare(stage: str, pairs: list[Any], adapter: str | None, seed: int, epochs: int) -> Any:
    """Return the model and a function that trains it in a plain loop, in our order of batches."""
    import torch
    from transformers import get_cosine_schedule_with_warmup

    from codealign.models import load
    from codealign.train.cpu import quicken
    from codealign.train.data import tokenize
    from codealign.train.losses import dpo_loss
    from codealign.train.sampler import LengthGrouped
    from codealign.weights import bf16_is_fast

    model, size = peft_model(adapter, seed, "eager"), BATCH[stage]
    quicken(model)
    _, tokenizer = load("nano", "pretrained", training=False)

    def train() -> Any:
        rows = tokenize(pairs, tokenizer, 512, chat=False)
        longest = [len(r.prompt) + len(r.chosen) if stage == "sft" else r.length for r in rows]
        order = [i for e in range(epochs) for i in LengthGrouped(longest, size, seed).order(e)]
        batches = [order[s : s + size] for s in range(0, len(order), size)]
        weights = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, RATE, weight_decay=0.0, fused=True)
        schedule = get_cosine_schedule_with_warmup(optimizer, 10, len(batches))
        autocast = torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast())
        with torch.no_grad(), autocast:
            first_epoch = batches[: len(batches) // epochs] if stage == "dpo" else []
            reference = reference_log_probs(model, rows, first_epoch)
        for indices in batches:
            batch = [rows[i] for i in indices]
            with autocast:
                if stage == "sft":
                    told = log_probs(model, [(r.prompt, r.chosen) for r in batch])
                    loss = -told.sum() / sum(len(r.chosen) for r in batch)
                else:
                    policy = log_probs(model, sides(batch)).chunk(2)
                    loss = dpo_loss(*policy, *reference[:, indices], beta=BETA).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        return model

    return model, train


def reference_log_probs(model: Any, rows: Sequence[Any], batches: list[list[int]]) -> Any:
    """Return log pi of the chosen and of the rejected responses, [2, pairs]."""
    import torch

    found = torch.zeros(2, len(rows))
    for indices in batches:
        found[:, indices] = log_probs(model, sides([rows[i] for i in indices])).view(2, -1)
    return found


def all_log_probs(model: Any, rows: Sequence[Any]) -> Any:
    """Return log pi of the chosen and of the rejected responses, [2, pairs]."""
    import torch

    model.eval()
    with torch.no_grad():
        found = [log_probs(model, sides(rows[s : s + 16])) for s in range(0, len(rows), 16)]
    model.train()
    return torch.cat([part.view(2, -1) for part in found], 1)


def final_loss(stage: str, model: Any, rows: Sequence[Any], reference: Any) -> float:
    """Return the trained model's loss over all the data: nats a token (SFT) or a pair (DPO)."""
    from codealign.train.losses import dpo_loss

    policy = all_log_probs(model, rows)
    if stage == "sft":
        return -policy[0].sum().item() / sum(len(r.chosen) for r in rows)
    return dpo_loss(*policy, *reference, beta=BETA).mean().item()


def child(variant: str, seed: int, epochs: int) -> None:
    """Train both stages with one variant and print their measures as the last line."""
    from codealign import weights
    from codealign.models import load
    from codealign.train import sampler
    from codealign.train.data import tokenize

    weights.quiet_environment()
    if variant == "unsloth":
        weights.require_unsloth()
    from trl import DPOTrainer, SFTTrainer  # noqa: F401  importing is not training

    pairs = make_pairs()
    _, tokenizer = load("nano", "pretrained", training=False)
    rows, found = tokenize(pairs, tokenizer, 512, chat=False), {}
    if variant == "shuffled":
        sampler.POOL = 1
        variant = "peft"
    others = {"trl": plain, "trl32": partial(plain, bf16=False), "bare": bare}
    build = others.get(variant, partial(ours, variant))
    for stage in ("sft", "dpo"):
        model, train = build(stage, pairs, "adapter" if stage == "dpo" else None, seed, epochs)
        reference = all_log_probs(model, rows)
        began = time.process_time()
        model = train()
        spent = time.process_time() - began
        tokens = epochs * sum(
            len(p) + len(r) for p, r in sides(rows)[: None if stage == "dpo" else COUNT]
        )
        loss = final_loss(stage, model, rows, reference)
        found[stage] = {"rate": tokens / spent, "loss": loss, "cpu_s": spent}
        model.save_pretrained("adapter", selected_adapters=["default"])
    print(json.dumps(found))


def machine() -> str:
    """Return the processor's name and whether it computes in bfloat16."""
    from codealign.weights import bf16_is_fast

    with open("/proc/cpuinfo", encoding="utf-8") as file:
        name = next((line.split(": ")[1].strip() for line in file if "model name" in line), "CPU")
    return f"{name}, bfloat16 {'computed' if bf16_is_fast() else 'emulated'}"


def spread(values: Sequence[float]) -> str:
    """Return mean and, of several values, standard deviation."""
    mean = statistics.mean(values)
    return f"{mean:.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{mean:.4f}"


def main(seeds: int, variants: Sequence[str], epochs: int) -> None:
    """Run the variants in turns, seed by seed; print medians of the rates and the losses."""
    results: dict[str, list[dict]] = {variant: [] for variant in variants}
    for seed in range(seeds):
        for variant in variants:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, "--child", variant, str(seed), str(epochs)]
                done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
                if done.returncode:
                    sys.exit(done.stderr)
                results[variant].append(json.loads(done.stdout.splitlines()[-1]))
    print(machine())
    print("| stage | variant | tokens/CPU-s | factor | final loss |\n|---|---|---|---|---|")
    for stage in ("sft", "dpo"):
        rate = {v: statistics.median(r[stage]["rate"] for r in results[v]) for v in variants}
        for v in variants:
            loss = spread([r[stage]["loss"] for r in results[v]])
            print(
                f"| {stage} | {v} | {rate[v]:,.0f} | {rate[v] / rate[variants[0]]:.2f} | {loss} |"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        given = sys.argv[1:] + ["3", ",".join(VARIANTS), "1"][len(sys.argv) - 1 :]
        main(int(given[0]), given[1].split(","), int(given[2]))
