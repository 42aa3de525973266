"""Stage 4: from a checkpoint to pass@1 and DPS (paper, section 3.4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codealign.analysis.gating import Gate, check_gates
from codealign.analysis.measured import write_measured
from codealign.evaluate.functional.completions import Model
from codealign.evaluate.functional.evaluation import evaluate_all
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import expand, load
from codealign.evaluate.functional.results import Results
from codealign.generate import open_engine
from codealign.models import uses_chat
from codealign.sandbox import Sandbox
from codealign.stages.job import StageJob


@dataclass(frozen=True)
class FunctionalResult:
    """An evaluated model: its problems and results by benchmark, its scores, and its gate."""

    problems: Mapping[str, dict[str, Problem]]
    results: Mapping[str, Results]
    measured: pd.DataFrame
    gates: list[Gate]
    level: str
    folder: Path

    @property
    def stop(self) -> str:
        """Why what needs this job must not run; "" if it may."""
        return "; ".join(str(gate) for gate in self.gates if gate.stops)


def run_functional(job: StageJob) -> FunctionalResult:
    """Score a model on the functional benchmarks: problems, samples, verdicts, scores.

    One greedy completion per problem. Completions that a run cut short has left are kept.
    """
    s = job.settings
    problems = {name: load(name, s.data, limit=s.limit) for name in expand(s.benchmarks)}
    engine = open_engine("transformers", job.model, job.cell.variant, job.adapter)
    chat = uses_chat(job.model, job.cell.variant)
    model = Model(engine, chat, job.greedy, job.seed, form=s.format)
    folders = {name: job.folder / name for name in problems}
    how = {"cpu_s": s.cpu_s, "measure": s.measure, "cache": job.paths.top / "expected"}
    with Sandbox(workers=s.workers, accept=s.sandbox) as sandbox:
        results = evaluate_all(problems, model, folders, sandbox, **how)
    values = {score: of for result in results.values() for score, of in result.values().items()}
    kinds = {name: text for r in results.values() for name, text in r.failures_as_text().items()}
    measured = write_measured(job.folder, job.profile, job.cell, values, failures=kinds)
    # A model scored on what it was not trained for says nothing on whether its training worked.
    gates = [] if job.cell.cross else check_gates(job.paths, job.cell, job.gates)
    return FunctionalResult(problems, results, measured, gates, sandbox.level, job.folder)
