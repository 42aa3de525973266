"""What a notebook needs around its stage: settings, run folder, provenance, a closing line.

Used the same way whether papermill runs the notebook or a person runs its cells by hand, and by
`codealign train`, which does a notebook's stage without the notebook.
"""

from __future__ import annotations

import ast
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from codealign import provenance
from codealign.cell import Cell
from codealign.checks import check
from codealign.errors import CodealignError, nearest
from codealign.params import Gates, Params, Variant, load_params, validate
from codealign.paths import PROJECT, RunPaths, short_name
from codealign.records import REQUIREMENTS, STAGES, VARIANTS, stable_id, write_text
from codealign.registry import among, references, registry, spec
from codealign.stages.job import StageJob
from codealign.workflow import markers, state
from codealign.workflow.code import code_of
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import job_name, parameters_of

MARK = ".made_from"
INJECTED = "# Parameters"
"""How the cell begins that papermill puts behind a notebook's own parameters."""
DEFAULT = "nano"
"""The profile of a notebook that names none."""
CHOICES: dict[str, tuple[str, ...]] = {
    "variant": VARIANTS, "requirement": REQUIREMENTS, "trained": REQUIREMENTS,
}  # fmt: skip
"""Values that a notebook's parameters may have; those of its stage are the notebook's own."""


