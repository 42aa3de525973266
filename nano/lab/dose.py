"""The dose of fine-tuning: three pretrainings, each fine-tuned on no, few, more and many chats.

"Pretrained or fine-tuned" is one model's two ends of a scale. Here the scale is walked: from each
pretraining the same alignment starts at every dose, and what a dose does is a mean over the
pretrainings with an interval over them, so that the model is the unit, not the problem.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codealign.analysis import labels, stats
from codealign.analysis.cells import read_problems
from codealign.analysis.figures.style import (
    STAGE_COLOURS,
    STAGE_MARKERS,
    Drawn,
    canvas,
    save,
    styled,
)
from codealign.analysis.scores import collect_all
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.analysis.tables.model import Row, Table, to_csv, to_markdown
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.records import ALIGNED, STAGES, VARIANTS, write_text
from nano.lab.build import MADE, Log, build_finetuned, build_pretrained, corpus_hash, provenance_of
from nano.lab.recipe import Recipe

DOSES = (1_000, 3_000, Recipe.chats)
"""Chats of a fine-tuning, those of a smaller one among them; the dose 0 is no fine-tuning."""
PRETRAININGS = 3
NAME = re.compile(r"pretraining(\d+)_chats(\d+)")


def name_of(pretraining: int, chats: int) -> str:
    """Return the folder's and so the model's name."""
    return f"pretraining{pretraining}_chats{chats}"


Each = Callable[[Callable[[int], list[Path]], Iterable[int]], Iterable[list[Path]]]


def build_doses(folder: Path, weights: Path, log: Log = print, each: Each = map) -> list[Path]:
    """Make a pair of models for each pretraining and dose; what is there already is kept.

    Parameters
    ----------
    folder : gets a folder for each pair, with `pretrained` and `finetuned`.
    weights : the shipped models, which are the first pretraining and its largest dose; the other
        pretrainings have the next seeds.
    each : calls a function for each pretraining, in turn as `map` does or beside each other as a
        pool's `map` does.

    Returns
    -------
    The pairs' folders.
    """
    folders = each(partial(_build_pretraining, folder, weights, log), range(PRETRAININGS))
    return [pair for pairs in folders for pair in pairs]


def _build_pretraining(folder: Path, weights: Path, log: Log, number: int) -> list[Path]:
    recipe = Recipe(seed=Recipe.seed + number)
    pairs = [folder / name_of(number, chats) for chats in DOSES]
    start = pairs[0] / "pretrained"
    if not _is_made(start, recipe):
        log(f"pretraining {number + 1} of {PRETRAININGS}")
        _copy_or(
            weights / "pretrained", start, recipe, partial(build_pretrained, start, recipe, log)
        )
    for chats, pair in zip(DOSES, pairs, strict=True):
        dose, tuned = replace(recipe, chats=chats), pair / "finetuned"
        if not _is_made(pair / "pretrained", recipe):
            _copy(start, pair / "pretrained")
        if not _is_made(tuned, dose):
            log(f"pretraining {number + 1}, {chats} chats")
            build = partial(build_finetuned, tuned, dose, start, log)
            _copy_or(weights / "finetuned", tuned, dose, build)
    return pairs


def _is_made(model: Path, recipe: Recipe) -> bool:
    """Say whether the model is there, of this recipe and of today's corpus."""
    provenance = provenance_of(model)
    same = provenance.get("recipe") == asdict(recipe)
    return same and provenance["corpus"] == corpus_hash(recipe)


def _copy_or(source: Path, target: Path, recipe: Recipe, build: Callable[[], None]) -> None:
    """Copy the source if it is of this recipe, else build."""
    if _is_made(source, recipe):
        _copy(source, target)
    else:
        build()


def _copy(source: Path, target: Path) -> None:
    """Copy a model whole or not at all: a killed copy must not pass for one."""
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    shutil.rmtree(target, ignore_errors=True)  # a model of another recipe
    part.replace(target)


