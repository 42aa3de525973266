"""What a notebook needs around its stage: settings, run folder, provenance, a closing line.

Used the same way whether papermill runs the notebook or a person runs its cells by hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign import provenance
from codealign.errors import CodealignError
from codealign.params import AnySection, Gates, load_params, validate
from codealign.paths import PROJECT, RunPaths
from codealign.records import stable_id, write_text
from codealign.workflow.code import code_hash
from codealign.workflow.plan import job_name, read_lock
from codealign.workflow.status import put_away, write_result

MARK = ".made_from"
DEFAULT = "nano"
"""The profile of a notebook that names none."""
CELLS = {
    "prefs": ("model", "requirement"),
    "checkpoints": ("model", "variant", "requirement", "stage"),
}
"""Parameters of the job that makes a folder below one of these (`RunPaths`)."""


@dataclass
class Context:
    """One notebook at work; made by `open_job`."""

    notebook: str
    cell: tuple[str, ...]
    profile: str
    paths: RunPaths
    seed: int
    started: float = field(default_factory=time.monotonic)
    used: dict[str, Any] = field(default_factory=dict)
    deciding: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The job's name, as in the plan."""
        return job_name(self.notebook, *self.cell, *self.paths.suffix)

    def place(self, trained: str) -> dict[str, Any]:
        """Return the coordinates of this job's scores beside the cell: seed, training, ablation.

        Parameters
        ----------
        trained : requirement the evaluated model was trained for.
        """
        return {"seed": self.seed, "trained": trained, "ablation": self.paths.ablation}

    def settings(self, cls: type[AnySection], section: str, given: dict[str, Any]) -> AnySection:
        """Return a section of the parameters, checked.

        Parameters
        ----------
        given : the section's settings as injected by papermill; if empty, those of
            `params/<profile>.yaml`.
        """
        if given:
            found = validate(cls, given, section)
        else:
            found = getattr(load_params(PROJECT / "params" / f"{self.profile}.yaml"), section)
        self.used[section] = found.model_dump()
        self.deciding[section] = found.deciding()
        return found

    def gates(self) -> Gates:
        """Return the gates on this job's scores: its plan's, else those of the profile's file."""
        planned = (self.paths.top / "plan.lock.json").exists() and read_lock(self.paths.top)
        if planned and self.name in planned:
            return validate(Gates, planned[self.name]["gates"], "gates")
        return load_params(PROJECT / "params" / f"{self.profile}.yaml").gates

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
        found = list(inputs)
        if missing := [p for p in found if not p.exists()]:
            raise CodealignError(f"{missing[0]}: not there yet; {self._made_by(missing[0])}")
        hashes = [provenance.file_hash(p) for p in found]
        mark = stable_id(self.name, self.seed, self.deciding, code_hash(self.notebook), *hashes)
        if path.exists() and _read(path / MARK) != mark:
            put_away(self.paths.root, path)
        path.mkdir(parents=True, exist_ok=True)
        write_text(path / MARK, mark)
        return path

    def _made_by(self, path: Path) -> str:
        """Return which notebook makes an input of this one, and with which parameters."""
        folders = path.parent.parts
        kind = next((kind for kind in CELLS if kind in folders), "")
        if not kind:
            return "it is an input of this notebook"
        cell = folders[len(folders) - folders[::-1].index(kind) :]
        trained = "02_sft" if cell[-1] == "sft" else "03_align"
        notebook = trained if kind == "checkpoints" else "01_preferences"
        given = {"profile": self.profile, **dict(zip(CELLS[kind], cell, strict=False))}
        said = ", ".join(f"{name} = {value!r}" for name, value in given.items())
        return f"run notebooks/{notebook}.ipynb first, which makes it, with {said}"

    def shared_prefs(self, folder: Path) -> Path | None:
        """Return where the main cells of an ablation's seed have their preference data, or None."""
        model, requirement = self.cell
        main = RunPaths(self.paths.seeded).prefs(model, requirement)
        return main if main != folder else None

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
        seconds = round(time.monotonic() - self.started, 1)
        files = [os.path.relpath(p, PROJECT) for p in outputs]
        more = {"stop": f"{self.name}: {stop}"} if stop else {}
        more["provenance"] = self.header(settings=self.used)
        write_result(self.paths.top, self.name, line, seconds=seconds, files=files, **more)
        return "\n".join([f"{line} ({seconds:.0f} s)", *(f"wrote {f}" for f in files)])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def chosen(profile: str, model: str) -> tuple[str, str]:
    """Return a notebook's profile and model: those given, or else nano and the profile's first."""
    profile = profile or DEFAULT
    return profile, model or load_params(PROJECT / "params" / f"{profile}.yaml").models[0]


def open_job(notebook: str, *cell: str, profile: str, run: str = "", seed: int = 0) -> Context:
    """Open a notebook's job.

    Parameters
    ----------
    notebook : e.g. `02_sft`.
    cell : the job's place in the matrix, e.g. model, variant, requirement.
    profile : name of the settings; nano if empty.
    run : folder of the run or of a part of it (`paths.part_folder`), relative to the project;
        `runs/<profile>` if empty.
    """
    profile = profile or DEFAULT
    root = PROJECT / (run or f"runs/{profile}")
    return Context(notebook, cell, profile, RunPaths(root), seed)
