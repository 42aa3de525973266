"""SFT and DPO at real sizes with random weights: Unsloth against plain TRL + PEFT, on one GPU.

    python benchmarks/training_gpu.py --size 1.3b|7b [--steps 20] [--length 1024] [--batch 4]
    python benchmarks/training_gpu.py --size 1.3b --params params/colab_t4.yaml

With `--params`, batch, length, LoRA and 4-bit weights are a profile's. Both sides train the same
LoRA on the same random token sequences of one length, in half precision with gradient
checkpointing, each in a process of its own. The first quarter of the steps warms up and is not
counted. Printed: device and versions, then tokens per second, peak memory beside what `codealign
plan` computes for it (both without CUDA's own), and the share of the device's peak arithmetic
(model FLOP utilisation) of each; then the plan's parts. `--size tiny` runs on a CPU too: it shows
that the command works, without 4 bits, and says nothing about speed or memory.
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

from codealign.markdown import pipe_table
from codealign.models import LINEAR, shape_of
from codealign.params import Dpo, Lora, Resources, Sft, Training, load_params
from codealign.shapes import Shape
from codealign.workflow.memory import GIB, Memory, memory_lines, on_device, training_parts
from codealign.workflow.work import device_of

SIZES = {
    "tiny": Shape(hidden=64, inner=128, layers=2, heads=4, kv_heads=4, vocabulary=512),
    "1.3b": shape_of("deepseek-coder-1.3b"),
    "7b": shape_of("CodeLlama-7b"),
}
# Dense bfloat16 arithmetic of a device in FLOP/s, by a part of its name (vendor's figures).
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "4090": 165e12, "T4": 65e12}
STAGES, SIDES = ("sft", "dpo"), ("trl", "unsloth")


def settings_of(stage: str, args: argparse.Namespace) -> Training:
    """Return a stage's settings: the profile's, or those of the command line."""
    if args.params:
        params = load_params(args.params)
        return params.sft if stage == "sft" else params.align.dpo
    section = Sft if stage == "sft" else Dpo
    return section(
        epochs=1.0, batch_size=args.batch, max_length=args.length, attention="sdpa",
        gradient_checkpointing=True, lora=Lora(r=16, alpha=32),
    )  # fmt: skip


def planned(side: str, stage: str, args: argparse.Namespace) -> Memory:
    """Return what the plan computes for one side of a stage."""
    backend = "unsloth" if side == "unsloth" else "peft"
    settings = settings_of(stage, args).model_copy(update={"backend": backend})
    parts = training_parts(SIZES[args.size], settings, stage, LINEAR)
    resources = load_params(args.params).resources if args.params else {}
    notebook = "02_sft" if stage == "sft" else "03_align"
    device = device_of(resources.get(notebook, Resources(gpu=1)))
    return on_device(f"{stage} {side}", args.size, device, parts)


def make_model(size: str, folder: Path) -> None:
    """Write a random Llama of a size, and a tokenizer that is only there to be loaded."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    shape = SIZES[size]
    config = LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        max_position_embeddings=4096, bos_token_id=1, eos_token_id=2, pad_token_id=0,
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

    rng, top = random.Random(0), SIZES[size].vocabulary - 1
    draw = lambda n: [rng.randint(3, top) for _ in range(n)]  # noqa: E731
    quarter = length // 4
    return [
        Tokens(str(i), draw(quarter), draw(length - quarter), draw(length - quarter))
        for i in range(count)
    ]


def make_base(side: str, folder: Path, settings: Training) -> tuple[Any, Any]:
    """Return the model with its fresh adapter, and the tokenizer."""
    import torch

    from codealign.models import load

    lora = settings.lora
    if not torch.cuda.is_available():
        lora = lora.model_copy(update={"quantize": False})
    backend = "unsloth" if side == "unsloth" else "peft"
    return load(
        str(folder), "pretrained", backend=backend, training=True, lora=lora, attention="sdpa",
        max_length=settings.max_length, gradient_checkpointing=settings.gradient_checkpointing,
    )  # fmt: skip


def plain_trainer(stage: str, folder: Path, rows: list[Any], settings: Training) -> Any:
    """Return TRL's own trainer on a PEFT model, settings as they come but for what both share."""
    import torch
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from codealign.train import head
    from codealign.train.data import pair_rows, sft_rows
    from codealign.weights import bf16_is_fast

    head.install()
    gpu = torch.cuda.is_available()
    model, tokenizer = make_base("trl", folder, settings)
    bf16, checkpointing = gpu and bf16_is_fast(), settings.gradient_checkpointing
    shared = {"per_device_train_batch_size": settings.batch_size, "num_train_epochs": 1,
              "bf16": bf16, "fp16": gpu and not bf16, "use_cpu": not gpu, "report_to": "none",
              "save_strategy": "no", "max_length": None, "disable_tqdm": True,
              "gradient_checkpointing": checkpointing}  # fmt: skip
    options = {"model": model, "processing_class": tokenizer}
    if stage == "sft":
        args = SFTConfig("out", **shared, dataset_kwargs={"skip_prepare_dataset": True})
        return SFTTrainer(args=args, train_dataset=Dataset.from_list(sft_rows(rows)), **options)
    kept = type("Plain", (DPOTrainer,), {"_prepare_dataset": lambda self, data, *a, **k: data})
    args = DPOConfig("out", **shared)
    return kept(args=args, train_dataset=Dataset.from_list(pair_rows(rows)), **options)


