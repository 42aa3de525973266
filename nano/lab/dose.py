"""The dose of fine-tuning: three pretrainings, each fine-tuned on no, few, more and many chats.

"Pretrained or fine-tuned" is one model's two ends of a scale. Here the scale is walked: from each
pretraining the same alignment starts at every dose, and what a dose does is a mean over the
pretrainings with an interval over them, so that the model is the unit, not the problem.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from codealign.analysis import labels, stats
from codealign.analysis.cells import read_problems
from codealign.analysis.scores import collect_all
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.analysis.tables.model import Row, Table, to_csv, to_markdown
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.records import ALIGNED, STAGES, VARIANTS, write_text
from nano.lab.build import Log, build_finetuned, build_pretrained
from nano.lab.recipe import Recipe

DOSES = (1_000, 3_000, Recipe.chats)
"""Chats of a fine-tuning, those of a smaller one among them; the dose 0 is no fine-tuning."""
PRETRAININGS = 3
NAME = re.compile(r"pretraining(\d+)_chats(\d+)")
MADE = "provenance.json"


def name_of(pretraining: int, chats: int) -> str:
    """Return the folder's and so the model's name."""
    return f"pretraining{pretraining}_chats{chats}"


def build_doses(folder: Path, weights: Path, log: Log = print) -> list[Path]:
    """Make a pair of models for each pretraining and dose; what is there already is kept.

    Parameters
    ----------
    folder : gets a folder for each pair, with `pretrained` and `finetuned`.
    weights : the shipped models, whose pretraining is the first; the others have the next seeds.

    Returns
    -------
    The pairs' folders.
    """
    pairs = []
    for number in range(PRETRAININGS):
        recipe = Recipe(seed=Recipe.seed + number)
        start = folder / name_of(number, DOSES[0]) / "pretrained"
        if not (start / MADE).exists():
            log(f"pretraining {number + 1} of {PRETRAININGS}")
            if number:
                build_pretrained(start, recipe, log)
            else:
                shutil.copytree(weights / "pretrained", start, dirs_exist_ok=True)
        for chats in DOSES:
            pair = folder / name_of(number, chats)
            if not (pair / "finetuned" / MADE).exists():
                log(f"pretraining {number + 1}, {chats} chats")
                if pair != start.parent:
                    shutil.copytree(start, pair / "pretrained", dirs_exist_ok=True)
                build_finetuned(pair / "finetuned", replace(recipe, chats=chats), start, log)
            pairs.append(pair)
    return pairs


Values = dict[tuple[int, str], np.ndarray]
"""By dose and stage: one score for each pretraining, in percent of the scale."""


def doses(study: StudyRun) -> Values:
    """Return the functional scores of a run of all pairs, pretraining by pretraining.

    Raises
    ------
    CodealignError
        A model is none of a dose, or a score was not run.
    """
    models: dict[tuple[int, int], str] = {}
    for model in study.cells.models:
        if not (match := NAME.fullmatch(model)):
            raise CodealignError(f"{model}: no model of a dose ({name_of(0, DOSES[0])} and so on)")
        models[int(match[1]), int(match[2])] = model
    numbers = sorted({number for number, _ in models})
    return {
        (dose, stage): np.array([_score(study, models, n, dose, stage) for n in numbers])
        for dose in sorted({0} | {chats for _, chats in models})
        for stage in STAGES
    }


def _score(
    study: StudyRun, models: dict[tuple[int, int], str], number: int, dose: int, stage: str
) -> float:
    """Return a score; at dose 0 of the pretrained variant, the same in all pairs."""
    own = dose or min(chats for n, chats in models if n == number)
    model = models.get((number, own), name_of(number, own))
    value = study.score(Cell(model, VARIANTS[dose > 0], "functional", stage)).value
    if np.isnan(value):
        raise CodealignError(f"{model}: no score of {stage}; run params/nano_dose.yaml to its end")
    return value


def dose_table(values: Values) -> Table:
    """Scores and gains by dose, means over pretrainings, and what the whole scale changes."""
    found = sorted({dose for dose, _ in values})
    columns: list[Callable[[int], np.ndarray]] = [lambda d, s=s: values[d, s] for s in STAGES]
    columns.append(lambda d: np.mean([values[d, s] for s in ALIGNED], axis=0) - values[d, "base"])
    rows: list[Row] = []
    for dose in found:
        rows.append([f"{dose:,}", *(_mean(column(dose), "{:.1f}") for column in columns)])
    for dose in found[1:]:
        above = (_mean(column(dose) - column(0), "{:+.1f}") for column in columns)
        rows.append([f"{dose:,} above 0", *above])
    lines = (_mean(_rise(found, column), "{:+.1f}") for column in columns)
    rows.append([f"0 to {found[-1]:,}, line", *lines])
    head = ["Chats", *(labels.STAGES[stage] for stage in STAGES), "Aligned above base"]
    note = (
        "pass@1 in percent, mean over the functional benchmarks; means over "
        f"{len(values[0, 'sft'])} pretrainings with 95% t intervals over them: the model is the "
        "unit. 0 chats: the pretrained model (PTA). Above 0: paired within pretrainings. Line: the "
        "rise of a line through all doses of a pretraining. Aligned: the mean of DPO and BoNBoN."
    )
    caption = "The dose: what fine-tuning before the alignment changes"
    return Table("dose", caption, head, "lrrrrr", rows, notes=[("", note)])


def _rise(found: Sequence[int], column: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return each pretraining's change over the whole scale, by a line through all its doses."""
    return np.polyfit(np.array(found) / found[-1], np.array([column(d) for d in found]), 1)[0]


def _mean(values: np.ndarray, form: str) -> str:
    low, high, _ = stats.t_mean(values.tolist())
    if np.isnan(low):
        return labels.rounded(float(values.mean()), form)
    return labels.with_interval(float(values.mean()), low, high, form)


def write_doses(run: Path, out: Path) -> str:
    """Write the table of a run of `params/nano_dose.yaml`, and what made it; return its Markdown.

    Written are `dose.md`, `dose.csv`, the run's `scores.csv` and `made_by.json`.
    """
    table = dose_table(doses(study_of(collect_all(run), items=read_problems(run))))
    provenance = json.loads((run / "jobs/07_paper/result.json").read_text("utf-8"))["provenance"]
    texts = {
        "dose.md": to_markdown(table),
        "dose.csv": to_csv(table),
        "scores.csv": (run / "scores.csv").read_text("utf-8"),
        "made_by.json": json.dumps({"run": run.name, "provenance": provenance}, indent=1) + "\n",
    }
    for file, text in texts.items():
        write_text(out / file, text)
    return texts["dose.md"]
