"""What a stage's notebook says about its result: the sentence on top, the closing line, samples.

Nothing here decides a result: a change of a sentence makes no stage run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any

import pandas as pd
from pydantic import BaseModel

from codealign.analysis import labels, stats
from codealign.analysis.answer import main_rows, sentences
from codealign.analysis.cells import MEMBERS, cells_of
from codealign.analysis.questions import of
from codealign.analysis.scores import benchmark
from codealign.cell import Cell
from codealign.records import PATHWAY, Pair, Score
from codealign.train.readme import Trained, gap_told

NAMES = {
    "benchmark": lambda code: benchmark(code).label,
    "pathway": lambda code: PATHWAY.get(code, code),
    "requirement": lambda code: labels.REQUIREMENTS.get(code, code),
    "dimension": lambda code: code.replace("_", " "),
    **dict.fromkeys(("stage", "before", "after"), lambda code: labels.STAGES.get(code, code)),
}
"""What is printed for the codes in columns of these names."""
SHARED = 1 / 3
"""Of a pair's lines that must be common for marks of the others to show a difference."""


def interval(low: float | None, high: float | None, form: str) -> str:
    """Return "95 % interval A to B" in a format such as ".3f", or that there is none."""
    if low is None or high is None or low != low or high != high:
        return "no interval"
    return f"95 % interval {low:{form}} to {high:{form}}"


def changed(settings: BaseModel) -> pd.DataFrame:
    """Return the settings that differ from the default, beside it; nested ones by `a.b`."""
    own, default = (labels.flat(one.model_dump()) for one in (settings, type(settings)()))
    rows = {k: (v, default.get(k, "")) for k, v in own.items() if v != default.get(k, "")}
    columns = ["set to", "default"]
    return pd.DataFrame(list(rows.values()), list(rows), columns, dtype=object)  # 4 is no 4.0


