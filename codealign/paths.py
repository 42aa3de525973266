"""Where a run keeps its files; creates nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sysconfig
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.cell import Cell
from codealign.errors import CodealignError

PACKAGE = Path(__file__).resolve().parent
INSTALLED = Path(sysconfig.get_path("data")) / "share" / "codealign"
"""Where pip puts a wheel's notebooks/, params/ and workflow/ (not in `sys.prefix` on Debian)."""


def shipped() -> Path:
    """Return the folder with the package's own notebooks/, params/ and workflow/."""
    return PACKAGE.parent if _is_project(PACKAGE.parent) else INSTALLED


def _is_project(folder: Path) -> bool:
    return (folder / "notebooks").is_dir() and (folder / "params").is_dir()


def find_project() -> Path:
    """Return the folder that holds notebooks/, params/, workflow/ and runs/.

    In this order: the folder one is in, or the nearest above it, that has notebooks/ and params/;
    what `CODEALIGN_PROJECT` names; the source tree the package is in; what the wheel brought (to
    read from, not to run in).
    """
    here = Path.cwd()
    if project := next((folder for folder in (here, *here.parents) if _is_project(folder)), None):
        return project.resolve()
    if named := os.environ.get("CODEALIGN_PROJECT"):
        return Path(named).resolve()
    return shipped()


PROJECT = find_project()
DATA = PACKAGE / "data"
NANO_DATA = PACKAGE / "nano" / "data"
NANO_WEIGHTS = PACKAGE / "nano" / "weights"
NANO_POOL = PACKAGE / "nano" / "pool"
NANO = "nano"
"""How settings and commands name the shipped one of models, corpora, benchmarks and samples."""

FURTHER_RATINGS = "ratings_of_*.jsonl"
"""What `codealign judge` adds beside a judged model's own ratings."""
LONGEST = 60
"""Characters of a model's short name."""


def short_name(model: str) -> str:
    """Return the name of a model in paths, jobs and tables: letters, digits, `.`, `_` and `-`.

    A key of the registry is its own short name, and so is every short name. A folder and a hub id
    go by their last part (a folder called `pretrained` or `finetuned` by its parent's too, one of
    the hub's cache by its repository), a pair by its own name. What ASCII cannot spell is replaced
    by six digits of a hash, so that two such names stay two.

    Parameters
    ----------
    model : as in `models:` of a profile.
    """
    if model.startswith("{"):
        return json.loads(model)["name"]
    parts = [part for part in model.split("/") if part not in ("", ".", "..", "~")]
    if parts[-2:-1] == ["snapshots"] and parts[-3:-2]:
        parts = parts[-3].split("--")
    last = 2 if parts[-1:] in (["pretrained"], ["finetuned"]) else 1
    whole = "-".join(parts[-last:])
    plain = unicodedata.normalize("NFKD", whole)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")
    if plain.isascii() and name and len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{name[: LONGEST - 7].strip('-.') or 'model'}-{mark}"


def notebook_of(job: str) -> str:
    """Return the notebook of a job, with which its name begins (`workflow.plan.job_name`)."""
    return job.partition("-")[0]


# What a job makes, upstream first: an ablation makes anew what it varies, and all after it.
MADE = ("prefs", "sft", "align", "functional", "codal")


def part_folder(run: str, seed: int | None = None, section: str = "", ablation: str = "") -> str:
    """Return the folder of a part of a run: of one seed of several, of an ablation, or of both.

    Parameters
    ----------
    seed : None in a run with one seed, whose files lie in `run` itself.
    section : the first section of the settings that the ablation varies (`MADE`).
    """
    seeded = run if seed is None else f"{run}/seeds/{seed}"
    return f"{seeded}/ablations/{section}/{ablation}" if ablation else seeded


