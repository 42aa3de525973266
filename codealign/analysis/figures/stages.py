"""The pictures of the stages' notebooks: funnel, scores, failures, dimensions, changes, survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.style import Drawn, canvas, styled
from codealign.analysis.scores import benchmark
from codealign.evaluate.codal_scores import LOWEST

ROW = 0.26
"""Height in inches of one row of dots or bars."""
STEPS = {
    "seeds": "seed functions", "concepts": "with concepts", "instructions": "instructions",
    "responses": "responses", "executions": "responses executed", "passed": "pass their own tests",
    "checks": "whose tests can fail", "pairs": "preference pairs",
}  # fmt: skip
PASSED = "pass"
KINDS = {
    PASSED: style.BLUE, "wrong": style.RED, "error": style.ORANGE, "no_answer": style.MUTED,
    "extraction": style.SKY, "timeout": "#cc79a7", "crash": style.INK, "no_proof": "#f0e442",
    "sandbox_error": style.RULE, "missing": style.RULE,
}  # fmt: skip
"""Colours of a sample's fate; names as in `evaluate.functional.KINDS`."""


def _rows(n: int, extra: float = 0.75) -> tuple[Any, Axes]:
    """Return a figure for n rows, the first on top, and its axes."""
    figure = canvas(extra + ROW * n)
    axes = figure.subplots()
    axes.set_ylim(n - 0.4, -0.6)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def funnel(counts: Mapping[str, Mapping[str, int]], title: str) -> Drawn:
    """Draw how much is left after each step of the preference pipeline.

    Parameters
    ----------
    counts : of each step, `kept` and what was not kept, by reason.
    title : whose data, e.g. "nano, functional".
    """
    kept = {step: of["kept"] for step, of in counts.items() if step in STEPS}
    kept["passed"] = counts.get("executions", {}).get("pass", 0)
    steps = [step for step in STEPS if step in kept]
    with styled():
        figure, axes = _rows(len(steps), 0.5)
        bars = axes.barh(range(len(steps)), [kept[s] for s in steps], color=style.SKY, height=0.7)
        bars[-1].set_color(style.BLUE)
        axes.bar_label(bars, _left(kept, steps), padding=3, fontsize=style.NORMAL)
        axes.set_yticks(range(len(steps)), [STEPS[s] for s in steps])
        axes.set_xlim(0, 1.12 * max(1, *kept.values()))
        axes.set_title(f"{kept['pairs']:,} pairs from {kept['responses']:,} responses: {title}")
    told = "; ".join(f"{STEPS[step]} {kept[step]:,}" for step in steps)
    return Drawn("funnel", f"What is left after each step, {title}: {told}.", figure)


def _left(kept: Mapping[str, int], steps: Sequence[str]) -> list[str]:
    """Return each step's number and, where it is fewer, its share of the step before."""
    shares = [kept[b] / kept[a] if kept[a] else 1.0 for a, b in zip(steps, steps[1:], strict=False)]
    told = [f" ({share:.0%} of these)" if share < 0.995 else "" for share in shares]
    return [f"{kept[step]:,}{more}" for step, more in zip(steps, ["", *told], strict=True)]


