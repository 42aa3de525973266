"""Stage 1: from a corpus to preference pairs (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from codealign.evaluate.functional.registry import guarding, prompts_of
from codealign.evaluate.judges import open_judge
from codealign.generate import generate, open_engine
from codealign.paths import NANO, RunPaths
from codealign.prefs.card import Summary
from codealign.prefs.pipeline import run_pipeline
from codealign.prefs.pool import write_inputs
from codealign.prefs.seeds import Extraction, extract
from codealign.sandbox import Sandbox
from codealign.stages.job import StageJob


@dataclass(frozen=True)
class PrefsResult:
    """The seeds that were found in the corpus, and what the pipeline made of them."""

    extraction: Extraction
    summary: Summary
    folder: Path


def run_prefs(job: StageJob, report: Callable[[str], None] = print) -> PrefsResult:
    """Make the preference pairs of one model and requirement; continue where a run was cut.

    Parameters
    ----------
    report : gets one closing line for each step.
    """
    settings, folder, name = job.settings, job.folder, job.cell.model
    benchmarks = guarding(settings.filters.benchmarks)  # whose problems stay out of the seeds
    source = NANO if settings.embedded else "public"
    corpus, known = write_inputs(folder, settings, job.seed)
    candidates = folder / "candidates.jsonl"
    extraction = extract(corpus, candidates, prompts_of(source, benchmarks), settings)
    report(extraction.line())
    engine = open_engine(settings.engine, job.model, settings.variant, base_url=settings.base_url)
    ask = {**settings.pairs.asking(), "cache": job.paths.top / "replies"}
    about = {"name": settings.corpus, "benchmarks": benchmarks}
    with Sandbox(workers=settings.workers, accept=settings.sandbox) as sandbox:
        summary = run_pipeline(
            extraction.path,
            settings,
            partial(generate, engine=engine),
            sandbox,
            folder,
            job.cell.requirement,
            job.seed,
            model=name,
            judge=open_judge(settings.pairs.judge, **ask) if settings.pairs.judge else None,
            chat=engine.chat if settings.chat else None,
            corpus={**about, "read": extraction.read, "removed": extraction.removed},
            report=report,
            known=known,
            earlier=_main_data(job),
        )
    return PrefsResult(extraction, summary, folder)


def _main_data(job: StageJob) -> Path | None:
    """Return where the main cells of an ablation's seed have their preference data, or None."""
    main = RunPaths(job.paths.seeded).prefs(job.cell.model, job.cell.requirement)
    return main if main != job.folder else None
