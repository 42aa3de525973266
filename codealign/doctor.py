"""What this machine can do, and how to get what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codealign.paths import NANO_WEIGHTS, PROJECT

GIB = 1 << 30


@dataclass(frozen=True)
class Need:
    """One thing looked at.

    `state` says what is there or lacks; `advice` how to get it where it is missing; `better` what
    would improve on it where it is there.
    """

    name: str
    ok: bool
    state: str
    advice: str = ""
    better: str = ""

    def __str__(self) -> str:
        line = f"{'ok     ' if self.ok else 'missing'}  {self.name}: {self.state}"
        hint = self.better if self.ok else self.advice
        return f"{line}\n         -> {hint}" if hint else line


def _device() -> Need:
    import torch

    if not torch.cuda.is_available():
        advice = "needed for the paper's models, not for nano; then `make install DEVICE=gpu`"
        return Need("GPU", False, f"none; {os.cpu_count()} CPU cores", advice)
    memory = torch.cuda.get_device_properties(0).total_memory / GIB
    return Need("GPU", True, f"{torch.cuda.get_device_name()}, {memory:.0f} GiB")


def _module(name: str, use: str) -> Need:
    installed = importlib.util.find_spec(name) is not None
    return Need(name, installed, use, f"pip install --no-deps {name}")


def isolation(wanted: str = "strong") -> Need:
    """Say how well programs are kept apart here, and whether that is what is wanted or better."""
    from codealign.sandbox import capabilities

    sandbox = capabilities()
    advice = "; ".join(f"{name}: {how}" for name, how in sandbox.advice.items())
    enough = sandbox.level in ("strong", wanted)
    better = f"stronger still, {advice}" if advice else ""
    return Need("code isolation", enough, f"{sandbox.level} ({sandbox.note})", advice, better)


def _disk() -> Need:
    free = shutil.disk_usage(PROJECT).free / GIB
    return Need("disk", free > 2, f"{free:.0f} GiB free", "nano needs 2 GiB; a 7B model 40 GiB")


def _key(variable: str, use: str) -> Need:
    present = bool(os.environ.get(variable))
    advice = f"export {variable}=... if you use it; nano does not"
    return Need(variable, present, "set" if present else f"not set ({use})", advice)


def _weights() -> Need:
    missing = [
        variant
        for variant in ("pretrained", "finetuned")
        if not (NANO_WEIGHTS / variant / "model.safetensors").exists()
    ]
    state = "shipped" if not missing else f"no weights for {', '.join(missing)}"
    return Need("nano", not missing, state, "make nano (about an hour on a CPU)")


def _benchmarks() -> Need:
    from codealign.evaluate.functional.public import files
    from codealign.evaluate.functional.registry import BENCHMARKS

    lacking = [name for name in BENCHMARKS if not all(file.there for file in files(name))]
    counted = f"{len(BENCHMARKS) - len(lacking)} of {len(BENCHMARKS)} on this machine"
    advice = f"{', '.join(lacking)}: fetched when a run begins that needs them; nano does not"
    return Need("public benchmarks", not lacking, counted, advice)


def examine() -> Iterator[Need]:
    """Yield one finding for each thing a run may need."""
    yield _device()
    yield _module("unsloth", "fast training")
    yield _module("vllm", "fast generation on a GPU, optional")
    yield isolation()
    yield _weights()
    yield _benchmarks()
    yield _disk()
    yield _key("OPENAI_API_KEY", "OpenAI judge")
    yield _key("HF_TOKEN", "gated models and uploads")
    cache = Path(os.environ.get("HF_HOME", Path.home() / ".cache/huggingface"))
    yield Need("model cache", True, str(cache))
