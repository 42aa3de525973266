"""The pictures of the stages' notebooks: funnel, scores, failures, dimensions, changes, survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from codealign.analysis import labels
from codealign.analysis.figures import style
from codealign.analysis.figures.common import in_points
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
LINE = "Line: 95 % interval."
KINDS = {
    PASSED: style.BLUE, "wrong": style.RED, "error": style.ORANGE, "no_answer": style.MUTED,
    "extraction": style.SKY, "timeout": style.FUNCTION, "crash": style.INK,
    "no_proof": style.KEYWORD, "sandbox_error": style.RULE, "missing": style.RULE,
}  # fmt: skip
"""Colours of a sample's fate; names as in `evaluate.functional.KINDS`."""
ON = {
    **dict.fromkeys((style.RED, style.ORANGE, style.SKY), style.DARK), style.RULE: style.INK,
}  # fmt: skip
"""Colour of the print on a colour of `KINDS`; on all others `style.ON`."""
READINGS = {"rated_mean": "rated answers", "zero_mean": "unrated as 0"}


def _rows(n: int, title: str, note: str = "", extra: float = 0.55) -> tuple[Any, Axes]:
    """Return a figure for n rows, the first on top, and its axes."""
    figure = canvas(extra + ROW * n, title=title, note=note)
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
    heading = f"{kept['pairs']:,} pairs from {kept['responses']:,} responses: {title}"
    with styled():
        figure, axes = _rows(len(steps), heading, extra=0.3)
        bars = axes.barh(range(len(steps)), [kept[s] for s in steps], color=style.SKY, height=0.7)
        bars[-1].set_color(style.BLUE)
        axes.bar_label(bars, _left(kept, steps), padding=3, fontsize=style.NORMAL)
        axes.set_yticks(range(len(steps)), [STEPS[s] for s in steps])
        axes.set_xlim(0, 1.12 * max(1, *kept.values()))
    numbers = "; ".join(f"{STEPS[step]} {kept[step]:,}" for step in steps)
    caption = (
        f"What is left after each step, {title}; percent: of the step before; of pairs: of the "
        "instructions."
    )
    data = pd.DataFrame([(STEPS[step], kept[step]) for step in steps], columns=["step", "kept"])
    return Drawn("funnel", caption, figure, f"What is left after each step: {numbers}.", data)


def _left(kept: Mapping[str, int], steps: Sequence[str]) -> list[str]:
    """Return each step's number and, where it is fewer, its share of the step before.

    Pairs are of instructions, whichever responses their rule goes by.
    """
    before = dict(zip(steps[1:], steps, strict=False)) | {"pairs": "instructions"}
    texts = []
    for step in steps:
        whole = kept.get(before.get(step, ""), 0)
        share = kept[step] / whole if whole else 1.0
        of = "the instructions" if step == "pairs" else "these"
        texts.append(f"{kept[step]:,}" + f" ({share:.0%} of {of})" * (share < 0.995))
    return texts