@dataclass
class NotebookJob:
    """One notebook at work; made by `open_job` or `open_stage`.

    `cell` is None for a notebook about the run as a whole; its model is named as the registry knows
    it. `work` is what its stage is to do, and `checked` what the check of its model said.
    """

    notebook: str
    cell: Cell | None
    profile: str
    paths: RunPaths
    seed: int
    started: float = field(default_factory=time.monotonic)
    work: StageJob | None = None
    checked: str = ""
    used: dict[str, Any] = field(default_factory=dict)
    deciding: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    gated: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The job's name, as in the plan."""
        return job_name(self.notebook, self.cell, self.paths.suffix)

    def settings(self, given: dict[str, Any]) -> Any:
        """Return the notebook's section of the parameters, checked.

        Parameters
        ----------
        given : as injected by papermill; if empty, those of `params/<profile>.yaml`.
        """
        section = NOTEBOOKS[self.notebook].section
        if given:
            checked = validate(state.SECTIONS[section], given, section)
        else:
            checked = getattr(load_params(PROJECT / "params" / f"{self.profile}.yaml"), section)
        self.used[section] = checked.model_dump()
        stage = self.cell.stage if self.cell else ""
        own = {section: state.own_stage(section, checked.deciding(), stage)}
        # Files that they name are hashed now: one that changes later did not make the result.
        made_from = state.plain(own)
        self.named |= made_from.pop("files", {})
        self.deciding |= made_from
        return checked

    def check_model(self, variant: Variant, engine: str = "transformers") -> str:
        """Check the model before anything is made with it; return the gist in one line.

        What lies in an output folder is made from these weights: ask before `folder`.

        Parameters
        ----------
        engine : "openai" asks a server, whose model cannot be checked here.

        Raises
        ------
        CodealignError
            Something is wrong with it; each problem is named, with what to do.
        """
        name = self.cell.model
        if engine == "openai":
            return f"{short_name(name)} at a server"
        checked = check(name, variant)
        checked.require()
        self.deciding |= state.weights(name, variant)
        return checked.line()

    def gates(self) -> Gates:
        """Return the gates on this job's scores: its plan's, else those of the profile's file."""
        if planned := self._planned().get("gates"):
            gates = validate(Gates, planned, "gates")
        else:
            gates = load_params(PROJECT / "params" / f"{self.profile}.yaml").gates
        self.gated = gates.model_dump()
        return gates

    def _planned(self) -> dict[str, Any]:
        """Return what the run's plan says of this job; {} of one that is run by hand without."""
        return self.paths.plan().get("jobs", {}).get(self.name, {})

    def folder(self, path: Path, inputs: Iterable[Path] = ()) -> Path:
        """Return an output folder in which earlier work may be continued.

        What lies there is kept only if it was made from the same settings (those of pace and money
        aside), seed, code and inputs; otherwise it is moved to `<run>/stale/`, so that no old
        result is taken for a new one.

        Raises
        ------
        CodealignError
            An input is not there; the message names the notebook that makes it.
        """
        files = list(inputs)
        self.require(files)
        hashes = [provenance.file_hash(p) for p in files]
        decided = self._decided()
        code = code_of(self.notebook, decided, anew=False)
        mark = stable_id(self.name, self.seed, decided, code, *hashes)
        note = path / MARK
        if path.exists() and not (note.exists() and note.read_text(encoding="utf-8") == mark):
            markers.put_away(self.paths.root, path)
        path.mkdir(parents=True, exist_ok=True)
        write_text(note, mark)
        return path

    def require(self, inputs: Iterable[Path]) -> None:
        """Refuse to go on without an input; the message names the notebook that makes it."""
        for path in inputs:
            if path.exists():
                continue
            maker = self._makers().get(path.parent) if self.cell else None
            if maker is None:
                raise CodealignError(f"{path}: not there yet; it is an input of this notebook")
            notebook, cell = maker
            given = {"profile": self.profile, **parameters_of(notebook, cell)}
            parameters = ", ".join(f"{name} = {value!r}" for name, value in given.items())
            raise CodealignError(
                f"{path}: not there yet; run notebooks/{notebook}.ipynb first, which makes it, "
                f"with {parameters}"
            )

    def _makers(self) -> dict[Path, tuple[str, Cell]]:
        """Return the folders that earlier notebooks make of the model, each with its notebook."""
        cell = self.cell.at(requirement=self.cell.trained)
        trained = {stage: cell.at(stage=stage) for stage in STAGES[1:]}
        makers = {self.paths.checkpoint(own): ("02_sft" if stage == "sft" else "03_align", own)
                  for stage, own in trained.items()}  # fmt: skip
        return makers | {self.paths.prefs(cell.model, cell.requirement): ("01_preferences", cell)}

    def header(self, **more: Any) -> dict[str, Any]:
        """Return the provenance header of this notebook (commit, versions, device, seed)."""
        return provenance.header(job=self.name, seed=self.seed, **more)

    def finish(self, line: str, outputs: Iterable[Path], stop: str = "") -> str:
        """Write the job's result marker and return the closing line with the files written.

        Parameters
        ----------
        line : what was done, with its counts (`pairs: 812 kept, ...`).
        outputs : files or folders this job wrote.
        stop : why the jobs that need this one must not run; "" if they may.
        """
        seconds, written = round(time.monotonic() - self.started, 1), list(outputs)
        files = [os.path.relpath(p, PROJECT) for p in written]
        more = {"stop": f"{self.name}: {stop}"} if stop else {}
        more["provenance"] = self.header(settings=self.used)
        settings = {"seed": self.seed, "profile": self.profile, **self._decided()}
        settings |= {"gates": self.gated} if self.gated else {}
        needs = self._planned().get("needs", [])
        more["made_from"] = state.made_from(self.paths.top, self.notebook, settings, needs)
        more["outputs"] = markers.outputs(self.paths.top, written)
        markers.write_result(self.paths.top, self.name, line, seconds=seconds, files=files, **more)
        return "\n".join([f"{line} ({seconds:.0f} s)", *(f"wrote {f}" for f in files)])

    def _decided(self) -> dict[str, Any]:
        return {**self.deciding, **({"files": self.named} if self.named else {})}


def chosen(profile: str, model: str) -> tuple[str, str]:
    """Return a notebook's profile and the reference of its model (`registry.reference`).

    Parameters
    ----------
    profile : nano if empty.
    model : as in a profile's `models`, or the short name of one of them; the first if empty.
    """
    profile = profile or DEFAULT
    if model in registry() or "/" in model or model.startswith("{"):
        return profile, references([model])[0]
    models = load_params(PROJECT / "params" / f"{profile}.yaml").models
    return profile, among(models, model or short_name(references(models)[0]))


