"""One training run: arguments, progress, checkpoints that survive a kill, the finished adapter."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codealign.errors import CodealignError
from codealign.models import load, uses_chat
from codealign.params import Training
from codealign.params.training import check_logging
from codealign.records import Pair, from_json, label_noise, stable_id, to_json, write_text
from codealign.registry import identity, shape_of
from codealign.train import checkpoints, processes, trackers
from codealign.train.data import Tokens, check_truncated, tokenize
from codealign.train.readme import model_card
from codealign.weights import bf16_is_fast

ACTIVATIONS = 2**29
"""Bytes that the layers may keep for the gradients of what a CPU computes at once."""


@dataclass(frozen=True)
class TrainResult:
    """What a training run did.

    `loss` is the last logged one, in nats (SFT: mean over tokens; alignment: mean over pairs);
    `tokens` counts every token read in training, padding excluded; `seconds` is the time trained,
    that before an interruption included; `truncated` of `examples` pairs were cut. `target` is
    BoNBoN's target gap in nats, else None; `gap` that reached by an alignment (`reached_gap`);
    `noise` the share of the chosen responses that hidden tests refuse, None without such tests.
    """

    stage: str
    model: str
    variant: str
    examples: int
    truncated: int
    steps: int
    loss: float
    tokens: int
    seconds: float
    adapter: str
    log: str
    fingerprint: str
    target: float | None = None
    gap: float | None = None
    noise: float | None = None


@dataclass(frozen=True)
class TrainJob:
    """What decides a training run; `start` is the adapter it starts from, or ""."""

    stage: Literal["sft", "dpo", "bonbon"]
    model: str
    variant: str
    settings: Training
    out: Path
    seed: int
    pairs: Sequence[Pair]
    start: str = ""

    @property
    def name(self) -> str:
        """What the run is called where it is tracked, e.g. `nano-pretrained-functional-dpo`."""
        return "-".join(self.out.parts[-4:])

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def log(self) -> Path:
        return self.out / "trainer_log.jsonl"

    def fingerprint(self) -> str:
        """Return a hash of everything the trained adapter depends on, but the code."""
        start = read_result(self.start) if self.start else None
        return stable_id(
            self.stage,
            identity(self.model, self.variant),
            self.variant,
            self.settings.model_dump_json(exclude={"report_to"}),
            self.seed,
            start.fingerprint if start else "",
            *(to_json(pair) for pair in self.pairs),
        )

    def finished(self) -> TrainResult | None:
        """Return the result of an earlier run of this very job, if it has finished."""
        result = read_result(self.out)
        if result is None or result.fingerprint != self.fingerprint():
            return None
        return dataclasses.replace(result, adapter=str(self.out), log=str(self.log))

    def load(self) -> tuple[Any, Any, list[Tokens]]:
        """Return the model to train, its tokenizer and the pairs as its tokens.

        Makes the folder ready: drops checkpoints of another job and those cut short by a kill.

        Raises
        ------
        CodealignError
            No pairs; too many truncated; fewer steps than `logging_steps`; the model, the backend
            or a tracker is unavailable.
        """
        s = self.settings
        processes.check_backend(s.backend)
        trackers.require(s.report_to)
        model, tokenizer = load(
            self.model,
            self.variant,
            self.start or None,
            backend=s.backend,
            training=True,
            lora=s.lora,
            attention=s.attention,
            max_length=s.max_length,
            gradient_checkpointing=s.gradient_checkpointing,
            seed=self.seed % 2**32,
        )
        chat = uses_chat(self.model, self.variant)
        rows = tokenize(self.pairs, tokenizer, s.max_length, chat=chat)
        check_truncated(rows, s.max_length, s.max_truncated)
        try:
            check_logging(s.logging_steps, self.steps(len(rows)))
        except ValueError as error:
            raise CodealignError(f"{self.stage}: {error}") from None
        if processes.is_main():
            self.out.mkdir(parents=True, exist_ok=True)
            (self.out / "training.json").unlink(missing_ok=True)
            if checkpoints.claim(self.checkpoints, self.fingerprint()):
                shutil.rmtree(self.out / "tensorboard", ignore_errors=True)
        return model, tokenizer, rows

    def steps(self, examples: int) -> int:
        """Return the optimiser steps of the whole training, as the trainer counts them."""
        s = self.settings
        batches = math.ceil(examples / (s.batch_size * processes.count()))
        whole = math.ceil(s.epochs * math.ceil(batches / s.accumulation))
        return s.max_steps if s.max_steps > 0 else whole

    def parts(self, rows: Sequence[Tokens]) -> int:
        """Return into how many parts a device step is divided on a CPU, for `ACTIVATIONS`.

        Parts are like `accumulation`: the step's gradient is the same but for rounding. A CPU gains
        nothing from larger ones. They have equally many examples, so that their number divides
        the batch size. 1 with gradient checkpointing, which keeps little; of a model whose
        dimensions are unknown; and of several processes, whose last batches are filled up with
        examples of the first, as many as a batch lacks.
        """
        s, shape = self.settings, shape_of(self.model)
        if shape is None or s.gradient_checkpointing or processes.count() > 1:
            return 1
        longest = max((row.length for row in rows), default=0)
        scores = shape.heads * longest / 2  # of a token with those before it, on average
        sides = 1 if self.stage == "sft" else 2
        example = sides * longest * 4 * shape.layers * (shape.saved(s.lora.r) + scores)
        wanted = min(s.batch_size, math.ceil(s.batch_size * example / ACTIVATIONS))
        return next(n for n in range(max(1, wanted), s.batch_size + 1) if s.batch_size % n == 0)

    def arguments(self, rows: Sequence[Tokens]) -> dict[str, Any]:
        """Return the trainer's arguments; every one is set, as Unsloth changes the defaults."""
        import torch

        s, gpu = self.settings, torch.cuda.is_available()
        bf16, parts = s.bf16 and bf16_is_fast(), 1 if gpu else self.parts(rows)
        return {
            "output_dir": str(self.checkpoints),
            "num_train_epochs": s.epochs,
            "max_steps": s.max_steps,
            "per_device_train_batch_size": s.batch_size // parts,
            "gradient_accumulation_steps": s.accumulation * parts,
            "learning_rate": s.learning_rate,
            "lr_scheduler_type": s.schedule,
            "warmup_steps": s.warmup_steps,
            "weight_decay": 0.0,
            "max_grad_norm": s.max_grad_norm,
            "optim": "adamw_torch_fused",
            "bf16": bf16,
            "fp16": gpu and s.bf16 and not bf16,
            "gradient_checkpointing": s.gradient_checkpointing,
            "max_length": None,  # done, and counted, in `data`
            "seed": self.seed % 2**32,
            "use_cpu": not gpu,
            "dataloader_pin_memory": gpu,
            "remove_unused_columns": False,
            "include_num_input_tokens_seen": "non_padding",
            "logging_steps": s.logging_steps,
            "logging_nan_inf_filter": False,
            "save_steps": s.save_steps,
            "save_total_limit": 2,
            "report_to": s.report_to or "none",
            "run_name": self.name,
            "project": "codealign",
            "ddp_find_unused_parameters": False,
            "disable_tqdm": True,
            "log_level": "error",
        }

    def run(self, trainer: Any, tokenizer: Any, rows: Sequence[Tokens], **more: Any) -> TrainResult:
        """Train from the last whole checkpoint, write the adapter, and return what was done.

        Of several processes the main one writes; all return the result.
        """
        from transformers import PrinterCallback

        from codealign.train.callbacks import Checkpoints, LogFile, ProgressBar

        trainer.remove_callback(PrinterCallback)
        for callback in (Checkpoints(), LogFile(self.log), ProgressBar(self.stage)):
            trainer.add_callback(callback)
        trainer.accelerator.wait_for_everyone()  # the main process may still clear old checkpoints
        trackers.place(trainer, self.out / "tensorboard")
        with checkpoints.full_disk_explained(self.out):
            trainer.train(resume_from_checkpoint=checkpoints.last(self.checkpoints))
            result = self._result(trainer, sum(row.truncated for row in rows), **more)
            if processes.is_main():
                self._write(trainer.model, tokenizer, result)
        trainer.accelerator.wait_for_everyone()
        return result

    def _write(self, model: Any, tokenizer: Any, result: TrainResult) -> None:
        model.save_pretrained(str(self.out), selected_adapters=["default"])
        tokenizer.save_pretrained(str(self.out))
        loaded = getattr(model.config, "_commit_hash", None) or ""
        card = model_card(result, self.settings, self.seed, loaded)
        write_text(self.out / "README.md", card)
        write_text(self.out / "training.json", json.dumps(dataclasses.asdict(result), indent=1))
        shutil.rmtree(self.checkpoints)

    def _result(self, trainer: Any, truncated: int, **more: Any) -> TrainResult:
        history = trainer.state.log_history
        return TrainResult(
            stage=self.stage,
            model=self.model,
            variant=self.variant,
            examples=len(self.pairs),
            truncated=truncated,
            steps=trainer.state.global_step,
            loss=[entry["loss"] for entry in history if "loss" in entry][-1],
            tokens=int(trainer.state.num_input_tokens_seen),
            seconds=history[-1]["elapsed_s"],
            adapter=str(self.out),
            log=str(self.log),
            fingerprint=self.fingerprint(),
            gap=reached_gap([entry["gap"] for entry in history if "gap" in entry]),
            noise=label_noise(self.pairs),
            **more,
        )


def reached_gap(gaps: Sequence[float]) -> float | None:
    """Return the mean of the last tenth of the logged gaps (nats), at least five; None of none.

    A step's gap is that of its own few pairs, before it learns from them.
    """
    last = gaps[-max(5, len(gaps) // 10) :]
    return sum(last) / len(last) if last else None


def read_result(folder: Path | str) -> TrainResult | None:
    """Return the result in an adapter's folder, or None if no training has finished there."""
    path, adapter = Path(folder) / "training.json", Path(folder) / "adapter_model.safetensors"
    if not (path.exists() and adapter.exists()):
        return None
    return from_json(path.read_text(encoding="utf-8"), TrainResult, str(path))
