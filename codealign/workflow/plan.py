"""The plan of a run: which notebook runs with which parameters, and what it needs.

A plan is frozen on disk before anything starts: for each job `jobs/<job>/params.yaml`, which its
notebook gets, and one `plan.lock.json`. What of it is to run, `state` judges.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from codealign.cell import Cell
from codealign.errors import CodealignError, nearest
from codealign.params import Params, Resources
from codealign.paths import MADE, PROJECT, RunPaths, notebook_of, part_folder, short_name
from codealign.records import write_text
from codealign.registry import references
from codealign.workflow.code import notebook_parameters
from codealign.workflow.markers import PARAMS
from codealign.workflow.notebooks import EVALUATION, NOTEBOOKS


@dataclass(frozen=True)
class Job:
    """One notebook with its parameters; `needs` names the jobs whose results it reads.

    `gates` are an evaluation's: they judge its scores and decide no result, so that they are no
    parameters of the notebook.
    """

    name: str
    notebook: str
    parameters: dict[str, Any]
    needs: list[str] = field(default_factory=list)
    resources: Resources = Resources()
    gates: dict[str, Any] = field(default_factory=dict)


def job_name(notebook: str, cell: Cell | None = None, suffix: Iterable[str] = ()) -> str:
    """Return the name of a job, e.g. `02_sft-nano-pretrained-functional`.

    Parameters
    ----------
    cell : of a notebook that is about one.
    suffix : `RunPaths.suffix` of the part that the job works in.
    """
    place = parameters_of(notebook, cell) if cell else {}
    own = [short_name(value) if key == "model" else value for key, value in place.items()]
    return "-".join([notebook, *own, *["cross"] * bool(cell and cell.cross), *suffix])


def parameters_of(notebook: str, cell: Cell) -> dict[str, str]:
    """Return the parameters that say a notebook which cell is its own."""
    return {key: getattr(cell, key) for key in NOTEBOOKS[notebook].place}


@dataclass(frozen=True)
class _Part:
    """A seed's cells or an ablation's: where they lie, with which settings and seed."""

    run: str
    params: Params
    seed: int

    def name(self, notebook: str, cell: Cell | None) -> str:
        """Return the name of the job that makes this for this part, in it or in its seed's part."""
        maker = RunPaths(Path(self.run)).maker(NOTEBOOKS[notebook].section)
        return job_name(notebook, cell, maker.suffix)

    def settings(self, notebook: str, stage: str = "") -> dict[str, Any]:
        """Return a notebook's settings: of `align` those of the technique alone."""
        section = NOTEBOOKS[notebook].section
        settings = getattr(self.params, section).model_dump()
        return {section: {stage: settings[stage]} if section == "align" else settings}