def open_job(
    notebook: str, *, profile: str, run: str = "", seed: int = 0, **where: str
) -> NotebookJob:
    """Open a notebook's job.

    Parameters
    ----------
    notebook : e.g. `02_sft`.
    where : the parameters that say which cell is the job's: model, variant, requirement, stage and
        trained, as far as the notebook has them.
    profile : name of the settings; nano if empty.
    run : folder of the run or of a part of it (`paths.part_folder`), relative to the project;
        `runs/<profile>` if empty.

    Raises
    ------
    CodealignError
        A parameter that the notebook does not have (papermill only warns of it), or a value that
        none of them may have: nothing is written then.
    """
    check_injected(notebook, _history())
    about = NOTEBOOKS[notebook]
    for name in about.place:
        _check_value(notebook, name, where[name])
    profile = profile or DEFAULT
    paths = RunPaths(PROJECT / (run or f"runs/{profile}"))
    known = {**about.fixed, **where}
    cell = Cell(**known, seed=seed, ablation=paths.ablation) if about.place else None
    return NotebookJob(notebook, cell, profile, paths, seed)


def open_stage(
    notebook: str,
    model: str,
    settings: dict[str, Any],
    *,
    profile: str = "",
    run: str = "",
    seed: int = 0,
    claim: bool = True,
    **where: str,
) -> NotebookJob:
    """Open the job of a notebook about one cell, down to the folder it works in.

    Parameters
    ----------
    model, settings : as the notebook's parameters; empty: the profile's.
    profile, run, seed : as in `open_job`.
    claim : False leaves the folder as it is: another process has made it ready.
    where : variant, requirement, stage and trained, as far as the notebook has them.

    Raises
    ------
    CodealignError
        A setting or parameter with a fault, a model that is unavailable, an input that is missing.
    """
    profile, model = chosen(profile, model)
    opened = open_job(notebook, profile=profile, run=run, seed=seed, model=model, **where)
    section, cell = NOTEBOOKS[notebook].section, opened.cell
    whole = opened.settings(settings)
    own = getattr(whole, cell.stage) if section == "align" else whole
    variant = own.variant if section == "prefs" else cell.variant
    opened.checked = opened.check_model(variant, getattr(own, "engine", "transformers"))
    place = cell.at(model=short_name(model))
    work = StageJob(section, model, place, own, opened.paths, opened.name, profile, seed)
    judged = section in ("functional", "codal") and not cell.cross
    opened.work = replace(work, gates=opened.gates()) if judged else work
    opened.require(work.inputs)
    if claim:
        opened.folder(work.folder, work.inputs)
    return opened


def _check_value(notebook: str, name: str, value: str) -> None:
    if name == "model":
        spec(value)
        return
    known = NOTEBOOKS[notebook].stages if name == "stage" else CHOICES.get(name, (value,))
    if value not in known:
        raise CodealignError(f"{notebook}: {name} = {value!r}" + nearest(str(value), list(known)))


def check_injected(notebook: str, history: Sequence[str]) -> None:
    """Refuse parameters that papermill injected and the notebook does not have.

    Parameters
    ----------
    history : the source of the cells run so far.

    Raises
    ------
    CodealignError
        A name that is none of the notebook's parameters nor a profile's (all of a profile may be
        handed to each notebook), a value it cannot have, or a profile with a base: its settings
        are more than what its file says.
    """
    places = [i for i, source in enumerate(history) if source.startswith(INJECTED)]
    if not places or not places[-1]:
        return
    own, given = (_assigned(history[place]) for place in (places[-1] - 1, places[-1]))
    if "base" in given:
        whole = f"-p profile {given.get('profile')} in place of -f gives all of its settings"
        raise CodealignError(f"{notebook}: this profile leaves to its base what it shares; {whole}")
    for name, value in given.items():
        if name not in own and name not in Params.model_fields:
            raise CodealignError(f"{notebook}: no parameter {name!r}" + nearest(name, sorted(own)))
        if name == "stage" or name in CHOICES:
            _check_value(notebook, name, value)


def _assigned(source: str) -> dict[str, Any]:
    """Return the names that a cell assigns to, with their values where these are literals."""
    assigned: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            assigned[node.targets[0].id] = value.value if isinstance(value, ast.Constant) else None
    return assigned


def _history() -> list[str]:
    """Return the source of the cells that this kernel has run; [] outside of one."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return [source for source in shell.user_ns.get("In", []) if source] if shell else []
