"""GPU memory of a profile's stages, computed from the models' dimensions before anything starts.

An estimate from above: every sequence is as long as it may be, every prompt of a batch another one.
Widths in bytes: 2 in half precision, 4 in float32, 8 in float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from codealign import prompts
from codealign.params import Dpo, Functional, Params, Prefs, Sft, Training, validate
from codealign.paths import short_name
from codealign.registry import shape_of, spec
from codealign.shapes import Shape
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job, make_plan
from codealign.workflow.work import assumed, device_of, job_training

GIB = 1 << 30
NF4 = 0.5 + (1 + 4 / 256) / 64
"""Bytes per parameter in 4 bits with double quantisation: half a byte; one byte per
block of 64; one float32 per 256 blocks (Dettmers et al. 2023, QLoRA, section 3)."""
ADAPTER = 16
"""Bytes per parameter of an adapter: itself, its gradient and AdamW's two moments, in float32."""
TILE = (4096, 32768)
"""Tokens and vocabulary of a tile of logits in TRL's log-probability kernel."""
FUSED = (16, 4 * GIB)
"""Unsloth's cross-entropy: bytes per logit (value, copy, softmax, gradient) and largest chunk."""
COMPARED = 256
"""Token positions of which an alignment keeps the reference's distribution (train.trainers)."""
ROOM = 64
"""Positions by which a full key-value cache grows (generate.cache)."""


@dataclass(frozen=True)
class Memory:
    """What one step of a stage takes on its device, in bytes.

    Parameters
    ----------
    step : e.g. `03_align dpo`, `01_preferences response`.
    limit : what the device has; 0 if that is not known.
    weights : the base model's. adapter : with gradients and optimiser state.
    activations : what the backward pass, or the reading of the prompts, holds at once.
    head : logits and what is made of them. cache : keys and values. context : CUDA's own.
    reserve : a share of the rest, for fragments.
    """

    step: str
    model: str
    device: str
    limit: float
    weights: float
    adapter: float = 0.0
    activations: float = 0.0
    head: float = 0.0
    cache: float = 0.0
    context: float = 0.0
    reserve: float = 0.0

    @property
    def total(self) -> float:
        """All of it, in bytes."""
        own = (self.weights, self.adapter, self.activations, self.head, self.cache)
        return sum(own) + self.context + self.reserve

    @property
    def fits(self) -> bool:
        """Whether the device has that much; a device whose memory is not known is not judged."""
        return not self.limit or self.total <= self.limit

    def to_json(self) -> dict[str, Any]:
        """Return the parts as plain data, in bytes, with total and verdict."""
        return {**asdict(self), "total": self.total, "fits": self.fits}


def weights_bytes(shape: Shape, quantize: bool, backend: str = "unsloth") -> float:
    """Return the bytes of the base weights.

    In 4 bits are the blocks' linear layers alone. Embedding, head and norms keep half precision
    with Unsloth; PEFT's `prepare_model_for_kbit_training` turns them into float32.
    """
    if not quantize:
        return 2.0 * shape.parameters
    return NF4 * shape.matrices + (4 if backend == "peft" else 2) * shape.rest


def block_bytes(shape: Shape, tokens: int, rank: int = 0) -> float:
    """Return what one block saves for its backward pass, with attention that keeps no scores.

    Per token `Shape.saved` in half precision; in float32 the two norms' inputs and attention's
    normaliser. `tests/workflow/test_memory.py` holds it against the tensors that autograd saves.
    """
    return tokens * (2 * shape.saved(rank) + 4 * (2 * shape.hidden + shape.heads))


def activation_bytes(shape: Shape, tokens: int, settings: Training) -> float:
    """Return what the backward pass holds at once.

    With checkpointing each block keeps its input (in float32 where PEFT has turned the embedding
    into it; Unsloth moves part of it to the host, which is not counted off), and one block at a
    time is computed again; without it every block keeps all. Besides: the gradients of a block's
    three widest vectors, and in 4 bits the largest matrix in half precision.
    """
    lora, block = settings.lora, block_bytes(shape, tokens, settings.lora.r)
    passing = 2.0 * 3 * shape.inner * tokens
    if lora.quantize:
        passing += 2.0 * max(a * b for a, b in shape.linear.values())
    if not settings.gradient_checkpointing:
        return shape.layers * block + passing
    width = 4 if lora.quantize and settings.backend == "peft" else 2
    return width * shape.layers * tokens * shape.hidden + block + passing


def head_bytes(shape: Shape, tokens: int, stage: str, backend: str) -> float:
    """Return the bytes of the logits, which are never whole, and of the hidden states' gradient.

    SFT with Unsloth computes its fused cross-entropy in chunks (`FUSED`); all else goes through
    TRL's kernel, tile by tile in half precision (`TILE`). An alignment keeps the reference's
    log-probabilities of some positions in float32, and makes two like it at a time. The reference
    itself is the model before training: no second copy, and its pass keeps no gradients.
    """
    gradient = 4.0 * tokens * shape.hidden
    if stage == "sft" and backend == "unsloth":
        return gradient + min(FUSED[0] * tokens * shape.vocabulary, FUSED[1])
    tile = 2.0 * min(tokens, TILE[0]) * min(shape.vocabulary, TILE[1])
    kept = 0 if stage == "sft" else 3 * 4 * COMPARED * shape.vocabulary
    return gradient + tile + kept


