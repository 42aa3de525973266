"""Where scores come from, the paper or a run folder, and what is shown of a run besides them.

That is counts of its data, survey shares and judge agreement.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import pandas as pd

from codealign.analysis.cells import Problems, read_problems
from codealign.analysis.scores import PAPER, collect, over_seeds, published
from codealign.errors import CodealignError
from codealign.paths import RunPaths
from codealign.records import count_lines, read_jsonl

STEPS = ("seeds", "concepts", "instructions", "responses", "executions", "pairs")
PARTS = (*STEPS[:-1], "passing", "failing", "proven", "pairs")
"""Everything that is counted: the steps, and what came of the executions. `proven`: passed with
tests that can fail."""


@dataclass(frozen=True)
class RunMaterial:
    """Measured material of one run; empty parts were not run.

    Attributes
    ----------
    counts : records written by each step of the preference pipeline, {(model, requirement): {step:
        number}}; steps are `PARTS`.
    shares : survey shares as `survey.shares` returns them.
    agreement : judge agreement as `agreement.agreement` returns it.
    """

    counts: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    shares: pd.DataFrame | None = None
    agreement: pd.DataFrame | None = None


def read_context(run_root: Path | str) -> RunMaterial:
    """Read what a run left: counts of its data, `survey.csv` and `agreement.csv` if they are there.

    Survey shares that were derived from the printed ones are no measurement and are left out.
    """
    root = RunPaths(Path(run_root)).root
    shares = _read(root / "survey.csv")
    if shares is not None:
        shares = shares[~shares["derived"]]
    return RunMaterial(
        read_counts(root),
        shares if shares is not None and len(shares) else None,
        _read(root / "agreement.csv"),
    )


def _read(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.exists() else None


def read_counts(run_root: Path | str) -> dict[tuple[str, str], dict[str, int]]:
    """Count the records of each step's file in every `prefs/<model>/<requirement>` folder.

    With several seeds a count is their mean, rounded; an ablation's own data is not counted.
    """
    by_seed: dict[tuple[str, str], list[dict[str, int]]] = {}
    parts = [part.root for part in RunPaths(Path(run_root)).parts() if not part.ablation]
    for folder in sorted(f for root in parts for f in root.glob("prefs/*/*") if f.is_dir()):
        files = {step: folder / f"{step}.jsonl" for step in STEPS}
        counts = {step: count_lines(file) for step, file in files.items() if file.exists()}
        counts |= _came_of(folder)
        if counts:
            by_seed.setdefault((folder.parent.name, folder.name), []).append(counts)
    return {
        cell: {step: round(fmean(c[step] for c in counts if step in c))
               for step in PARTS if any(step in c for c in counts)}
        for cell, counts in by_seed.items()
    }  # fmt: skip


def _came_of(folder: Path) -> dict[str, int]:
    """Count the responses that passed and that failed, and those that passed tests worth it."""
    from codealign.prefs.checks import BROKEN, REAL  # brings the sandbox, which little needs

    verdicts = {
        name: Counter(line["verdict"] for line in read_jsonl(folder / f"{name}.jsonl", dict))
        for name in ("executions", "checks")
        if (folder / f"{name}.jsonl").exists()
    }
    counts = {}
    if ran := verdicts.get("executions"):
        counts = {"passing": ran["pass"], "failing": sum(ran[verdict] for verdict in BROKEN)}
    if checked := verdicts.get("checks"):
        counts["proven"] = checked[REAL]
    return counts


@dataclass(frozen=True)
class Source:
    """Scores with what belongs to them; the paper has neither context nor per-problem values.

    `scores` has one row per cell, `rows` one per seed of it.
    """

    name: str
    scores: pd.DataFrame
    rows: pd.DataFrame
    context: RunMaterial
    items: Problems


def open_source(source: str) -> Source:
    """Return the scores of `paper`, or of a run folder such as `runs/nano`.

    Raises
    ------
    CodealignError
        No such folder, or nothing has been evaluated in it.
    """
    if source == PAPER:
        return Source(PAPER, published(), published(), RunMaterial(), {})
    root = Path(source)
    if not root.is_dir():
        raise CodealignError(f"{source}: no such run folder; give `paper` or e.g. runs/nano")
    rows = collect(root, each_seed=True)
    if rows.empty:
        raise CodealignError(f"{source}: no scores; run its evaluations first")
    return Source(root.name, over_seeds(rows), rows, read_context(root), read_problems(root))