def score_dots(measured: pd.DataFrame, title: str) -> Drawn:
    """Draw each score of one model with its 95 % interval, all in percent of their scale.

    Parameters
    ----------
    measured : tidy scores of one evaluated model.
    """
    rows = measured.to_dict("records")
    with styled():
        figure, axes = _rows(len(rows))
        for y, row in enumerate(rows):
            unit = 100 / benchmark(row["benchmark"]).scale
            efficiency = row["metric"] == "dps"
            _dot(axes, y, row, unit, style.ORANGE if efficiency else style.BLUE)
        names = [f"{benchmark(r['benchmark']).label} (n = {r['n']})" for r in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_xlabel("percent of problems solved (orange: DPS of the correct solutions)")
        axes.set_title(title)
    return Drawn("scores", f"{title}: scores with 95 % intervals. {_told(rows)}", figure)


def _told(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{benchmark(r['benchmark']).label} {r['value']:.3g}" for r in rows) + "."


def _dot(
    axes: Axes, y: float, row: Mapping[str, Any], unit: float, colour: str, form: str = ".1f"
) -> None:
    """Draw a value, its interval and, on the right, the number."""
    low, high, value = (unit * float(row[key]) for key in ("low", "high", "value"))
    if low == low and high == high:
        axes.plot([low, high], [y, y], color=colour, linewidth=1.4, alpha=0.45)
    axes.plot(value, y, "o", color=colour, markersize=4)
    axes.text(1.01, y, f"{value:{form}}", transform=axes.get_yaxis_transform(), va="center",
              size=style.SMALL)  # fmt: skip


def failure_bars(kinds: Mapping[str, Mapping[str, int]], title: str) -> Drawn:
    """Draw what became of a model's samples, as shares of each benchmark.

    Parameters
    ----------
    kinds : for each benchmark the number of samples of each kind, those that pass among them.
    """
    names, present = list(kinds), [k for k in KINDS if any(of.get(k) for of in kinds.values())]
    totals = {name: max(1, sum(of.values())) for name, of in kinds.items()}
    with styled():
        figure, axes = _rows(len(names), 0.8)
        left = dict.fromkeys(names, 0.0)
        for kind in present:
            widths = [100 * kinds[n].get(kind, 0) / totals[n] for n in names]
            bars = axes.barh(range(len(names)), widths, left=list(left.values()), height=0.72,
                             color=KINDS[kind], label=kind.replace("_", " "))  # fmt: skip
            told = [str(kinds[n].get(kind, 0)) if w > 4 else ""
                    for n, w in zip(names, widths, strict=True)]  # fmt: skip
            dark = KINDS[kind] in (style.BLUE, style.RED, style.MUTED, style.INK)
            axes.bar_label(bars, told, label_type="center", fontsize=style.SMALL,
                           color="white" if dark else style.INK)  # fmt: skip
            left = {n: left[n] + w for n, w in zip(names, widths, strict=True)}
        axes.set_yticks(range(len(names)), [benchmark(n).label for n in names])
        axes.set_xlim(0, 100)
        axes.set_xlabel("percent of the samples")
        axes.set_title(title)
        figure.legend(loc="outside lower center", ncols=min(5, len(present)))
    return Drawn("failures", f"{title}: what became of the samples of each benchmark.", figure)


def dimension_dots(readings: pd.DataFrame, title: str) -> Drawn:
    """Draw the CODAL scores of one model in both readings, with 95 % intervals.

    Parameters
    ----------
    readings : what `codal_scores.side_by_side` returns.
    """
    names = {"rated_mean": ("rated answers", style.BLUE), "zero_mean": ("unrated as 0", style.RED)}
    with styled():
        figure, axes = _rows(len(readings), 0.95)
        for place, (column, (label, colour)) in enumerate(names.items()):
            for y, row in enumerate(readings.to_dict("records")):
                at = y + 0.18 * (2 * place - 1)
                low, high = row[f"{column}_low"], row[f"{column}_high"]
                axes.plot([low, high], [at, at], color=colour, linewidth=1.4, alpha=0.45)
                axes.plot(row[column], at, "os"[place], color=colour, markersize=4,
                          label=label if y == 0 else None)  # fmt: skip
                axes.text(1.01, at, f"{row[column]:.2f}", transform=axes.get_yaxis_transform(),
                          va="center", size=style.SMALL, color=colour)  # fmt: skip
        axes.set_yticks(range(len(readings)), [benchmark(name).label for name in readings.index])
        axes.set_xlabel(f"rating, {LOWEST:g} to 10")
        axes.set_title(title)
        figure.legend(loc="outside lower center", ncols=2)
    told = "; ".join(f"{benchmark(name).label} {row['rated_mean']:.2f}"
                     for name, row in readings.iterrows())  # fmt: skip
    caption = f"{title}: both readings with 95 % intervals. Of the rated answers: {told}."
    return Drawn("dimensions", caption, figure)


def change_dots(stages: pd.DataFrame, title: str) -> Drawn | None:
    """Draw how each stage's ratings differ from an earlier stage's; None if nothing was compared.

    Parameters
    ----------
    stages : rows of `judging.paired_stages`.
    """
    rows = stages.to_dict("records")
    if not rows:
        return None
    with styled():
        figure, axes = _rows(len(rows))
        for y, row in enumerate(rows):
            clear = row["low"] > 0 or row["high"] < 0
            colour = style.BLUE if clear else style.MUTED
            _dot(axes, y, {**row, "value": row["difference"]}, 1.0, colour, "+.2f")
        axes.axvline(0, color=style.INK, linewidth=0.8)
        steps = [f"{_pathway(r['pathway'])}: {labels.STAGES[r['before']]} to "
                 f"{labels.STAGES[r['after']]}" for r in rows]  # fmt: skip
        axes.set_yticks(range(len(rows)), steps)
        axes.set_xlabel("change of the mean rating, points of 10 (blue: the interval excludes 0)")
        axes.set_title(title)
    clear = sum(r["low"] > 0 or r["high"] < 0 for r in rows)
    caption = f"{title}: {clear} of {len(rows)} changes can be told from none (95 % intervals)."
    return Drawn("stage_changes", caption, figure)


def _pathway(pathway: str) -> str:
    """Return `model/variant` as the figures print it."""
    model, _, variant = pathway.rpartition("/")
    return f"{model} {labels.VARIANTS.get(variant, variant)}"


def survey_dots(shares: pd.DataFrame, title: str) -> Drawn:
    """Draw the share of practitioners that chose each option, with Wilson's 95 % intervals.

    Parameters
    ----------
    shares : what `survey.shares` returns.
    """
    rows = shares.to_dict("records")
    with styled():
        figure, axes = _rows(len(rows), 0.7)
        for y, row in enumerate(rows):
            _dot(axes, y, {**row, "value": row["percent"]}, 1.0, style.BLUE)
        axes.set_yticks(range(len(rows)), [f"{r['question']}: {r['option']}" for r in rows])
        axes.set(xlabel="percent of the answers", title=title)
    return Drawn("survey", f"{title}: shares with Wilson's 95 % intervals.", figure)
