"""The answer as one picture: each pathway's way from base to aligned, a panel per requirement."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from codealign.analysis import labels
from codealign.analysis.answer import headlines, span
from codealign.analysis.effects import ONE_RUN
from codealign.analysis.figures import style
from codealign.analysis.figures.common import present, source_phrase
from codealign.analysis.figures.style import PATHWAY_COLOURS, Drawn, canvas
from codealign.analysis.summary import held
from codealign.records import PATHWAY, REQUIREMENTS, VARIANTS

PLACES = {"base": 0.0, "sft": 1.0, "dpo": 2.0, "bonbon": 2.6}
"""Where a stage is drawn: DPO and BoNBoN both start from SFT."""
APART = 0.07
"""Half the distance of the two pathways at one stage, so that neither interval hides the other."""
WAYS = (("base", "sft"), ("sft", "dpo"), ("sft", "bonbon"))
NEAREST = 0.09
"""Least distance of the two names at the right, as a share of a panel's height."""
MOST = 6
"""Models that are drawn; if there are more, the table has them all."""
NOTE = (
    "Mark: score. Line: its 95% interval. PTA starts from the pretrained model, FTA from the "
    "fine-tuned one. Below each panel: the differences that its title rests on."
)


def answer_figure(summary: pd.DataFrame, answers: pd.DataFrame) -> Drawn | None:
    """Draw scores from base over SFT to both techniques, PTA and FTA on one scale.

    Parameters
    ----------
    summary : scores with their intervals, in percent (`summary.summarise`).
    answers : what they say (`answer.pathways`); None is drawn where they say nothing.
    """
    if answers.empty:
        return None
    models = [m for m in present(summary, "model") if m in set(answers["model"])][:MOST]
    shown = [r for r in REQUIREMENTS if r in set(answers["requirement"])]
    summary = summary[summary["model"].isin(models) & summary["requirement"].isin(shown)]
    height = 0.6 + (1.75 if len(models) == 1 else 1.6 * len(models))
    figure = canvas(height, title="Which pathway ends higher, and what each gains", note=NOTE)
    panels = figure.subplots(len(models), len(shown), squeeze=False)
    span = _span(summary)
    for axes, model in zip(panels, models, strict=True):
        for axis, requirement in zip(axes, shown, strict=True):
            of_panel = (summary["model"] == model) & (summary["requirement"] == requirement)
            _panel(axis, summary[of_panel], span)
            asked = answers[(answers["model"] == model) & (answers["requirement"] == requirement)]
            who = f"{labels.model_label(model)}, " * (len(models) > 1)
            told = _winner(asked)
            between = "\n" if who or ONE_RUN in told else ": "
            axis.set_title(f"{who}{labels.REQUIREMENTS[requirement]}{between}{told}")
            axis.set_xlabel(_differences(asked))
        axes[0].set_ylabel("score, percent of the scale")
    sentence = "; ".join(f"{what}: {line}" for what, line in headlines(answers))
    caption = (
        "The answer. Scores from the base model over SFT to DPO and BoNBoN, with 95% intervals, "
        f"{source_phrase(summary)}. {held(summary)}".strip()
    )
    return Drawn("answer", caption, figure, f"{sentence}.", summary)


def _span(summary: pd.DataFrame) -> float:
    """Return the points that every panel spans, so that a slope means the same in each."""
    ends = summary.groupby(["model", "requirement"]).agg({"low": "min", "high": "max"})
    values = summary.groupby(["model", "requirement"])["score"].agg(["min", "max"])
    high, low = ends["high"].fillna(values["max"]), ends["low"].fillna(values["min"])
    return 1.1 * float((high - low).max())


def _winner(answers: pd.DataFrame) -> str:
    """Return the panel's title: who ends higher, taking both techniques together."""
    if answers.empty:
        return "one pathway alone"
    row = answers.iloc[-1]
    who = row["higher"]
    if who not in PATHWAY.values():
        return who
    return f"{who} ends higher" + (f" {ONE_RUN}" if row["seeds"] == 1 else "")


def _differences(answers: pd.DataFrame) -> str:
    """Return what the title rests on: scores overlap where paired differences need not."""
    if answers.empty:
        return ""
    row = answers.to_dict("records")[-1]
    return f"PTA - FTA: ends {span(row, 'ends')},\ngains {span(row, 'gains')} points"


def _panel(axes: Axes, rows: pd.DataFrame, span: float) -> None:
    ends = rows[["low", "high", "score"]].stack()
    edge = 0.03 * span  # what no score can be is not shown
    bottom = min(max((ends.min() + ends.max() - span) / 2, -edge), 100 + edge - span)
    axes.set_ylim(bottom, bottom + span)
    last: dict[str, tuple[float, float]] = {}
    for sign, variant in zip((-1, 1), VARIANTS, strict=True):
        own = rows[rows["variant"] == variant].to_dict("records")
        by_stage = {row["stage"]: row for row in own}
        _pathway(axes, by_stage, variant, sign * APART)
        if by_stage:
            end = max(by_stage, key=PLACES.__getitem__)
            last[variant] = PLACES[end], by_stage[end]["score"]
    _name(axes, last, NEAREST * span)
    axes.set_xlim(-0.25, PLACES["bonbon"] + 0.9)
    axes.set_xticks(list(PLACES.values()), [labels.STAGES[stage] for stage in PLACES])
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def _name(axes: Axes, last: dict[str, tuple[float, float]], nearest: float) -> None:
    """Write each pathway's name and final score beside its end, `nearest` apart at least."""
    order = sorted(last, key=lambda variant: last[variant][1])
    gap = abs(last[order[-1]][1] - last[order[0]][1])
    push = max(0.0, nearest - gap) / 2 if len(order) > 1 else 0.0
    for sign, variant in zip((-1, 1), order, strict=False):
        x, score = last[variant]
        axes.text(x + 0.2, score + sign * push, f"{PATHWAY[variant]} {score:.1f}", va="center",
                  color=PATHWAY_COLOURS[variant], weight="bold")  # fmt: skip


def _pathway(axes: Axes, rows: dict[str, dict[str, Any]], variant: str, off: float) -> None:
    colour = PATHWAY_COLOURS[variant]
    for start, end in WAYS:
        if start in rows and end in rows:
            both = [PLACES[start] + off, PLACES[end] + off]
            scores = [rows[start]["score"], rows[end]["score"]]
            axes.plot(both, scores, color=colour, linewidth=1)
    for stage, row in rows.items():
        x, marker = PLACES[stage] + off, style.STAGE_MARKERS[stage]
        axes.plot([x, x], [row["low"], row["high"]], color=colour, linewidth=0.8, alpha=0.6)
        axes.plot(x, row["score"], marker, color=colour, markersize=4, markeredgewidth=0)