class _Planner:
    """Collects jobs, each once and after those it needs."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def add(self, part: _Part, notebook: str, needs: list[str], cell: Cell | None = None) -> str:
        """Plan a notebook for a cell, or for the run as a whole; return the job's name."""
        name = part.name(notebook, cell)
        parameters = {
            "profile": part.params.profile, "run": part.run, "seed": part.seed,
            **part.settings(notebook, cell.stage if cell else ""),
            **(parameters_of(notebook, cell) if cell else {}),
            **({"trained": cell.trained} if cell and cell.cross else {}),
        }  # fmt: skip
        resources = part.params.resources.get(notebook, Resources())
        gates = part.params.gates.model_dump() if notebook in EVALUATION.values() else {}
        self.jobs.setdefault(name, Job(name, notebook, parameters, needs, resources, gates))
        return name

    def pairs(self, part: _Part, cell: Cell) -> str:
        """Plan a cell's preference data; like the other steps, return the job's name.

        An ablation's data come after its seed's, from which it may take over what it does not vary.
        """
        seeded = RunPaths(RunPaths(Path(part.run)).seeded)
        main = job_name("01_preferences", cell, seeded.suffix)
        return self.add(part, "01_preferences", [main] if main in self.jobs else [], cell)

    def sft(self, part: _Part, cell: Cell) -> str:
        """Plan SFT of a cell's model."""
        needs = [self.pairs(part, cell)]
        if part.params.gates.baseline == "stop" and cell.requirement == "functional":
            needs += self.base_scores(cell)
        return self.add(part, "02_sft", needs, cell)

    def stage(self, part: _Part, cell: Cell) -> list[str]:
        """Plan what makes a cell's model; the base model needs nothing."""
        if cell.stage in ("base", "sft"):
            return [self.sft(part, cell)] if cell.stage == "sft" else []
        needs = [self.pairs(part, cell)]
        if getattr(part.params.align, cell.stage).start == "sft":
            needs.append(self.sft(part, cell))
            if part.params.gates.sft == "stop" and "sft" in part.params.stages:
                needs.append(self.evaluation(part, cell.at(stage="sft")))
        return [self.add(part, "03_align", needs, cell)]

    def evaluation(self, part: _Part, cell: Cell) -> str:
        """Plan the evaluation of a cell's model on the benchmarks of its requirement."""
        needs = self.stage(part, cell.at(requirement=cell.trained))
        gate = part.params.gates.sft if cell.stage == "sft" else part.params.gates.alignment
        if cell.stage != "base" and gate != "off" and not cell.cross:
            needs = needs + self.base_scores(cell)
        return self.add(part, EVALUATION[cell.requirement], needs, cell)

    def base_scores(self, cell: Cell) -> list[str]:
        """Return the job that scores a cell's base model, if the profile has one."""
        name = job_name(EVALUATION[cell.requirement], cell.at(stage="base"))
        return [name] if name in self.jobs else []

    def base(self, part: _Part, requirements: Iterable[str]) -> None:
        """Plan the evaluation of the base models on the benchmarks of these requirements."""
        for model, requirement, variant in product(
            part.params.models, requirements, part.params.variants
        ):
            self.evaluation(part, Cell(model, variant, requirement, "base"))

    def cells(self, part: _Part, stages: list[str], cross: bool = False) -> None:
        """Plan every cell of a part at these stages, training before evaluation."""
        p = part.params
        for model, requirement in product(p.models, p.requirements):
            for variant in p.variants:
                cells = [Cell(model, variant, requirement, stage) for stage in stages]
                for cell in cells:
                    self.stage(part, cell)
                for cell in cells:
                    for tested in EVALUATION if cross else (requirement,):
                        self.evaluation(part, cell.at(requirement=tested))

    def named(self, *notebooks: str) -> list[str]:
        return [job.name for job in self.jobs.values() if job.notebook in notebooks]


def _seed_parts(params: Params, run: str) -> list[_Part]:
    """Return a part per seed; a profile with one seed has the run's own folder alone."""
    if not params.study.seeds:
        return [_Part(run, params, params.seed)]
    return [_Part(part_folder(run, seed), params, seed) for seed in params.study.seeds]


def _ablation_parts(params: Params, run: str) -> list[tuple[_Part, list[str]]]:
    """Return each ablation's part of each seed, with its stages."""
    parts = []
    trained = [stage for stage in params.stages if stage != "base"]
    for name, ablation in params.study.ablations.items():
        own = params.varied(name)
        given = {key: getattr(ablation, key) for key in ("variants", "requirements")}
        own = own.model_copy(update={key: value for key, value in given.items() if value})
        section = next(s for s in MADE if s in ablation.settings)
        for seed in params.study.seeds or [None]:
            folder = part_folder(run, seed, section, name)
            part = _Part(folder, own, params.seed if seed is None else seed)
            parts.append((part, list(ablation.stages) or trained))
    return parts