def training_parts(
    shape: Shape, settings: Training, stage: str, modules: list[str]
) -> dict[str, float]:
    """Return the parts of a training step; an alignment reads two sequences per pair."""
    sequences = settings.batch_size * (1 if stage == "sft" else 2)
    tokens = sequences * settings.max_length
    return {
        "weights": weights_bytes(shape, settings.lora.quantize, settings.backend),
        "adapter": ADAPTER * shape.adapter(settings.lora.r, modules),
        "activations": activation_bytes(shape, tokens, settings),
        "head": head_bytes(shape, tokens, stage, settings.backend),
    }


def cache_bytes(shape: Shape, sequences: int, positions: int) -> float:
    """Return the bytes of keys and values; while a layer's buffers grow, it has them twice."""
    layer = 2.0 * 2 * shape.key * sequences * (positions + ROOM)
    return (shape.layers + 1) * layer


def generation_parts(shape: Shape, batch: int, prompt: int, new: int) -> dict[str, float]:
    """Return the parts of generating with transformers, in half precision, an adapter merged in.

    Reading the prompts holds three inner and four hidden vectors per token; choosing a token makes
    of its logits four arrays in float64.
    """
    tokens = batch * prompt
    return {
        "weights": 2.0 * shape.parameters,
        "activations": 2.0 * tokens * (3 * shape.inner + 4 * shape.hidden),
        "head": (2 + 4 * 8.0) * batch * shape.vocabulary,
        "cache": cache_bytes(shape, batch, prompt + new),
    }


def plan_memory(params: Params) -> list[Memory]:
    """Return `memory_of` every job of a profile."""
    return memory_of(make_plan(params))


def memory_of(jobs: Iterable[Job]) -> list[Memory]:
    """Return what each step takes on its GPU, of each notebook's largest model.

    Steps without a GPU, on another engine than transformers, or of a model of unknown shape are
    left out.
    """
    largest: dict[str, Memory] = {}
    for job in jobs:
        model = job.parameters.get("model", "")
        if not model or not job.resources.gpu:
            continue
        shape = shape_of(model)
        for step, parts in _steps(job, shape, spec(model).target_modules) if shape else ():
            memory = on_device(step, short_name(model), device_of(job.resources), parts)
            largest[step] = max(largest.get(step, memory), memory, key=lambda m: m.total)
    return [largest[step] for step in sorted(largest)]


def default_memory(name: str, shape: Shape) -> dict[str, float]:
    """Return what generation, SFT and DPO with the default settings take on a GPU, in GiB."""
    modules = spec(name).target_modules
    prompt, sizes = assumed()["prompt_tokens"]["functional"], Functional()
    generation = generation_parts(shape, sizes.batch_size, prompt, sizes.max_new_tokens)
    work = {
        "generation": generation,
        "SFT": training_parts(shape, Sft(), "sft", modules),
        "DPO": training_parts(shape, Dpo(), "dpo", modules),
    }
    return {kind: on_device(kind, name, "gpu", p).total / GIB for kind, p in work.items()}


def on_device(step: str, model: str, device: str, parts: dict[str, float]) -> Memory:
    """Return the memory of a step's parts on a device of `data/plan_rates.yaml`."""
    sizes = assumed()["gpu_memory"]
    context, reserve = sizes["context_gib"] * GIB, sizes["reserve"] * sum(parts.values())
    limit = assumed()["devices"][device].get("memory_gib", 0) * GIB
    return Memory(step, model, device, limit, **parts, context=context, reserve=reserve)


def _steps(job: Job, shape: Shape, modules: list[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the steps of a job with their parts."""
    about, given = NOTEBOOKS[job.notebook], job.parameters
    if about.trains:
        stage = given.get("stage", "sft")
        name = job.notebook if stage == "sft" else f"{job.notebook} {stage}"
        yield name, training_parts(shape, job_training(job), stage, modules)
    elif about.section == "prefs":
        settings = validate(Prefs, given["prefs"], job.name)
        sampled = {
            "concepts": settings.concepts,
            "instruction": settings.instructions,
            "response": settings.sampling,
        }
        for step, one in sampled.items() if settings.engine == "transformers" else ():
            prompt = round(_prompt_tokens(settings, step))
            parts = generation_parts(shape, one.batch_size, prompt, one.max_new_tokens)
            yield f"{job.notebook} {step}", parts
    else:
        prompt, sizes = assumed()["prompt_tokens"][about.section], given[about.section]
        batch, new = sizes["batch_size"], sizes["max_new_tokens"]
        yield job.notebook, generation_parts(shape, batch, prompt, new)


def _prompt_tokens(settings: Prefs, step: str) -> float:
    """Return the tokens of a step's longest prompt: its longest template and what is put in."""
    put_in = {
        "concepts": assumed()["prompt_tokens"]["seed"],
        "instruction": settings.concepts.max_new_tokens,
        "response": settings.instructions.max_new_tokens,
    }
    folder = prompts.template_set(settings.templates).folder
    longest = max(path.stat().st_size for path in folder.glob(f"{step}*.txt"))
    return longest / assumed()["bytes_per_token"] + put_in[step]


def memory_lines(steps: list[Memory]) -> list[str]:
    """Return the memory of each step as lines of text, in GiB, with a verdict."""
    parts = ("weights", "adapter", "activations", "head", "cache", "context", "reserve", "total")
    lines = [f"{'GPU memory, GiB':27}" + "".join(f" {part:>7}" for part in parts)]
    for one in steps:
        sizes = "".join(f" {getattr(one, part) / GIB:>{max(7, len(part))}.2f}" for part in parts)
        verdict = "fits" if one.fits else "over"
        judged = f"  {verdict} {one.limit / GIB:.1f} of {one.device}" if one.limit else ""
        lines.append(f"{one.step:27}{sizes}{judged}")
    return lines