def score_dots(measured: pd.DataFrame, title: str) -> Drawn:
    """Draw each score of one model with its 95 % interval, all in percent of their scale.

    Parameters
    ----------
    measured : tidy scores of one evaluated model.
    """
    data = in_points(measured, "value", "low", "high")
    rows = data.to_dict("records")
    note = "Mark: percent of problems solved; orange: DPS of the correct solutions. " + LINE
    with styled():
        figure, axes = _rows(len(rows), title, note)
        for y, row in enumerate(rows):
            _dot(axes, y, row, style.ORANGE if row["metric"] == "dps" else style.BLUE)
        names = [f"{benchmark(r['benchmark']).label} (n = {r['n']})" for r in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_xlabel("percent")
    numbers = "; ".join(f"{benchmark(r['benchmark']).label} {r['value']:.1f}" for r in rows)
    data = data[["benchmark", "metric", "value", "low", "high", "n"]]
    caption = f"{title}: scores in percent with 95 % intervals."
    return Drawn("scores", caption, figure, f"Scores in percent: {numbers}.", data)


def _dot(axes: Axes, y: float, row: Mapping[str, Any], colour: str, form: str = ".1f") -> None:
    """Draw a value, its interval and, on the right, the number."""
    low, high, value = (float(row[key]) for key in ("low", "high", "value"))
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
        figure, axes = _rows(len(names), title, extra=0.6)
        left = dict.fromkeys(names, 0.0)
        for kind in present:
            widths = [100 * kinds[n].get(kind, 0) / totals[n] for n in names]
            bars = axes.barh(range(len(names)), widths, left=list(left.values()), height=0.72,
                             color=KINDS[kind], label=kind.replace("_", " "))  # fmt: skip
            texts = [str(kinds[n].get(kind, 0)) if w > 4 else ""
                    for n, w in zip(names, widths, strict=True)]  # fmt: skip
            axes.bar_label(bars, texts, label_type="center", fontsize=style.SMALL,
                           color=ON.get(KINDS[kind], style.ON))  # fmt: skip
            left = {n: left[n] + w for n, w in zip(names, widths, strict=True)}
        axes.set_yticks(range(len(names)), [benchmark(n).label for n in names])
        axes.set_xlim(0, 100)
        axes.set_xlabel("percent of the samples")
        figure.legend(loc="outside lower center", ncols=min(5, len(present)))
    caption = f"{title}: what became of the samples of each benchmark."
    counts = [(n, k, kinds[n].get(k, 0)) for n in names for k in present]
    data = pd.DataFrame(counts, columns=["benchmark", "kind", "samples"])
    return Drawn("failures", caption, figure, _fates_in_words(data), data)


def _fates_in_words(data: pd.DataFrame) -> str:
    """Return how many samples pass and how the others fail, the most frequent kind first."""
    sums = data.groupby("kind")["samples"].sum().sort_values(ascending=False, kind="stable")
    fails = [f"{kind.replace('_', ' ')} {n:,}" for kind, n in sums.items() if kind != PASSED]
    sentence = f"Of {sums.sum():,} samples {sums.get(PASSED, 0):,} pass"
    return f"{sentence}; the others: {', '.join(fails)}." if fails else f"{sentence}."


def dimension_dots(readings: pd.DataFrame, title: str) -> Drawn:
    """Draw the CODAL scores of one model in both readings, with 95 % intervals.

    Parameters
    ----------
    readings : what `codal_scores.side_by_side` returns.
    """
    colours = (style.BLUE, style.RED)
    with styled():
        figure, axes = _rows(len(readings), title, LINE, 0.75)
        for place, (column, label) in enumerate(READINGS.items()):
            colour = colours[place]
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
        figure.legend(loc="outside lower center", ncols=2)
    means = "; ".join(f"{benchmark(name).label} {row['rated_mean']:.2f}"
                     for name, row in readings.iterrows())  # fmt: skip
    apart = float((readings["rated_mean"] - readings["zero_mean"]).abs().max())
    alt = f"Mean rating of 10: {means}. The two readings differ by at most {apart:.2f}."
    columns = [f"{name}{end}" for name in READINGS for end in ("", "_low", "_high")]
    data = readings[columns].rename_axis("benchmark").reset_index()
    caption = f"{title}: mean rating in both readings, with 95 % intervals."
    return Drawn("dimensions", caption, figure, alt, data)


def change_dots(stages: pd.DataFrame, title: str) -> Drawn | None:
    """Draw how each stage's ratings differ from an earlier stage's; None if nothing was compared.

    Parameters
    ----------
    stages : rows of `judging.paired_stages`.
    """
    data = stages.rename(columns={"difference": "value"})
    rows = data.to_dict("records")
    if not rows:
        return None
    with styled():
        figure, axes = _rows(len(rows), title, "Blue: the interval excludes 0. " + LINE)
        for y, row in enumerate(rows):
            clear = row["low"] > 0 or row["high"] < 0
            _dot(axes, y, row, style.BLUE if clear else style.MUTED, "+.2f")
        axes.axvline(0, color=style.INK, linewidth=0.8)
        steps = [f"{model} {labels.VARIANTS[variant]}: {labels.STAGES[r['before']]} to "
                 f"{labels.STAGES[r['after']]}"
                 for (model, variant), r in zip(data.index, rows, strict=True)]  # fmt: skip
        axes.set_yticks(range(len(rows)), steps)
        axes.set_xlabel("change of the mean rating, points of 10")
    clear = sum(r["low"] > 0 or r["high"] < 0 for r in rows)
    caption = f"{title}: {clear} of {len(rows)} changes can be told from none (95 % intervals)."
    moves = "; ".join(f"{step} {row['value']:+.2f}" for step, row in zip(steps, rows, strict=True))
    alt = f"{clear} of {len(rows)} changes can be told from none. In points: {moves}."
    data = data[["pathway", "before", "after", "value", "low", "high"]]
    return Drawn("stage_changes", caption, figure, alt, data)


def survey_dots(shares: pd.DataFrame, title: str) -> Drawn:
    """Draw the share of practitioners that chose each option, with Wilson's 95 % intervals.

    Parameters
    ----------
    shares : what `survey.shares` returns.
    """
    rows = shares.to_dict("records")
    with styled():
        figure, axes = _rows(len(rows), title, LINE)
        for y, row in enumerate(rows):
            _dot(axes, y, {**row, "value": row["percent"]}, style.BLUE)
        axes.set_yticks(range(len(rows)), [f"{r['question']}: {r['option']}" for r in rows])
        axes.set_xlabel("percent of the answers")
    answered = shares.dropna(subset=["percent"])
    first = answered.loc[answered.groupby("question", sort=False)["percent"].idxmax()]
    favourites = "; ".join(f"{r['question']}: {r['option']} {r['percent']:.0f} %"
                     for r in first.to_dict("records"))  # fmt: skip
    caption = f"{title}: shares with Wilson's 95 % intervals."
    data = shares[["question", "option", "percent", "low", "high"]]
    return Drawn("survey", caption, figure, f"Chosen most often: {favourites}.", data)
