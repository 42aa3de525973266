"""Figures 1 to 6 of the paper and the charts beyond it, as PDF, SVG and PNG, with their data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from codealign.analysis.answer import pathways
from codealign.analysis.cells import Problems
from codealign.analysis.changes import changes
from codealign.analysis.claims import Claim
from codealign.analysis.context import RunMaterial
from codealign.analysis.figures.answer import answer_figure
from codealign.analysis.figures.common import present
from codealign.analysis.figures.diagrams import figure2, figure3, figure4
from codealign.analysis.figures.dots import dots, profiles, versus
from codealign.analysis.figures.heatmap import heatmap, plane
from codealign.analysis.figures.ledger import ledger_bars
from codealign.analysis.figures.listings import figure1, figure5, figure6
from codealign.analysis.figures.study import study_figures
from codealign.analysis.figures.style import Drawn, save, styled, write_captions
from codealign.analysis.scores import PAPER, over_seeds, published
from codealign.analysis.study.effects import StudyRun
from codealign.analysis.summary import summarise
from codealign.records import ALIGNED

__all__ = ["Drawn", "draw_figures", "write_figures"]


def draw_figures(
    scores: pd.DataFrame,
    context: RunMaterial | None = None,
    items: Problems | None = None,
    study: StudyRun | None = None,
    claims: list[Claim] | None = None,
) -> list[Drawn]:
    """Return Figures 1 to 6, then the charts of the scores. Call inside `style.styled()`.

    Parameters
    ----------
    scores : tidy scores, a row for each seed. Charts show the run's rows if there are any, else the
        published ones; a run is also set against the published range. A chart without any row is
        left out.
    context : the run's data counts, for Figure 4.
    items : the run's per-problem values, for paired intervals of its changes.
    study : the run's seeds, cross-evaluations and ablations, for the figures of these.
    claims : the ledger of these scores, for its picture.
    """
    rows = scores[scores["source"] != PAPER]
    measured = over_seeds(rows)
    shown = measured if len(measured) else published()
    known = rows if len(rows) else shown
    change = changes(known, items)
    charts = [answer_figure(summarise(known, items), pathways(known, items))]
    charts += [heatmap(change, stage) for stage in ALIGNED]
    charts += [plane(change), *(dots(shown, table) for table in (3, 4, 5)), profiles(change)]
    if len(measured):
        both = pd.concat([changes(published()), change], ignore_index=True)
        charts += [versus(both, model) for model in present(measured, "model")]
    counted = figure4(context or RunMaterial())
    paper = [figure1(), figure2(), figure3(), counted, figure5(), figure6()]
    repeated = study_figures(study) if study else []
    charts += [ledger_bars(claims)] if claims else []
    return paper + [chart for chart in charts if chart is not None] + repeated


def write_figures(
    out: Path | str,
    scores: pd.DataFrame,
    context: RunMaterial | None = None,
    items: Problems | None = None,
    study: StudyRun | None = None,
    claims: list[Claim] | None = None,
) -> list[Path]:
    """Write every figure as PDF, SVG and PNG, its data, and `figures.json`; return the paths.

    Parameters are those of `draw_figures`. The same scores give the same bytes.
    """
    out = Path(out)
    with styled():
        figures = draw_figures(scores, context, items, study, claims)
        paths = [path for drawn in figures for path in save(drawn, out)]
    return [*paths, write_captions(figures, out)]
