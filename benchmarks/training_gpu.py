"""SFT and DPO at real sizes with random weights: Unsloth against plain TRL + PEFT, on one GPU.

    python benchmarks/training_gpu.py --size 1.3b|7b [--steps 20] [--length 1024] [--batch 4]

Both sides train the same LoRA on the same random token sequences of one length, in bfloat16 with
gradient checkpointing, each in a process of its own. The first quarter of the steps warms up and is
not counted. Printed: device and versions, then tokens a second, peak memory and the share of the
device's peak arithmetic (model FLOP utilisation) of each. `--size tiny` runs on a CPU too: it shows
that the command works and says nothing about speed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# deepseek-coder-1.3b and CodeLlama-7b: (hidden, inner, layers, heads, vocabulary)
SIZES = {
    "tiny": (64, 128, 2, 4, 512),
    "1.3b": (2048, 5504, 24, 16, 32_256),
    "7b": (4096, 11_008, 32, 32, 32_016),
}
# Dense bfloat16 arithmetic of a device in FLOP a second, by a part of its name (vendor's figures).
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "4090": 165e12, "T4": 65e12}
LORA = 16


def make_model(size: str, folder: Path) -> None:
    """Write a random Llama of a size, and a tokenizer that is only there to be loaded."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    hidden, inner, layers, heads, vocabulary = SIZES[size]
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=inner,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=4096,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    with torch.device(device):
        model = LlamaForCausalLM(config).to(torch.bfloat16 if device == "cuda" else torch.float32)
    model.save_pretrained(folder / "pretrained")
    core = Tokenizer(models.WordLevel({"<pad>": 0, "<s>": 1, "</s>": 2}, unk_token="<pad>"))
    PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder / "pretrained")


def make_rows(size: str, count: int, length: int) -> list[Any]:
    """Return pairs of random tokens: a quarter prompt, three quarters response."""
    from codealign.train.data import Tokens

    rng, top = random.Random(0), SIZES[size][4] - 1
    draw = lambda n: [rng.randint(3, top) for _ in range(n)]  # noqa: E731
    quarter = length // 4
    return [
        Tokens(str(i), draw(quarter), draw(length - quarter), draw(length - quarter))
        for i in range(count)
    ]


def plain_trainer(stage: str, folder: Path, rows: list[Any], batch: int) -> Any:
    """Return TRL's own trainer on a PEFT model, settings as they come but for what both share."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from codealign.models import LINEAR
    from codealign.train import head
    from codealign.train.data import pair_rows, sft_rows

    head.install()
    gpu, where = torch.cuda.is_available(), str(folder / "pretrained")
    dtype = torch.bfloat16 if gpu else torch.float32
    base = AutoModelForCausalLM.from_pretrained(where, dtype=dtype)
    lora = LoraConfig(r=LORA, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM")
    model = get_peft_model(base.to("cuda") if gpu else base, lora)
    shared = {"per_device_train_batch_size": batch, "num_train_epochs": 1, "bf16": gpu,
              "use_cpu": not gpu, "report_to": "none", "save_strategy": "no", "max_length": None,
              "disable_tqdm": True, "gradient_checkpointing": True}  # fmt: skip
    options = {"model": model, "processing_class": AutoTokenizer.from_pretrained(where)}
    if stage == "sft":
        args = SFTConfig("out", **shared, dataset_kwargs={"skip_prepare_dataset": True})
        return SFTTrainer(args=args, train_dataset=Dataset.from_list(sft_rows(rows)), **options)
    kept = type("Plain", (DPOTrainer,), {"_prepare_dataset": lambda self, data, *a, **k: data})
    args = DPOConfig("out", **shared)
    return kept(args=args, train_dataset=Dataset.from_list(pair_rows(rows)), **options)


def our_trainer(stage: str, folder: Path, rows: list[Any], batch: int) -> Any:
    """Return this project's trainer on Unsloth."""
    from codealign.models import load
    from codealign.params import Dpo, Sft
    from codealign.train.align import pair_loss
    from codealign.train.run import TrainJob
    from codealign.train.trainers import align_trainer, sft_trainer

    section = Sft if stage == "sft" else Dpo
    settings = section(epochs=1.0, batch_size=batch, attention="sdpa", gradient_checkpointing=True)
    model, tokenizer = load(
        str(folder), "pretrained", training=True, lora=settings.lora, attention="sdpa",
        max_length=rows[0].length, gradient_checkpointing=True,
    )  # fmt: skip
    arguments = TrainJob(stage, str(folder), "pretrained", settings, Path("out"), 0, []).arguments()
    if stage == "sft":
        return sft_trainer(model, tokenizer, rows, arguments, "unsloth")
    return align_trainer(model, tokenizer, rows, arguments, pair_loss("dpo", settings)[0], 0.1)


