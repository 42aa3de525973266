"""Stage 5: from a checkpoint to a CODAL score, by a judge (paper, section 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from codealign.analysis.gating import Gate, check_gates
from codealign.analysis.measured import write_measured
from codealign.evaluate.codal import STOP, collect_answers, load_problems, rate
from codealign.evaluate.codal_scores import RATED, scores, values
from codealign.evaluate.judges import open_judge
from codealign.generate import generate, open_engine
from codealign.models import uses_chat
from codealign.records import Answer, Rating, Score
from codealign.stages.job import StageJob


@dataclass(frozen=True)
class CodalResult:
    """An evaluated model: answers, ratings of each judge, scores in both readings, its gate.

    `ratings` has the run's judge first; `rows` both readings of each score; `measured` those of the
    run.
    """

    answers: Sequence[Answer]
    ratings: dict[str, list[Rating]]
    rows: list[Score]
    measured: pd.DataFrame
    gates: list[Gate]
    folder: Path

    @property
    def overall(self) -> Score:
        """The CODAL score, of the rated answers alone."""
        return next(r for r in self.rows if r.benchmark == "codal" and r.metric == RATED)

    @property
    def stop(self) -> str:
        """Why what needs this job must not run; "" if it may."""
        return "; ".join(str(gate) for gate in self.gates if gate.stops)


def run_codal(job: StageJob, report: Callable[[str], None] = print) -> CodalResult:
    """Have a model answer the CODAL problems and a judge, or two, rate the answers.

    Answers and ratings that a run cut short has left are kept.

    Parameters
    ----------
    report : gets what each judge will ask, cost and take, before it is asked.
    """
    s, folder = job.settings, job.folder / "codal"
    problems = load_problems(s.data, s.limit, own=s.dimensions)
    engine = open_engine("transformers", job.model, job.cell.variant, job.adapter)
    chat = engine.chat if uses_chat(job.model, job.cell.variant) else None
    complete = partial(generate, engine=engine, settings=job.greedy, seed=job.seed, stop=STOP)
    answers = collect_answers(problems, complete, folder / "answers.jsonl", job.name, chat)
    ratings = {}
    for file, name in (("ratings", s.judge), ("ratings_second", s.second_judge)):
        if name:
            judge = open_judge(name, **s.asking(), cache=job.paths.top / "replies")
            report(f"{name}: {judge.estimate(answers)}")
            ratings[name] = rate(answers, judge, folder / f"{file}.jsonl")
    rows = scores(ratings[s.judge], job.profile, job.cell)
    kept = [row for row in rows if row.metric == RATED]
    measured = write_measured(job.folder, job.profile, job.cell, values(ratings[s.judge]), kept)
    # A model rated on what it was not trained for says nothing on whether its training worked.
    gates = [] if job.cell.cross else check_gates(job.paths, job.cell, job.gates)
    return CodalResult(answers, ratings, rows, measured, gates, job.folder)