Scores = dict[tuple[int, str], np.ndarray]
"""By dose and stage: one score for each pretraining, in percent of the scale."""


def doses(study: StudyRun) -> tuple[Scores, Scores]:
    """Return the functional scores of a run of all pairs, pretraining by pretraining.

    Returns
    -------
    Those of the fine-tuned variants by their dose, and beside each those of the pretrained variant
    in the same folder: the dose 0. Its weights are the same in all folders of a pretraining, its
    pairs and so its trained models are not, because each folder draws its own.

    Raises
    ------
    CodealignError
        A model is none of a dose, or a score was not run.
    """
    numbers, levels = set(), set()
    for model in study.cells.models:
        if not (match := NAME.fullmatch(model)):
            raise CodealignError(f"{model}: no model of a dose ({name_of(0, DOSES[0])} and so on)")
        numbers.add(int(match[1]))
        levels.add(int(match[2]))
    plain, tuned = (
        {
            (dose, stage): np.array(
                [_score(study, n, dose, variant, stage) for n in sorted(numbers)]
            )
            for dose in sorted(levels)
            for stage in STAGES
        }
        for variant in VARIANTS
    )
    return tuned, plain


def _score(study: StudyRun, number: int, dose: int, variant: str, stage: str) -> float:
    model = name_of(number, dose)
    value = study.score(Cell(model, variant, "functional", stage)).value
    if np.isnan(value):
        raise CodealignError(f"{model}: no score of {stage}; run params/nano_dose.yaml to its end")
    return value


def dose_table(tuned: Scores, plain: Scores) -> Table:
    """Scores and gains by dose, means over pretrainings, and what more fine-tuning changes.

    Parameters as `doses` returns them.
    """
    levels = sorted({dose for dose, _ in tuned})
    own, zero = ([_columns(scores, dose) for dose in levels] for scores in (tuned, plain))
    rows: list[Row] = [["0", *_means(np.mean(zero, axis=0), scores=True)]]
    rows += [
        [f"{dose:,}", *_means(one, scores=True)] for dose, one in zip(levels, own, strict=True)
    ]
    for dose, one, beside in zip(levels, own, zero, strict=True):
        rows.append([f"{dose:,} above 0", *_means(one - beside)])
    if len(levels) > 1:
        scale = (np.array(levels) - levels[0]) / (levels[-1] - levels[0])
        flat = np.array(own).reshape(len(levels), -1)
        rise = np.polyfit(scale, flat, 1)[0].reshape(own[0].shape)
        rows.append([f"{levels[0]:,} to {levels[-1]:,}, line", *_means(rise)])
    head = ["Chats", *(labels.STAGES[stage] for stage in STAGES), "Aligned above base"]
    note = (
        "pass@1 in percent, mean over the functional benchmarks; means over "
        f"{own[0].shape[1]} pretrainings with 95% t intervals over them: the model is the unit; "
        "they hold the draw of its pairs and the chance of its training, too. 0 chats: the "
        "pretrained model (PTA), which completes, where the others are asked by chat: 'above 0' "
        "holds that, too. Above 0: within the same folder, that is trained on the same pairs. "
        "Line: the rise of a line through the doses of a pretraining. Aligned: the mean of DPO "
        "and BoNBoN."
    )
    caption = "The dose: what fine-tuning before the alignment changes"
    return Table("dose", caption, head, "lrrrrr", rows, notes=[("", note)])


def _columns(scores: Scores, dose: int) -> np.ndarray:
    """Return [stages and the gain of alignment, pretrainings]."""
    stages = [scores[dose, stage] for stage in STAGES]
    aligned = np.mean([scores[dose, stage] for stage in ALIGNED], axis=0)
    return np.array([*stages, aligned - scores[dose, "base"]])


def _means(columns: np.ndarray, scores: bool = False) -> list[str]:
    """Return each row's mean with its interval: changes, or scores with a change in the last."""
    rows = columns.tolist()
    forms = ["{:.1f}" if scores else "{:+.1f}"] * (len(rows) - 1) + ["{:+.1f}"]
    return [
        labels.with_interval(np.mean(row), *stats.t_mean(row)[:2], form)
        for row, form in zip(rows, forms, strict=True)
    ]