def readable(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Return a table for readers: each number with its interval, names in the place of codes.

    Bounds `x_low` and `x_high` go into the column `x`, `low` and `high` into the one before them;
    a variant is named by its pathway.
    """
    shown = table.reset_index(drop=True).rename(columns={"variant": "pathway"})
    for low in [name for name in table if name == "low" or name.endswith("_low")]:
        bounds = [low, f"{low[:-3]}high"]
        of = low[:-4] or table.columns[table.columns.get_loc(low) - 1]
        each = table[[of, *bounds]].itertuples(index=False)
        shown[of] = [_bracketed(*numbers, digits) for numbers in each]
        shown = shown.drop(columns=bounds)
    for column, named in NAMES.items():
        if column in shown:
            shown[column] = [named(code) for code in shown[column]]
    return shown.round(digits)


def _bracketed(value: float, low: float, high: float, digits: int) -> str:
    if pd.isna(value):
        return ""
    bounds = "" if pd.isna(low) or pd.isna(high) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{bounds}"


def prefs_sentence(model: str, requirement: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many pairs came of how many responses, and how many of these passed.

    Parameters
    ----------
    counts : of each step of the pipeline, what was kept and what was not.
    """
    executed, passed = counts["executions"]["kept"], counts["executions"].get("pass", 0)
    low, high, _ = stats.wilson(passed, executed)
    share = f"{passed / executed:.1%}" if executed else "none"
    agreeing = ""
    if "trials" in counts:
        agreeing = (
            " The pairs do not go by that, but by which responses agree on each other's tests: "
            f"{counts['pairs']['kept']:,} of {counts['instructions']['kept']:,} instructions give "
            "a pair."
        )
    return (
        f"**{counts['pairs']['kept']:,} {labels.REQUIREMENTS[requirement]} preference pairs** of "
        f"{model}, from {counts['seeds']['kept']:,} seed functions and "
        f"{counts['responses']['kept']:,} responses. Of the {executed:,} that could be executed, "
        f"{share} passed their own tests ({interval(100 * low, 100 * high, '.1f')}).{agreeing}"
    )


def losses(counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Return what was left out at each step, by reason, the zeros left out."""
    rows = [(step, reason, n) for step, of in counts.items() for reason, n in of.items()
            if n and reason not in ("kept", "pass", "fail", "executions")]  # fmt: skip
    return pd.DataFrame(rows, columns=["step", "left out because", "count"])


def pair_html(pair: Pair) -> str:
    """Return a pair side by side as HTML, code highlighted.

    Lines of one side alone are marked, where at least `SHARED` of the longer side is common.
    """
    fence = "```"
    sides = [[line for line in text.splitlines() if not line.startswith(fence)]
             for text in (pair.chosen, pair.rejected)]  # fmt: skip
    same = SequenceMatcher(None, *sides, autojunk=False).get_matching_blocks()
    marks = sum(block.size for block in same) >= SHARED * max(map(len, sides))
    alike = [{i for block in same for i in range(block[side], block[side] + block.size)}
             for side in (0, 1)]  # fmt: skip
    cells = [_code(lines, kept if marks else set(range(len(lines))))
             for lines, kept in zip(sides, alike, strict=True)]  # fmt: skip
    return (
        f"<p>{escape(pair.prompt)}</p>"
        "<table style='table-layout: fixed; width: 100%; min-width: 34rem'>"
        "<thead><tr><th>chosen</th><th>rejected</th></tr></thead>"
        f"<tbody><tr>{''.join(cells)}</tr></tbody></table>"
    )


def _code(lines: Sequence[str], alike: set[int]) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    lexer = PythonLexer(stripnl=False)
    coloured = highlight("\n".join(lines), lexer, HtmlFormatter(nowrap=True)).splitlines()
    shown = [line if i in alike or not lines[i].strip() else f"<mark>{line}</mark>"
             for i, line in enumerate(coloured[: len(lines)])]  # fmt: skip
    text = "\n".join(shown)
    style = "text-align: left; vertical-align: top"
    return f'<td style="{style}"><div class="highlight"><pre>{text}</pre></div></td>'


def training_sentence(
    cell: Cell, pathway: str, training: Trained, ends: tuple[float, float]
) -> str:
    """Return what was trained on how much, where the loss went, and the gap that was reached.

    Parameters
    ----------
    ends : loss at the start and at the end (`train.curves.ends`), in nats.
    """
    kind = "responses" if training.stage == "sft" else "pairs"
    what, of = _trained(cell, pathway, training.stage)
    return (
        f"**{what}** ({of}): {training.steps:,} "
        f"steps on {training.examples:,} {kind}; loss {ends[0]:.3f} at the start, {ends[1]:.3f} at "
        f"the end (means of a tenth of the steps). {gap_told(training)}"
    ).strip()


def training_title(cell: Cell, pathway: str, stage: str) -> str:
    """Return what was trained, e.g. "DPO of nano fine-tuned (FTA, functional)"."""
    what, of = _trained(cell, pathway, stage)
    return f"{what} ({of})"


def _trained(cell: Cell, pathway: str, stage: str) -> tuple[str, str]:
    """Return what was trained, and along which pathway for which requirement."""
    what = f"{labels.STAGES[stage]} of {cell.model} {labels.VARIANTS[cell.variant]}"
    return what, f"{pathway}, {labels.REQUIREMENTS[cell.requirement]}"


def training_line(training: Trained, ends: tuple[float, float]) -> str:
    """Return a training's closing line; `ends` as in `training_sentence`."""
    kind = "responses" if training.stage == "sft" else "pairs"
    line = (
        f"{training.stage}: {training.steps} steps on {training.examples} {kind}, "
        f"loss {ends[0]:.3f} -> {ends[1]:.3f}, {training.truncated} truncated"
    )
    return f"{line}; {gap}" if (gap := gap_told(training)) else line


def fates(results: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return how many samples pass and, by kind, fail, of `functional.Results` by benchmark."""
    by_benchmark = {}
    for name, one in results.items():
        samples = sum(map(len, one.attempts.values())) + len(one.missing)
        by_benchmark[name] = {"pass": samples - sum(one.failures.values()), **one.failures}
    return by_benchmark


def functional_sentence(cell: Cell, measured: pd.DataFrame) -> str:
    """Return an evaluated model's first number with n and interval, and its functional score."""
    first = measured.iloc[0]
    name = benchmark(first["benchmark"]).label
    return (
        f"**{title(cell)}**: {first['metric']} {first['value']:.3f} on {name} (n = {first['n']}, "
        f"{interval(first['low'], first['high'], '.3f')}); {_functional_score(measured)}. "
        "Intervals hold the choice of problems, not another training."
    )


def _functional_score(measured: pd.DataFrame) -> str:
    """Return the requirement's score of one evaluated model, the same as in summary and answer."""
    score = of(cells_of(measured), Cell.of(measured.iloc[0]).at(benchmark=""))
    if not score.benchmarks:
        return "no functional score: none of its benchmarks was run"
    benchmarks = f"{score.benchmarks} of its {len(MEMBERS['functional'])} benchmarks"
    return f"functional score {labels.rounded(score.value, '{:.1f}')} % over {benchmarks}"


def codal_sentence(cell: Cell, overall: Score, judge: str) -> str:
    """Return the CODAL score of an evaluated model, with its interval and what is missing."""
    return (
        f"**{title(cell)}**: CODAL {overall.value:.2f} of 10 by the judge `{judge}` "
        f"({interval(overall.low, overall.high, '.2f')}; {overall.n} answers rated, "
        f"{overall.missing} unrated). The interval holds the choice of problems, not another "
        "training or judge."
    )


def title(cell: Cell) -> str:
    """Return the name of an evaluated model, e.g. "nano fine-tuned, SFT"."""
    stage, variant = labels.STAGES[cell.stage], labels.VARIANTS[cell.variant]
    return f"{cell.model} {variant}, {stage}"


def functional_line(measured: pd.DataFrame, level: str, gates: Iterable[Any]) -> str:
    """Return the closing line of a functional evaluation, with the gates that failed."""
    line = f"{_functional_score(measured)}, sandbox {level}"
    return "; ".join([line, *(str(gate) for gate in gates if not gate.passed)])


def codal_line(overall: Score, judge: str, gates: Iterable[Any]) -> str:
    """Return the closing line of a CODAL evaluation, with the gates that failed."""
    line = f"codal: {overall.value:.2f} of 10 by {judge}, {overall.n} rated"
    failed = [str(gate) for gate in gates if not gate.passed]
    return "; ".join([f"{line}, {overall.missing} unrated", *failed])


def answer_sentence(answers: pd.DataFrame) -> str:
    """Return which pathway won for each model and requirement, from `answer.pathways`.

    The last row of each counts, which holds both techniques.
    """
    return " ".join(f"**{what}:** {line}" for what, line in sentences(main_rows(answers)))


def agreement_sentence(reference: str, trusted: pd.DataFrame) -> str:
    """Return how far the first judge agrees with the reference, in weighted kappa.

    Parameters
    ----------
    trusted : what `trust.trust` returns; a row for each judge.
    """
    if trusted.empty:
        return f"**One judge alone** ({reference}): there is no second to hold against it."
    row = trusted.iloc[0]
    return (
        f"**Linear weighted kappa {row['kappa']:.2f}** between `{row['judge']}` and {reference} "
        f"({interval(row['kappa_low'], row['kappa_high'], '.2f')}, {row['n']} answers)."
    )