def make_plan(params: Params, run: str = "") -> list[Job]:
    """Return every job of a profile, each after those it needs.

    The matrix is the paper's: functional benchmarks on the functionally trained models, CODAL on
    the non-functionally trained ones (sections 3 and 4); `study.cross` adds the two others. The
    base model is evaluated once: its answers are greedy, so that no seed changes them.

    Parameters
    ----------
    run : run folder; `runs/<profile>` if empty.

    Raises
    ------
    CodealignError
        Two models would have the same name in the run's folders, or `resources` name no notebook.
    """
    for name in params.resources:
        if name not in NOTEBOOKS:
            raise CodealignError(f"resources: notebook {name!r}" + nearest(name, [*NOTEBOOKS]))
    run = run or f"runs/{params.profile}"
    params = params.model_copy(update={"models": references(params.models)})
    planner, whole = _Planner(), _Part(run, params, params.seed)
    trained = [stage for stage in params.stages if stage != "base"]
    if "base" in params.stages:
        planner.base(whole, EVALUATION if params.study.cross else params.requirements)
    for part in _seed_parts(params, run):
        planner.cells(part, trained, params.study.cross)
    for part, stages in _ablation_parts(params, run):
        planner.cells(part, stages)
    planner.add(whole, "06_survey_kappa", planner.named("05_codal"))
    before = planner.named("01_preferences", *EVALUATION.values(), "06_survey_kappa")
    planner.add(whole, "07_paper", before)
    return list(planner.jobs.values())


def select(jobs: list[Job], only: str) -> list[Job]:
    """Return the jobs of one notebook (`02_sft` or `sft`), or of several with commas between them,
    and everything they need."""
    short = {name.split("_", 1)[1]: name for name in NOTEBOOKS}
    notebooks = [short.get(name, name) for name in only.split(",")]
    for name in notebooks:
        if name not in NOTEBOOKS:
            raise CodealignError(
                f"--only {name}: no such stage{nearest(name, [*NOTEBOOKS, *short])}"
            )
    wanted = {job.name for job in jobs if job.notebook in notebooks}
    for job in reversed(jobs):
        if job.name in wanted:
            wanted.update(job.needs)
    return [job for job in jobs if job.name in wanted]


def check_parameters(job: Job) -> None:
    """Refuse parameters that the notebook does not declare (papermill would only warn)."""
    known = notebook_parameters(job.notebook)
    for name in job.parameters:
        if name not in known:
            raise CodealignError(
                f"notebooks/{job.notebook}.ipynb: unknown parameter {name!r}{nearest(name, known)}"
            )


def freeze(jobs: list[Job], run: str, note: str = "") -> Path:
    """Write each job's `params.yaml` and the `plan.lock.json`; return the lock's path.

    `note` is the profile's, for the report. What has not changed is not touched.
    """
    paths = RunPaths(PROJECT / run)
    for job in jobs:
        check_parameters(job)
        _write_if_changed(paths.jobs / job.name / PARAMS, frozen(job))
    lock = {
        job.name: {
            "notebook": job.notebook,
            "needs": job.needs,
            "gates": job.gates,
            "resources": job.resources.model_dump(),
        }
        for job in jobs
    }
    folders = dict.fromkeys([run, *(job.parameters["run"] for job in jobs)])
    parts = [os.path.relpath(folder, run) for folder in folders]
    plan = {"run": run, **({"note": note} if note else {}), "parts": parts, "jobs": lock}
    _write_if_changed(paths.lock, json.dumps(plan, indent=1) + "\n")
    return paths.lock


def frozen(job: Job) -> str:
    """Return the text of a job's `params.yaml`."""
    return yaml.safe_dump(job.parameters, sort_keys=True, allow_unicode=True)


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)


def read_plan(run_root: Path, *names: str) -> list[Job]:
    """Return the jobs of a frozen plan, or those named.

    A job whose `params.yaml` cannot be read has no parameters, which its state then tells.

    Raises
    ------
    CodealignError
        The run folder has no plan, or one that cannot be read.
    """
    paths = RunPaths(run_root)
    if not paths.lock.exists():
        raise CodealignError(f"{paths.lock}: no plan; start the run with `codealign reproduce`")
    lock = paths.plan()["jobs"]
    return [
        Job(
            name,
            entry.get("notebook", notebook_of(name)),
            read_parameters(paths.jobs / name / PARAMS),
            entry.get("needs", []),
            Resources.model_validate(entry.get("resources", {})),
            entry.get("gates", {}),
        )
        for name, entry in lock.items()
        if name in (names or lock)
    ]


def read_parameters(path: Path) -> dict[str, Any]:
    """Return a job's frozen parameters; {} if they are missing or cannot be read."""
    try:
        parameters = yaml.load(
            path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return parameters if isinstance(parameters, dict) else {}