def dose_figure(tuned: Scores, plain: Scores) -> Drawn:
    """Draw each stage's score over the dose: the pretrainings and their mean. Call in `styled()`.

    Parameters as `doses` returns them.
    """
    levels = sorted({dose for dose, _ in tuned})
    note = (
        "Marks: means over the pretrainings; faint: each of them. At 0 PTA, which completes; the "
        "others are asked by chat."
    )
    figure = canvas(2.1, title="What the dose of fine-tuning does to each stage", note=note)
    axes, rows = figure.subplots(), []
    for number, stage in enumerate(STAGES):
        zero = np.mean([plain[dose, stage] for dose in levels], axis=0)
        scores = np.array([zero, *(tuned[dose, stage] for dose in levels)])  # [doses, pretrainings]
        x = np.arange(len(scores)) + 0.1 * (number - 1.5)
        colour, marker = STAGE_COLOURS[stage], STAGE_MARKERS[stage]
        axes.plot(x, scores, marker, color=colour, markersize=2, alpha=0.4)
        axes.plot(x[1:], scores[1:].mean(axis=1), color=colour, linewidth=0.8)
        axes.plot(x, scores.mean(axis=1), marker, color=colour, markersize=4,
                  label=labels.STAGES[stage])  # fmt: skip
        for chats, values in zip((0, *levels), scores, strict=True):
            low, high = stats.t_mean(values)[:2]
            rows.append({"chats": chats, "stage": stage, "mean": values.mean(), "low": low,
                         "high": high, "pretrainings": len(values)})  # fmt: skip
    axes.set_xticks(range(len(levels) + 1), ["0 (PTA)", *(f"{dose:,}" for dose in levels)])
    axes.set(xlabel="chats of the fine-tuning", ylabel="pass@1, percent")
    axes.legend(loc="upper left", ncols=len(STAGES))
    data = pd.DataFrame(rows)
    ends = "; ".join(
        f"{labels.STAGES[stage]} {', '.join(f'{mean:.1f}' for mean in part['mean'])}"
        for stage, part in data.groupby("stage", sort=False)
    )
    caption = "pass@1 by stage and chats of the fine-tuning, means over pretrainings."
    return Drawn("dose", caption, figure, f"pass@1 in percent by dose: {ends}.", data)


def write_doses(run: Path, models: Path, out: Path) -> str:
    """Write table and figure of a run of `params/nano_dose.yaml`; return the table's Markdown.

    Written are the table as `tables/dose.md` and `.csv`, the figure with its data, the run's
    `scores.csv`, and what made the run and its `models` (a folder of `build_doses`) as
    `made_by.json`.
    """
    scores = doses(study_of(collect_all(run), items=read_problems(run)))
    table = dose_table(*scores)
    provenance = json.loads((run / "jobs/07_paper/result.json").read_text("utf-8"))["provenance"]
    made_by = {"run": run.name, "provenance": provenance, "models": _recipes(models)}
    texts = {
        "tables/dose.md": to_markdown(table),
        "tables/dose.csv": to_csv(table),
        "scores.csv": (run / "scores.csv").read_text("utf-8"),
        "made_by.json": json.dumps(made_by, indent=1) + "\n",
    }
    for file, text in texts.items():
        write_text(out / file, text)
    with styled():
        save(dose_figure(*scores), out / "figures")
    return texts["tables/dose.md"]


def _recipes(models: Path) -> dict[str, dict[str, Any]]:
    """Return of each model recipe and corpus, what its training took, and its files' hashes."""
    recipes = {}
    for record in sorted(models.glob(f"*/*/{MADE}")):
        provenance = provenance_of(record.parent)
        keys = ("recipe", "corpus", "tokens", "train_seconds", "files")
        recipes["/".join(record.parts[-3:-1])] = {key: provenance[key] for key in keys}
    return recipes