@dataclass(frozen=True)
class RunPaths:
    """The folders and files of one run (`runs/<profile>`), or of a part of it (`part_folder`).

    A part is laid out like a run: its data, checkpoints and results lie under its own `root`. What
    a part shares with others is found there: an ablation's upstream results in its seed's part.
    What belongs to the run as a whole (jobs, notebooks, scores, tables, report) lies in `top`.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    @property
    def varied(self) -> str:
        """First section of the settings that the ablation of this part varies, or ""."""
        return self.root.parent.name if self.root.parent.parent.name == "ablations" else ""

    @property
    def ablation(self) -> str:
        """Name of the ablation this part belongs to, or ""."""
        return self.root.name if self.varied else ""

    @property
    def seeded(self) -> Path:
        """The part without its ablation: where an ablation finds what it shares."""
        return self.root.parents[2] if self.varied else self.root

    @property
    def top(self) -> Path:
        """The run's own folder."""
        several = self.seeded.parent.name == "seeds"
        return self.seeded.parents[1] if several else self.seeded

    @property
    def suffix(self) -> tuple[str, ...]:
        """What tells the names of this part's jobs from other parts', e.g. ("seed3", "beta_1")."""
        seed = f"seed{self.seeded.name}" if self.seeded != self.top else ""
        return tuple(part for part in (seed, self.ablation) if part)

    def maker(self, section: str) -> RunPaths:
        """Return the part in which the jobs of a section (`MADE`) work for this part."""
        shared = self.varied and MADE.index(section) < MADE.index(self.varied)
        return RunPaths(self.seeded) if shared else self

    def parts(self) -> list[RunPaths]:
        """Return the parts of the run that its plan names, the whole first (without one: itself).

        A part that an earlier plan had, and the present one has not, is not returned.
        """
        return [RunPaths(self.top / name) for name in self.plan().get("parts", ["."])]

    @property
    def lock(self) -> Path:
        """The run's frozen plan."""
        return self.top / "plan.lock.json"

    def plan(self) -> dict[str, Any]:
        """Return the run's frozen plan; {} if there is none.

        Raises
        ------
        CodealignError
            It cannot be read.
        """
        if not self.lock.exists():
            return {}
        try:
            plan = json.loads(self.lock.read_text(encoding="utf-8"))
            jobs = {name: entry or {} for name, entry in plan.get("jobs", {}).items()}
            return {**plan, "jobs": jobs}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            again = "`codealign reproduce` with the run's profile writes it anew"
            raise CodealignError(f"{self.lock}: broken plan ({error}); {again}") from None

    def prefs(self, model: str, requirement: str) -> Path:
        """Preference data of one model and requirement: one file for each step of the pipeline."""
        return self.maker("prefs").root / "prefs" / short_name(model) / requirement

    def checkpoint(self, cell: Cell) -> Path:
        """PEFT adapter and trainer log of a cell's model (sft, dpo or bonbon), as it was trained.

        Which seed and ablation, this part says and not the cell.
        """
        part = self.maker("sft" if cell.stage == "sft" else "align").root
        model = part / "checkpoints" / short_name(cell.model) / cell.variant
        return model / cell.trained / cell.stage

    def evals(self, cell: Cell) -> Path:
        """Samples and results of an evaluated model, one folder for each benchmark.

        Which seed and ablation, this part says and not the cell.
        """
        return self.root / cell.at(model=short_name(cell.model), seed=None, ablation="").path()

    @property
    def scores(self) -> Path:
        """The tidy table of all measured scores."""
        return self.top / "scores.csv"

    @property
    def jobs(self) -> Path:
        """Frozen parameters, log and result marker of each notebook job."""
        return self.top / "jobs"

    @property
    def notebooks(self) -> Path:
        """Executed notebooks."""
        return self.top / "notebooks"

    @property
    def tables(self) -> Path:
        return self.top / "tables"

    @property
    def figures(self) -> Path:
        return self.top / "figures"

    @property
    def report(self) -> Path:
        return self.top / "report"
