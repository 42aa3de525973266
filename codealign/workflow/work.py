"""What the jobs of a plan have to do: completions, trained tokens, programs, judged answers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from codealign.additions import own_benchmarks, own_dimension
from codealign.analysis.scores import benchmark
from codealign.errors import CodealignError, nearest
from codealign.evaluate.judges import ANSWER_FIRST, PYTHON, STATIC
from codealign.params import Codal, Functional, Params, Prefs, Resources, Training, validate
from codealign.paths import DATA, short_name
from codealign.prefs.ratings import needs_judge
from codealign.records import count_lines
from codealign.registry import places_of, shape_of, stored_parameters
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job


@cache
def assumed() -> dict[str, Any]:
    """Return the assumptions in `data/plan_rates.yaml`."""
    return yaml.safe_load((DATA / "plan_rates.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Work:
    """What one job does; `units` is what its time is measured by.

    A unit is a response (01), a trained example (02, 03), a problem (04, 05) or the job itself.
    `flops` are operations per trained token and parameter; `judged` are the ratings by judge, those
    of a language model at a server alone; `bytes` is what the job leaves on disk.
    """

    units: float = 1.0
    generated: float = 0.0
    trained: float = 0.0
    flops: float = 0.0
    programs: float = 0.0
    seconds: float = 0.0
    judged: dict[str, float] = field(default_factory=dict)
    bytes: float = 0.0


def parameters_of(model: str) -> float:
    """Return the number of a model's parameters.

    By its shape; else by the tensors in its folder; else by its name.

    Raises
    ------
    CodealignError
        None of these is known.
    """
    if shape := shape_of(model):
        return shape.parameters
    if stored := max(stored_parameters(place) for place in places_of(model)):
        return stored
    size = re.search(r"(\d+(?:\.\d+)?)([bBmM])(?![a-zA-Z])", short_name(model))
    if not size:
        raise CodealignError(
            f"plan: {model}: neither a configuration on this machine nor its name tells its size; "
            f"fetch its config.json (`hf download {model} config.json`), or name it e.g. mine-7b"
        )
    return float(size[1]) * (1e9 if size[2] in "bB" else 1e6)


def work_of(job: Job, prefs: Prefs) -> Work:
    """Return what a job does.

    Parameters
    ----------
    prefs : settings of the preference data that the job's training uses.
    """
    about, given = NOTEBOOKS[job.notebook], job.parameters
    if about.section == "prefs":
        settings = validate(Prefs, given["prefs"], job.name)
        return _preferences(settings, given["requirement"])
    if about.trains:
        return _training(job_training(job), given.get("stage", "sft"), prefs, given["model"])
    if about.section == "functional":
        return _functional(validate(Functional, given["functional"], job.name))
    if about.section == "codal":
        return _codal(validate(Codal, given["codal"], job.name))
    return Work(seconds=assumed()["light_s"])


def job_training(job: Job) -> Training:
    """Return the settings that a job of SFT or of an alignment has in common with the others."""
    stage, given = job.parameters.get("stage"), job.parameters
    settings = given["align"][stage] if stage else given["sft"]
    common = {key: settings[key] for key in Training.model_fields if key in settings}
    return validate(Training, common, job.name)


def device_of(resources: Resources) -> str:
    """Return the device, in `data/plan_rates.yaml`, that a job's time and memory are planned for.

    Raises
    ------
    CodealignError
        The profile names one that is not in the file.
    """
    name, known = resources.device or ("gpu" if resources.gpu else "cpu"), assumed()["devices"]
    if name not in known:
        raise CodealignError(f"resources: no device {name!r}{nearest(name, list(known))}")
    return name


def _paid(answers: float, *judges: str) -> dict[str, float]:
    """Return the ratings by each judge at a server, under the model that is paid for."""
    models = [judge.removeprefix(ANSWER_FIRST) for judge in judges if judge]
    paid = [m for m in models if m not in STATIC and not m.startswith(("local:", PYTHON))]
    return {m: answers * paid.count(m) for m in paid}


def _preferences(settings: Prefs, requirement: str) -> Work:
    share, responses = assumed()["used_share"], settings.seeds * settings.responses
    longest = settings.concepts.max_new_tokens + settings.instructions.max_new_tokens
    answers = share * responses * settings.sampling.max_new_tokens
    rated = needs_judge(settings.pairs, requirement)
    # a response is on disk as text, and again as its code and tests; a pair holds two of n
    size = answers * assumed()["bytes_per_token"] * (2 + 2 / settings.responses)
    return Work(
        units=responses,
        generated=share * settings.seeds * longest + answers,
        programs=2 * responses / settings.workers,  # with its tests, and what its tests are worth
        seconds=assumed()["start_s"],
        judged=_paid(responses, settings.pairs.judge) if rated else {},
        bytes=size + 600 * responses + 4000 * settings.seeds,
    )


def training_flops(settings: Training, kind: str) -> float:
    """Return the operations of a trained token and parameter; `kind` as in `stages`."""
    rules = assumed()["training"]
    flops = rules["lora"] + rules["checkpointing"] * settings.gradient_checkpointing
    return flops + (0 if kind == "sft" else rules["reference"])


def _training(settings: Training, kind: str, prefs: Prefs, model: str) -> Work:
    share = assumed()["used_share"]
    pairs = settings.pairs or prefs.seeds * assumed()["pairs_per_seed"]
    examples = settings.epochs * pairs
    if settings.max_steps > 0:
        examples = settings.max_steps * settings.batch_size * settings.accumulation
    tokens = share * prefs.sampling.max_new_tokens + prefs.instructions.max_new_tokens
    sides = 1 if kind == "sft" else 2
    rank = settings.lora.r / 16
    adapter = assumed()["adapter_share"] * rank * parameters_of(model) * 4
    return Work(
        units=examples,
        trained=examples * sides * min(tokens, settings.max_length),
        flops=training_flops(settings, kind),
        seconds=assumed()["start_s"],
        bytes=adapter * assumed()["adapter_copies"],
    )


def _functional(settings: Functional) -> Work:
    problems = problems_of(settings)
    testing = problems * assumed()["problem_s"][settings.data] / settings.workers
    return Work(
        units=problems,
        generated=problems * assumed()["used_share"] * settings.max_new_tokens,
        seconds=assumed()["start_s"] + testing,
        bytes=problems * 4000,
    )


def problems_of(settings: Functional) -> int:
    """Return the number of problems of the benchmarks of the settings."""
    from codealign.evaluate.functional.registry import expand, load

    names = expand(settings.benchmarks)
    return sum(
        len(load(name, settings.data, limit=settings.limit))
        if settings.embedded or name in own_benchmarks()
        else min(settings.limit or 10**9, benchmark(name).n)
        for name in names
    )


def sizes_of(params: Params) -> dict[str, int]:
    """Return the problems of each benchmark of the scores that a profile evaluates."""
    from codealign.analysis.cells import MEMBERS
    from codealign.evaluate.codal import load_problems
    from codealign.evaluate.functional.registry import expand
    from codealign.evaluate.functional.results import TWO_SUITES

    sizes = {}
    if "functional" in params.requirements:
        for name in expand(params.functional.benchmarks):
            own = params.functional.model_copy(update={"benchmarks": [name]})
            sizes[f"{name}_plus" if name in TWO_SUITES else name] = problems_of(own)
    if "non_functional" in params.requirements:
        limit = params.codal.limit or 10**9
        every = dict.fromkeys(MEMBERS["non_functional"], benchmark("codal").n // 5)
        if params.codal.embedded:
            count = Counter(f"codal_{p.dimension}" for p in load_problems(params.codal.data))
            every = {name: count[name] for name in every}
        sizes |= {name: min(n, limit) for name, n in every.items()}
    return {name: n for name, n in sizes.items() if any(name in m for m in MEMBERS.values())}


def _codal(settings: Codal) -> Work:
    problems = min(5 * settings.limit or 10**9, benchmark("codal").n)
    for name in settings.dimensions:
        problems += min(settings.limit or 10**9, count_lines(own_dimension(name).path))
    return Work(
        units=problems,
        generated=problems * assumed()["used_share"] * settings.max_new_tokens,
        seconds=assumed()["start_s"],
        judged=_paid(problems, settings.judge, settings.second_judge),
        bytes=problems * 8000,
    )