def child(side: str, stage: str, size: str, folder: Path, steps: int, length: int, batch: int):
    """Train and print the measures as the last line."""
    from codealign import weights

    weights.quiet_environment()
    if side == "unsloth":
        weights.require_unsloth()
    import torch
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Notes when each optimiser step has ended on the device."""

        times: list[float] = []

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.times.append(time.monotonic())

    rows = make_rows(size, steps * batch, length)
    build = our_trainer if side == "unsloth" else plain_trainer
    trainer = build(stage, folder, rows, batch)
    trainer.add_callback(Clock())
    trainer.train()
    skipped = max(1, steps // 4)
    seconds = Clock.times[-1] - Clock.times[skipped - 1]
    sequences = batch * (2 if stage == "dpo" else 1)
    tokens = (steps - skipped) * sequences * length
    memory = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
    total = sum(p.numel() for p in trainer.model.parameters())
    print(json.dumps({"rate": tokens / seconds, "memory": memory, "parameters": total}))


def utilisation(stage: str, rate: float, found: dict, size: str, length: int) -> str:
    """Return the share of the device's peak that the model's own arithmetic takes.

    A token of a sequence of length L costs 2 N + 2 l d L floating-point operations forward (N
    weights, l layers of width d, causal attention) and, with frozen base weights, as many backward
    for the activations; LoRA's own share is small. Recomputation is not counted. TRL's DPO reads
    each sequence once more with the reference in every step; ours does so before training, outside
    of the steps that are timed: it is counted for neither.
    """
    import torch

    hidden, _, layers, _, _ = SIZES[size]
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    peak = next((flops for part, flops in PEAK.items() if part in name), None)
    if peak is None:
        return "unknown device"
    each = 2 * (2 * found["parameters"] + 2 * layers * hidden * length)
    return f"{rate * each / peak:.1%}"


def main() -> None:
    """Measure both sides and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--child", nargs=3, metavar=("SIDE", "STAGE", "FOLDER"))
    args = parser.parse_args()
    shape = (args.steps, args.length, args.batch)
    if args.child:
        side, stage, folder = args.child
        return child(side, stage, args.size, Path(folder), *shape)
    from codealign.provenance import header

    print("command:", " ".join(sys.argv))
    with tempfile.TemporaryDirectory() as name:
        make_model(args.size, Path(name))
        print(json.dumps({k: v for k, v in header().items() if k in ("device", "versions")}))
        print("| stage | side | tokens/s | peak memory, GiB | MFU |\n|---|---|---|---|---|")
        for stage in ("sft", "dpo"):
            for side in ("trl", "unsloth"):
                command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
                command += ["--child", side, stage, name]
                done = subprocess.run(command, capture_output=True, text=True, cwd=name)
                if done.returncode:
                    sys.exit(done.stderr)
                found = json.loads(done.stdout.splitlines()[-1])
                mfu = utilisation(stage, found["rate"], found, args.size, args.length)
                memory = found["memory"] / 2**30
                print(f"| {stage} | {side} | {found['rate']:,.0f} | {memory:.1f} | {mfu} |")
    return None


if __name__ == "__main__":
    main()