def our_trainer(stage: str, folder: Path, rows: list[Any], settings: Training) -> Any:
    """Return this project's trainer on Unsloth."""
    from codealign.train.align import pair_loss
    from codealign.train.run import TrainJob
    from codealign.train.trainers import align_trainer, sft_trainer

    settings = settings.model_copy(update={"epochs": 1.0, "accumulation": 1, "report_to": []})
    model, tokenizer = make_base("unsloth", folder, settings)
    job = TrainJob(stage, str(folder), "pretrained", settings, Path("out"), 0, [])
    arguments = job.arguments(rows)
    if stage == "sft":
        return sft_trainer(model, tokenizer, rows, arguments, "unsloth")
    return align_trainer(model, tokenizer, rows, arguments, pair_loss("dpo", settings)[0], 0.1)


def child(side: str, stage: str, folder: Path, args: argparse.Namespace) -> None:
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

    settings = settings_of(stage, args)
    length, batch, steps = settings.max_length, settings.batch_size, args.steps
    rows = make_rows(args.size, steps * batch, length)
    build = our_trainer if side == "unsloth" else plain_trainer
    trainer = build(stage, folder, rows, settings)
    trainer.add_callback(Clock())
    trainer.train()
    skipped = max(1, steps // 4)
    seconds = Clock.times[-1] - Clock.times[skipped - 1]
    sequences = batch * (2 if stage == "dpo" else 1)
    tokens = (steps - skipped) * sequences * length
    memory = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
    total = sum(p.numel() for p in trainer.model.parameters())
    print(json.dumps({"rate": tokens / seconds, "memory": memory, "parameters": total}))


def utilisation(rate: float, found: dict, size: str, length: int) -> str:
    """Return the share of the device's peak that the model's own arithmetic takes.

    A token of a sequence of length L costs 2 N + 2 l d L floating-point operations forward (N
    weights, l layers of width d, causal attention) and, with frozen base weights, as many backward
    for the activations; LoRA's own share is small. Recomputation is not counted. TRL's DPO reads
    each sequence once more with the reference in every step; ours does so before training, outside
    of the steps that are timed: it is counted for neither.
    """
    import torch

    hidden, layers = SIZES[size].hidden, SIZES[size].layers
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
    parser.add_argument("--params", help="profile whose training is measured and planned")
    parser.add_argument("--child", nargs=3, metavar=("SIDE", "STAGE", "FOLDER"))
    args = parser.parse_args()
    if args.child:
        side, stage, folder = args.child
        return child(side, stage, Path(folder), args)
    from codealign.provenance import header

    args.params = str(Path(args.params).resolve()) if args.params else None
    print("command:", " ".join(sys.argv))
    with tempfile.TemporaryDirectory() as name:
        make_model(args.size, Path(name))
        print(json.dumps({k: v for k, v in header().items() if k in ("device", "versions")}))
        sides = [measure(side, stage, name, args) for stage in STAGES for side in SIDES]
    rows, plans = zip(*sides, strict=True)
    head = ["stage", "side", "tokens/s", "peak memory, GiB", "planned, GiB", "MFU"]
    print(pipe_table(head, rows))
    print(*memory_lines(plans), sep="\n")
    return None


def measure(
    side: str, stage: str, folder: str, args: argparse.Namespace
) -> tuple[list[str], Memory]:
    """Train one side of a stage in a process of its own; return its row and its plan."""
    command = [sys.executable, str(Path(__file__).resolve()), "--size", args.size]
    command += ["--steps", str(args.steps), "--length", str(args.length)]
    command += ["--batch", str(args.batch), *(["--params", args.params] if args.params else [])]
    command += ["--child", side, stage, folder]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(done.stderr)
    found, plan = json.loads(done.stdout.splitlines()[-1]), planned(side, stage, args)
    mfu = utilisation(found["rate"], found, args.size, settings_of(stage, args).max_length)
    memory = f"{found['memory'] / GIB:.2f}" if found["memory"] else "no GPU"
    own = f"{(plan.total - plan.context) / GIB:.2f}"
    row = [stage, side, f"{found['rate']:,.0f}", memory, own, mfu]
    print(*row, sep=", ", file=sys.stderr, flush=True)  # what fails later takes nothing away
    return row, plan


if __name__ == "__main__":
    main()
