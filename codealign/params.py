"""Schema of `params/*.yaml`: one file is one profile; unknown keys are refused.

Every field has a type, a default and a description; the reference page is generated from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codealign.errors import CodealignError, nearest

Variant = Literal["pretrained", "finetuned"]
Requirement = Literal["functional", "non_functional"]
Stage = Literal["base", "sft", "dpo", "bonbon"]


class Section(BaseModel):
    """A part of the parameters; refuses unknown keys and wrong types (no silent conversion)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Generation(Section):
    """How text is sampled."""

    temperature: float = Field(0.8, ge=0, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus sampling; 1 keeps all tokens")
    max_new_tokens: int = Field(256, ge=1, description="longest completion, in tokens")
    batch_size: int = Field(64, ge=1, description="sequences generated together")


class Prefs(Section):
    """Stage 1: preference data (paper, section 3.2)."""

    corpus: str = Field("nano", description="`nano`, `stdlib` or a folder of Python source files")
    variant: Variant = Field("pretrained", description="the variant that writes the data")
    seeds: int = Field(300, ge=1, description="seed functions used")
    responses: int = Field(8, ge=2, description="sampled responses an instruction")
    shots: int = Field(0, ge=0, le=2, description="worked examples before each prompt")
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    base_url: str = Field("", description="server of the openai engine")
    concepts: Generation = Generation(max_new_tokens=48)
    instructions: Generation = Generation(max_new_tokens=96)
    sampling: Generation = Generation(max_new_tokens=256)
    cpu_s: float = Field(2.0, gt=0, description="CPU seconds a response may use when executed")
    sandbox: Literal["strong", "basic"] = Field(
        "strong", description="`basic` accepts weaker isolation where nothing stronger works"
    )


class Lora(Section):
    """Low-rank adapter settings; not stated in the paper."""

    r: int = Field(16, ge=1, description="rank")
    alpha: int = Field(32, ge=1, description="scaling numerator")
    dropout: float = Field(0.0, ge=0, lt=1)
    quantize: bool = Field(False, description="QLoRA: 4-bit base weights (needs a GPU)")


class Training(Section):
    """What SFT and alignment share."""

    backend: Literal["unsloth", "peft"] = "unsloth"
    epochs: float = Field(2.0, gt=0, description="the paper: 2 epochs, about 120k steps")
    max_steps: int = Field(-1, description="overrides epochs if positive")
    batch_size: int = Field(1, ge=1, description="sequences (SFT) or pairs a device step")
    accumulation: int = Field(1, ge=1, description="device steps an optimiser step")
    learning_rate: float = Field(1e-4, gt=0, description="not stated in the paper")
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = Field(
        "cosine", description="of the learning rate; not stated in the paper"
    )
    warmup_steps: int = Field(10, ge=0)
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    max_length: int = Field(1024, ge=16, description="tokens; longer examples are truncated")
    max_truncated: float = Field(0.05, ge=0, le=1, description="refuse above this share")
    gradient_checkpointing: bool = False
    attention: Literal["eager", "sdpa"] = "eager"
    bf16: bool = Field(True, description="bfloat16 autocast")
    logging_steps: int = Field(1, ge=1, description="steps between entries of the log")
    save_steps: int = Field(200, ge=1, description="steps between checkpoints")
    lora: Lora = Lora()


class Sft(Training):
    """Stage 2: supervised fine-tuning on the chosen responses."""


class Dpo(Training):
    """Stage 3: Direct Preference Optimization (Rafailov et al. 2023)."""

    beta: float = Field(0.1, gt=0, description="not stated in the paper")


class Bonbon(Training):
    """Stage 3: BoNBoN (Gui, Garbacea and Veitch 2024)."""

    alpha: float = Field(0.005, ge=0, le=1, description="weight of the SFT term")
    n: int = Field(8, ge=2, description="size of the sample the best and worst are taken from")
    target: Literal["continuous", "binary"] = Field(
        "continuous", description="reward the target gap is derived for; the paper's is continuous"
    )
    pass_rate: float = Field(
        0.5, gt=0, lt=1, description="share of responses that pass, for the binary target"
    )


class Align(Section):
    """Stage 3: the settings of each alignment technique."""

    dpo: Dpo = Dpo()
    bonbon: Bonbon = Bonbon()


class Functional(Section):
    """Stage 4: functional evaluation."""

    benchmarks: list[str] = Field(
        default=["humaneval", "mbpp", "evalperf", "evoeval"], description="as in the registry"
    )
    data: Literal["nano", "public"] = Field("public", description="`nano`: the embedded problems")
    limit: int = Field(0, ge=0, description="first problems only; 0: all")
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    cpu_s: float = Field(60.0, gt=0, description="CPU seconds the tests of a problem may use")
    workers: int = Field(1, ge=1)
    sandbox: Literal["strong", "basic"] = "strong"


class Codal(Section):
    """Stage 5: non-functional evaluation."""

    data: str = Field("coseal/codal-bench", description="`nano`, a hub data set or a local file")
    limit: int = Field(0, ge=0, description="first problems of each dimension only; 0: all")
    judge: str = Field("gpt-3.5-turbo", description="`static`, `local:<model>` or a model's name")
    second_judge: str = Field("", description="another judge, to measure agreement; empty: none")
    base_url: str = ""
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    in_flight: int = Field(8, ge=1, description="requests under way at once")


class Survey(Section):
    """Stage 6: practitioner survey and judge agreement."""

    answers: str = Field("", description="CSV of survey answers; empty: the paper's shares")
    human_ratings: str = Field("", description="CSV of human ratings; empty: none")
    bootstrap: int = Field(2000, ge=100, description="resamples of a bootstrap interval")


class Resources(Section):
    """What one notebook job of a stage needs, for the scheduler."""

    gpu: int = Field(0, ge=0)
    memory_mb: int = Field(3000, ge=1)
    minutes: int = Field(60, ge=1)
    threads: int = Field(1, ge=1)


class Params(Section):
    """One profile: everything that decides what a run computes."""

    profile: str = Field(description="name of the run folder")
    seed: int = Field(0, ge=0)
    models: list[str] = Field(default=["nano"], description="names in params/models.yaml")
    variants: list[Variant] = Field(default=["pretrained", "finetuned"])
    requirements: list[Requirement] = Field(default=["functional", "non_functional"])
    stages: list[Stage] = Field(default=["base", "sft", "dpo", "bonbon"])
    prefs: Prefs = Prefs()
    sft: Sft = Sft()
    align: Align = Align()
    functional: Functional = Functional()
    codal: Codal = Codal()
    survey: Survey = Survey()
    resources: dict[str, Resources] = Field(
        default_factory=dict, description="for each notebook, e.g. `02_sft`"
    )


AnySection = TypeVar("AnySection", bound=Section)


def validate(cls: type[AnySection], data: dict[str, Any], where: str) -> AnySection:
    """Build a section from plain data; every fault is named with its place.

    Raises
    ------
    CodealignError
        Unknown key (with the nearest valid one), missing key, wrong type or value out of range.
    """
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        lines = [_explain(cls, e, where) for e in error.errors()]
        raise CodealignError("\n".join(lines)) from None


def _explain(cls: type[Section], error: Any, where: str) -> str:
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        owner = _owner(cls, error["loc"][:-1])
        return f"{where}: unknown key {place!r}" + nearest(str(error["loc"][-1]), list(owner))
    return f"{where}: {place}: {error['msg']} (found {error['input']!r})"


def _owner(cls: type[BaseModel], loc: tuple[Any, ...]) -> dict[str, Any]:
    for part in loc:
        field = cls.model_fields.get(str(part))
        if field is None:
            continue
        args = getattr(field.annotation, "__args__", ())
        cls = args[-1] if args else field.annotation
    return cls.model_fields


def load_params(path: Path | str) -> Params:
    """Read and check one profile.

    Raises
    ------
    CodealignError
        No such file, not YAML, or a fault in it (all faults are listed, each with its key).
    """
    path = Path(path)
    if not path.exists():
        known = ", ".join(sorted(p.name for p in path.parent.glob("*.yaml"))) or "none"
        raise CodealignError(f"{path}: no such params file; {path.parent} has: {known}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CodealignError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise CodealignError(f"{path}: expected a mapping of settings, found {type(data).__name__}")
    return validate(Params, data, str(path))
