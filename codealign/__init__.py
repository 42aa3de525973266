"""Reproduce, check and extend the study of code alignment from pretrained or fine-tuned models.

The names below are the public interface for those who do not want notebooks; each is imported from
its own module when it is first used, so that `import codealign` is quick and loads no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from codealign.analysis.advice import advise as advise
    from codealign.analysis.answer import pathways as compare_pathways
    from codealign.analysis.changes import changes as score_changes
    from codealign.analysis.changes import collect_items as problem_values
    from codealign.analysis.claims import ledger as claims_ledger
    from codealign.analysis.figures import write_figures as write_figures
    from codealign.analysis.runs import compare_runs as compare_runs
    from codealign.analysis.scores import collect as measured_scores
    from codealign.analysis.scores import published as published_scores
    from codealign.analysis.summary import summarise as summarise
    from codealign.analysis.tables import write_tables as write_tables
    from codealign.errors import CodealignError as CodealignError
    from codealign.evaluate.codal import load_problems as load_codal
    from codealign.evaluate.codal import rate as rate_answers
    from codealign.evaluate.functional.evaluation import evaluate as evaluate_functional
    from codealign.evaluate.functional.registry import load as load_benchmark
    from codealign.evaluate.functional.samples import read_samples as read_samples
    from codealign.evaluate.judges import open_judge as open_judge
    from codealign.generate import generate as complete
    from codealign.generate import open_engine as open_engine
    from codealign.models import load as load_model
    from codealign.params import Params as Params
    from codealign.params import load_params as load_params
    from codealign.paths import RunPaths as RunPaths
    from codealign.prefs.pipeline import run_pipeline as run_pipeline
    from codealign.report import build_report as build_report
    from codealign.sandbox import Call as Call
    from codealign.sandbox import Program as Program
    from codealign.sandbox import Result as Result
    from codealign.sandbox import Sandbox as Sandbox
    from codealign.train.align import train_align as train_align
    from codealign.train.sft import train_sft as train_sft
    from codealign.workflow.reproduce import reproduce as reproduce

_HOME = {
    "CodealignError": "errors.CodealignError",
    "Params": "params.Params",
    "load_params": "params.load_params",
    "RunPaths": "paths.RunPaths",
    "load_model": "models.load",
    "open_engine": "generate.open_engine",
    "complete": "generate.generate",
    "Sandbox": "sandbox.Sandbox",
    "Program": "sandbox.Program",
    "Call": "sandbox.Call",
    "Result": "sandbox.Result",
    "run_pipeline": "prefs.pipeline.run_pipeline",
    "train_sft": "train.sft.train_sft",
    "train_align": "train.align.train_align",
    "load_benchmark": "evaluate.functional.registry.load",
    "read_samples": "evaluate.functional.samples.read_samples",
    "evaluate_functional": "evaluate.functional.evaluation.evaluate",
    "load_codal": "evaluate.codal.load_problems",
    "open_judge": "evaluate.judges.open_judge",
    "rate_answers": "evaluate.codal.rate",
    "published_scores": "analysis.scores.published",
    "measured_scores": "analysis.scores.collect",
    "problem_values": "analysis.changes.collect_items",
    "score_changes": "analysis.changes.changes",
    "summarise": "analysis.summary.summarise",
    "compare_pathways": "analysis.answer.pathways",
    "compare_runs": "analysis.runs.compare_runs",
    "claims_ledger": "analysis.claims.ledger",
    "advise": "analysis.advice.advise",
    "write_tables": "analysis.tables.write_tables",
    "write_figures": "analysis.figures.write_figures",
    "build_report": "report.build_report",
    "reproduce": "workflow.reproduce.reproduce",
}
"""Where each public name lives, below `codealign`."""

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"codealign has no public name {name!r}; it has {', '.join(__all__)}")
    module, _, attribute = _HOME[name].rpartition(".")
    value = globals()[name] = getattr(import_module(f"codealign.{module}"), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
