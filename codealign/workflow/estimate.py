"""`codealign plan`: what a profile will take, before anything starts.

Time is taken from a finished run of the same models where there is one (seconds per unit of each
notebook), else from the assumptions in `data/plan_rates.yaml`, which say where they are from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.judges.spending import price_of
from codealign.params import Params, Prefs, validate
from codealign.registry import check_variants, hub_places, references
from codealign.workflow.markers import PARAMS, read_result
from codealign.workflow.memory import Memory, memory_lines, plan_memory
from codealign.workflow.plan import Job, make_plan, read_plan
from codealign.workflow.rates import Rates
from codealign.workflow.work import Work, assumed, device_of, parameters_of, work_of


@dataclass(frozen=True)
class NotebookEstimate:
    """One notebook's share of a plan; hours are of all its jobs, one after another."""

    notebook: str
    jobs: int
    units: float
    generated_tokens: float
    trained_tokens: float
    hours: float
    gpu_hours: float
    gigabytes: float
    measured: bool


@dataclass(frozen=True)
class Estimate:
    """A plan with what it will take; `weights_gb` is what must be fetched, `usd` the judges' price.

    `usd` is None if a judge's price is not known. `memory` is that of each step on a GPU; `notes`
    say what the numbers rest on.
    """

    profile: str
    models: int
    seeds: int
    responses: int
    lines: list[NotebookEstimate]
    weights_gb: float
    judged: int
    usd: float | None
    memory: list[Memory]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as plain data, with its totals."""
        totals = {key: self.total(key) for key in ("jobs", "hours", "gpu_hours", "gigabytes")}
        memory = [one.to_json() for one in self.memory]
        return {**asdict(self), "memory": memory, "totals": totals}

    def total(self, key: str) -> float:
        """Return the sum of a column."""
        return sum(getattr(line, key) for line in self.lines)


def estimate(
    params: Params,
    run: Path | None = None,
    price: tuple[float, float] = (0.0, 0.0),
    pace: Rates | None = None,
) -> Estimate:
    """Return what a profile will take.

    Parameters
    ----------
    run : a finished run to take the time from; None takes the assumptions.
    price : US dollars per million tokens sent to a judge and received; (0, 0) takes the
        profile's price, or else the listed one.
    pace : this machine's, measured; None takes the assumptions.

    Raises
    ------
    CodealignError
        The run has other models, or a model's size is unknown.
    """
    params = params.model_copy(update={"models": references(params.models)})
    for model in params.models:
        check_variants(model, params.variants)
    rates = measured_rates(run, params.models) if run else {}
    groups: dict[str, list[tuple[Job, Work]]] = defaultdict(list)
    jobs = make_plan(params)
    for job in jobs:
        groups[job.notebook].append((job, work_of(job, params.prefs)))
    lines = [_line(notebook, own, rates, pace) for notebook, own in sorted(groups.items())]
    judged: Counter[str] = Counter()
    for own in groups.values():
        for _, work in own:
            judged.update(work.judged)
    usd, price_notes = _price(params, judged, price)
    first = [job for job in jobs if job.notebook == "01_preferences"]
    seeds = [job.parameters["prefs"]["seeds"] for job in first]
    answers = [job.parameters["prefs"]["responses"] for job in first]
    return Estimate(
        profile=params.profile,
        models=len(params.models) * len(params.variants),
        seeds=sum(seeds),
        responses=sum(s * n for s, n in zip(seeds, answers, strict=True)),
        lines=lines,
        weights_gb=_weights_gb(params),
        judged=round(judged.total()),
        usd=usd,
        memory=plan_memory(params),
        notes=[*_notes(lines, run, _devices(jobs, rates)), *price_notes],
    )


def measured_rates(run: Path, models: Iterable[str]) -> dict[str, float]:
    """Return the seconds that one unit of each notebook took in a run.

    Raises
    ------
    CodealignError
        The run has no plan or no finished job, or jobs of models that `models` lacks.
    """
    measured: dict[str, list[tuple[float, float]]] = defaultdict(list)
    prefs = Prefs()
    for job in read_plan(run):
        seconds, given = read_result(run, job.name).get("seconds"), job.parameters
        if not seconds:  # not finished, or 0 of a job that a gate kept from running
            continue
        if given.get("model") not in (None, *models):
            raise CodealignError(f"{run}: has jobs of model {given['model']}, the profile has not")
        frozen = run / "jobs" / job.name / PARAMS
        prefs = validate(Prefs, given["prefs"], str(frozen)) if "prefs" in given else prefs
        measured[job.notebook].append((seconds, work_of(job, prefs).units))
    if not measured:
        raise CodealignError(f"{run}: no finished job; plan without --measured")
    return {n: sum(s for s, _ in pairs) / sum(u for _, u in pairs) for n, pairs in measured.items()}


def _line(
    notebook: str, jobs: list[tuple[Job, Work]], rates: dict[str, float], pace: Rates | None
) -> NotebookEstimate:
    seconds = [
        work.units * rates[notebook] if notebook in rates else _seconds(job, work, pace)
        for job, work in jobs
    ]
    gpu = sum(s * job.resources.gpu for s, (job, _) in zip(seconds, jobs, strict=True))
    return NotebookEstimate(
        notebook=notebook,
        jobs=len(jobs),
        units=sum(work.units for _, work in jobs),
        generated_tokens=sum(work.generated for _, work in jobs),
        trained_tokens=sum(work.trained for _, work in jobs),
        hours=sum(seconds) / 3600,
        gpu_hours=gpu / 3600,
        gigabytes=sum(work.bytes for _, work in jobs) / 1e9,
        measured=notebook in rates,
    )


def _seconds(job: Job, work: Work, pace: Rates | None = None) -> float:
    if pace:
        # The measured start takes the place of the assumed one, which `work.seconds` holds.
        testing = work.seconds - (assumed()["start_s"] if "model" in job.parameters else 0)
        training = work.trained * work.flops / (pace.flops * pace.trained)
        started = pace.start_s + testing + work.programs * pace.execution_s
        return started + work.generated / pace.generated + training
    device = assumed()["devices"][device_of(job.resources)]
    seconds = work.seconds + work.programs * assumed()["execution_s"]
    if "model" not in job.parameters:
        return seconds
    size = parameters_of(job.parameters["model"])
    generating = device["generated_tokens"] * device["at_parameters"] / size
    training = device["flops"] * device["utilisation"] / (size * max(work.flops, 1))
    return seconds + work.generated / generating + work.trained / training


def _weights_gb(params: Params) -> float:
    """Return the size of the weights to fetch: two bytes per parameter, each variant on the hub."""
    fetched = {m: hub_places(m, params.variants) for m in params.models}
    return sum(2 * parameters_of(m) * len(places) for m, places in fetched.items() if places) / 1e9


def _price(
    params: Params, judged: Counter[str], given: tuple[float, float]
) -> tuple[float | None, list[str]]:
    """Return the dollars for ratings by each judge, None if a price is not known, and notes."""
    codal = params.codal
    own = given if any(given) else (codal.price_input, codal.price_output)
    sent, received = assumed()["judge_prompt_tokens"], assumed()["judge_reply_tokens"]
    usd, notes = 0.0, []
    for judge, count in judged.items():
        price = price_of(judge, codal.base_url, own, codal.batch)
        if price is None:
            return None, [f"price of judge {judge} not known: give --price IN OUT"]
        usd += price.of(count * sent, count * received)
        notes.append(
            f"judge {judge}: {price.input:g} and {price.output:g} USD per million tokens "
            f"({price.source}), {sent} sent and {received} received a rating (assumed)"
        )
    return usd, notes


def _devices(jobs: list[Job], rates: dict[str, float]) -> list[str]:
    """Return the devices whose speed is assumed for some job."""
    assuming = [j for j in jobs if j.notebook not in rates and "model" in j.parameters]
    return sorted({device_of(job.resources) for job in assuming})


def _notes(lines: list[NotebookEstimate], run: Path | None, devices: list[str]) -> list[str]:
    notes = [f"* measured in {run}"] if any(line.measured for line in lines) else []
    if any(not line.measured for line in lines):
        for kind in devices:
            device = assumed()["devices"][kind]
            source = " ".join(device["source"].split())
            notes.append(f"assumed: {device['name']}; {source}; read {assumed()['read']}")
        notes.append(
            f"assumed: {assumed()['used_share']:.0%} of the longest completion is used, "
            f"{assumed()['pairs_per_seed']:g} pair per seed; all assumptions: data/plan_rates.yaml"
        )
    return notes


def estimate_lines(plan: Estimate) -> list[str]:
    """Return the estimate as lines of text."""
    head = f"{'notebook':17}{'jobs':>5}{'units':>12}{'tokens':>10}{'hours':>9}{'GPU h':>9}{'GB':>8}"
    lines = [
        f"{plan.profile}: {plan.total('jobs')} jobs for {plan.models} models, "
        f"{plan.seeds:,} seeds, {plan.responses:,} responses",
        head,
    ]
    for line in plan.lines:
        tokens = (line.generated_tokens + line.trained_tokens) / 1e6
        lines.append(
            f"{line.notebook:17}{line.jobs:5}{line.units:12,.0f}{tokens:9,.1f}M"
            f"{line.hours:9,.2f}{line.gpu_hours:9,.1f}{line.gigabytes:8,.1f}"
            + ("  *" if line.measured else "")
        )
    totals = [plan.total(key) for key in ("hours", "gpu_hours", "gigabytes")]
    lines.append(f"{'all':17}{plan.total('jobs'):5}{'':22}{totals[0]:9,.2f}{totals[1]:9,.1f}"
                 f"{totals[2]:8,.1f}")  # fmt: skip
    lines.append(
        f"one after another {totals[0] / 24:,.1f} days; weights to fetch {plan.weights_gb:,.0f} GB"
    )
    cost = "not known" if plan.usd is None else f"about {plan.usd:,.2f} USD"
    lines.append(f"paid ratings: {plan.judged:,}, {cost}")
    memory = ["", *memory_lines(plan.memory), ""] if plan.memory else []
    return [*lines, *memory, *plan.notes]
