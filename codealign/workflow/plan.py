"""The plan of a run: which notebook runs with which parameters, and what it needs.

A plan is frozen on disk before anything starts: for each job `jobs/<job>/params.yaml`, written only
when its content changes, and one `plan.lock.json` that the Snakefile loops over. So a changed
setting re-runs exactly the jobs that use it and what follows from them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from codealign.errors import CodealignError, nearest
from codealign.params import Params, Resources
from codealign.paths import PROJECT, RunPaths
from codealign.records import write_text
from codealign.workflow.code import code_hash, notebook_parameters

NOTEBOOKS = (
    "01_preferences",
    "02_sft",
    "03_align",
    "04_functional",
    "05_codal",
    "06_survey_kappa",
    "07_paper",
)
EVALUATION = {"functional": "04_functional", "non_functional": "05_codal"}


@dataclass(frozen=True)
class Job:
    """One notebook with its parameters; `needs` names the jobs whose results it reads."""

    name: str
    notebook: str
    parameters: dict[str, Any]
    needs: list[str] = field(default_factory=list)
    resources: Resources = Resources()


def job_name(notebook: str, *cell: str) -> str:
    """Return the name of a job, e.g. `02_sft-nano-pretrained-functional`."""
    return "-".join((notebook, *(part for part in cell if part)))


class _Planner:
    """Collects jobs; every job gets the parameters that all notebooks share."""

    def __init__(self, params: Params, run: str) -> None:
        self.params = params
        self.common = {"profile": params.profile, "run": run, "seed": params.seed}
        self.jobs: list[Job] = []

    def add(
        self, notebook: str, cell: dict[str, str], needs: list[str], section: str = ""
    ) -> list[str]:
        name = job_name(notebook, *cell.values())
        settings = {section: getattr(self.params, section).model_dump()} if section else {}
        if section == "align":  # a job sees its own technique's settings alone
            settings = {section: {cell["stage"]: settings[section][cell["stage"]]}}
        resources = self.params.resources.get(notebook, Resources())
        self.jobs.append(Job(name, notebook, {**self.common, **cell, **settings}, needs, resources))
        return [name]

    def model(self, model: str, requirement: str) -> None:
        """Plan preference data, then training and evaluation of each variant."""
        cell = {"model": model, "requirement": requirement}
        trains = any(stage != "base" for stage in self.params.stages)
        pairs = self.add("01_preferences", cell, [], "prefs") if trains else []
        for variant in self.params.variants:
            self.pathway({"model": model, "variant": variant, "requirement": requirement}, pairs)

    def pathway(self, cell: dict[str, str], pairs: list[str]) -> None:
        """Plan the stages of one pathway: base, SFT, and each alignment from the SFT model."""
        made: dict[str, list[str]] = {"base": []}
        if pairs:
            made["sft"] = self.add("02_sft", cell, pairs, "sft")
        for stage in self.params.stages:
            if stage in ("dpo", "bonbon"):
                needs = pairs + made["sft"]
                made[stage] = self.add("03_align", {**cell, "stage": stage}, needs, "align")
        notebook = EVALUATION[cell["requirement"]]
        section = notebook.split("_")[1]
        for stage in self.params.stages:
            where = {"model": cell["model"], "variant": cell["variant"], "stage": stage}
            self.add(notebook, where, made[stage], section)

    def named(self, notebook: str) -> list[str]:
        return [job.name for job in self.jobs if job.notebook == notebook]


def make_plan(params: Params, run: str = "") -> list[Job]:
    """Return every job of a profile, each after those it needs.

    The matrix is the paper's: functional benchmarks on the functionally trained models, CODAL on
    the non-functionally trained ones (sections 3 and 4).

    Parameters
    ----------
    run : run folder; `runs/<profile>` if empty.
    """
    planner = _Planner(params, run or f"runs/{params.profile}")
    for model in params.models:
        for requirement in params.requirements:
            planner.model(model, requirement)
    planner.add("06_survey_kappa", {}, planner.named("05_codal"), "survey")
    before = [job.name for job in planner.jobs if job.notebook not in ("02_sft", "03_align")]
    planner.add("07_paper", {}, before)
    return planner.jobs


def select(jobs: list[Job], only: str) -> list[Job]:
    """Return the jobs of one notebook (`02_sft` or `sft`) and everything they need."""
    notebooks = [n for n in NOTEBOOKS if only in (n, n.split("_", 1)[1])]
    if not notebooks:
        names = [*NOTEBOOKS, *(n.split("_", 1)[1] for n in NOTEBOOKS)]
        raise CodealignError(f"--only {only}: no such stage{nearest(only, names)}")
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


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def freeze(jobs: list[Job], run: str) -> Path:
    """Write each job's `params.yaml` and the `plan.lock.json`; return the lock's path."""
    paths = RunPaths(PROJECT / run)
    for job in jobs:
        check_parameters(job)
        body = yaml.safe_dump(job.parameters, sort_keys=True, allow_unicode=True)
        text = f"# code {code_hash(job.notebook)}\n{body}"
        _write_if_changed(paths.jobs / job.name / "params.yaml", text)
    lock = {job.name: _lock_entry(job) for job in jobs}
    path = paths.root / "plan.lock.json"
    _write_if_changed(path, json.dumps({"run": run, "jobs": lock}, indent=1) + "\n")
    return path


def _lock_entry(job: Job) -> dict[str, Any]:
    return {
        "notebook": job.notebook,
        "needs": job.needs,
        "resources": job.resources.model_dump(),
    }


def read_lock(run_root: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a frozen plan, by name.

    Raises
    ------
    CodealignError
        The run folder has no plan.
    """
    path = Path(run_root) / "plan.lock.json"
    if not path.exists():
        raise CodealignError(f"{path}: no plan; start the run with `codealign reproduce`")
    return json.loads(path.read_text(encoding="utf-8"))["jobs"]
