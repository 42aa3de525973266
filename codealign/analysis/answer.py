"""The study's question answered from scores: which pathway won, for what, and how sure is it?

Two questions, for each requirement: which pathway *ends* higher (aligned score), and which *gains*
more over its own base. Each is asked of both techniques together, which is the answer, and of each
by itself. Scores are those of the summary.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.cells import (
    TASKS,
    Cells,
    Problems,
    cells_of,
    read_problems,
    weights_in_words,
)
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE, ONE_RUN, Effect
from codealign.analysis.questions import ask, change, ends_higher, gains_more
from codealign.analysis.scores import collect_all
from codealign.analysis.summary import HOLDS, summarise, summary_markdown
from codealign.analysis.tables.controls import hardly_moved
from codealign.records import ALIGNED, PATHWAY, REQUIREMENTS, write_text

BOTH = "aligned"
"""Stage of the row that takes both techniques together."""
QUESTIONS = {"ends": "higher", "gains": "more"}
"""Columns: of each difference the one that names the winner."""
COLUMNS = [
    "source", "model", "requirement", "stage", "benchmarks", "n", "seeds",
    *(f"ends{end}" for end in ("", "_low", "_high", "_p")), "higher",
    *(f"gains{end}" for end in ("", "_low", "_high", "_p")), "more", "pta_change", "fta_change",
    *(f"{name}_tasks{end}" for name in QUESTIONS for end in ("", "_low", "_high")),
]  # fmt: skip
ASKED = {"higher": "ends higher", "more": "gains more"}
MOST_TIMES = 100
"""An effort beyond this many times the present one is not advised."""
NO_ANSWER = ("No answer", "it takes an aligned score of both pathways.")
"""What `sentences` has in place of a row."""
HOW = (
    "Differences are PTA minus FTA in points (percent of the scale, mean over the requirement's "
    "benchmarks), with 95% intervals, paired over problems where their values are known. A winner "
    "is named only if the interval excludes 0. "
)
WEIGHTS = (
    f"In the functional score the tasks weigh {weights_in_words('functional')}; F1, F2, F4 alike: "
    "the same with a third for each."
)
WHAT_LACKS = "What is missing: other seeds, which say how far another training would have moved it."


def pathways(scores: pd.DataFrame, items: Problems | None = None) -> pd.DataFrame:
    """Compare the two pathways of every model and requirement.

    Parameters
    ----------
    scores : tidy scores, a row for each seed (`scores.collect_all`).
    items : per-problem values, for paired differences.

    Returns
    -------
    DataFrame
        source, model, requirement, stage (dpo, bonbon, or "aligned": both together, if both were
        run); `ends` (PTA minus FTA, points) with bounds, p and `higher`; `gains` (PTA's change
        against its base minus FTA's) with bounds, p and `more`; the winner is "PTA", "FTA", "not
        distinguishable", or without an interval "cannot tell"; `pta_change` and `fta_change` in
        points (like `gains` NaN where a base was not run); `ends_tasks` and `gains_tasks`, the same
        with F1, F2 and F4 weighing alike; n problems; seeds (1: all of it in one training run).
        Rows where one pathway has no score are left out.
    """
    rows = []
    for source, of_source in scores.groupby("source", sort=False):
        cells = cells_of(of_source, items)
        for model in dict.fromkeys(of_source["model"]):
            for requirement in REQUIREMENTS:
                each = [_row(cells, model, requirement, (stage,)) for stage in ALIGNED]
                known = [row for row in each if row]
                if len(known) > 1:
                    known.append(_row(cells, model, requirement, ALIGNED))
                rows += [{"source": source, "model": model, **row} for row in known]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    cells: Cells, model: str, requirement: str, stages: tuple[str, ...]
) -> dict[str, Any] | None:
    asked = {"ends": ends_higher(requirement, stages), "gains": gains_more(requirement, stages)}
    plain = {name: ask(cells, question, model) for name, question in asked.items()}
    if math.isnan(plain["ends"].value):
        return None
    row: dict[str, Any] = {
        "requirement": requirement, "stage": stages[0] if len(stages) == 1 else BOTH,
        "n": plain["ends"].n, "seeds": plain["ends"].seeds, "benchmarks": plain["ends"].benchmarks,
    }  # fmt: skip
    for name, question in asked.items():
        row |= _numbers(name, plain[name]) | {f"{name}_p": plain[name].p}
        row[QUESTIONS[name]] = plain[name].verdict_here("PTA", "FTA")
        row |= _numbers(f"{name}_tasks", ask(cells, question, model, TASKS))
    changes = {v: ask(cells, change(requirement, v, stages), model).value for v in PATHWAY}
    return row | {f"{PATHWAY[v].lower()}_change": value for v, value in changes.items()}


def _numbers(name: str, effect: Effect) -> dict[str, float]:
    return {name: effect.value, f"{name}_low": effect.low, f"{name}_high": effect.high}


def answer_lines(answers: pd.DataFrame) -> list[str]:
    """Return the answer in sentences: what holds of each requirement, then one line per row."""
    heads = [f"{what}: {who}." for what, who in headlines(answers)]
    return [*heads, *(f"{what}: {said}" for what, said in sentences(answers))]


def sentences(answers: pd.DataFrame) -> list[tuple[str, str]]:
    """Return for each row of `pathways` what it is about and what it says, or `NO_ANSWER`."""
    return [_sentence(row) for row in answers.to_dict("records")] or [NO_ANSWER]


def main_rows(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each model and requirement that holds both techniques, or the only one."""
    return answers.groupby(["source", "model", "requirement"], sort=False).tail(1)


def headlines(answers: pd.DataFrame) -> list[tuple[str, str]]:
    """Return for each requirement who ends higher and who gains more; of several models, how many.

    With one training run, the statement is about that run alone.
    """
    return [
        (labels.REQUIREMENTS[requirement], _headline(part))
        for requirement, part in main_rows(answers).groupby("requirement", sort=False)
    ]


def _headline(part: pd.DataFrame) -> str:
    winners = "; ".join(_winners(part, question) for question in QUESTIONS.values())
    if (part["seeds"] > 1).all():
        return winners
    several = part["model"].nunique() > 1
    return f"{'in one training run of each' if several else ONE_RUN}: {winners}"


def _winners(part: pd.DataFrame, question: str) -> str:
    several = len(part) > 1
    claims = []
    for who, _ in Counter(part[question]).most_common():
        rows = part[part[question] == who].to_dict("records")
        does = {does_what(row, question) for row in rows}
        claim = _claim(who, does.pop() if len(does) == 1 else "gains more")
        claims.append(f"{claim} ({len(rows)} of {len(part)})" if several else claim)
    return ", ".join(claims)


def does_what(row: dict[str, Any], question: str) -> str:
    """Return what the winner of a row does: "ends higher", "gains more" or "loses less".

    `question` is the column of the winner, "higher" or "more".
    """
    if question == "higher":
        return "ends higher"
    moved = row["fta_change" if row["more"] == "FTA" else "pta_change"]
    return "loses less" if row["more"] in PATHWAY.values() and moved < 0 else "gains more"


def technique(stage: str) -> str:
    """Return a row's technique in words."""
    return "both techniques" if stage == BOTH else labels.STAGES[stage]


def _sentence(row: dict[str, Any]) -> tuple[str, str]:
    what = f"{labels.REQUIREMENTS[row['requirement']]}, {technique(row['stage'])}"
    who = row["model"] + (" (published)" if row["source"] == "paper" else "")
    claims = []
    for name, question in QUESTIONS.items():
        weighed = by_task(row, name)
        numbers = f"PTA - FTA {span(row, name)}" + f"; F1, F2, F4 alike {weighed}" * bool(weighed)
        claims.append(f"{_claim(row[question], does_what(row, question))} ({numbers})")
    alone = f"{ONE_RUN} " if row["seeds"] == 1 else ""
    return f"{who}, {what}", f"{alone}{'; '.join(claims)}."


def by_task(row: dict[str, Any], name: str) -> str:
    """Return the difference under equal weight of the tasks, "" where that is no other one."""
    another = row["requirement"] == "functional" and not math.isnan(row[name])
    return span(row, f"{name}_tasks") if another else ""


def _claim(who: str, does: str) -> str:
    nobody = {NOT_DISTINGUISHABLE: "is not distinguishable", CANNOT_TELL: "cannot be told"}
    return f"which pathway {does} {nobody[who]}" if who in nobody else f"{who} {does}"


def span(row: dict[str, Any], name: str) -> str:
    """Return the difference `name` ("ends", "gains", or with "_tasks") of a row, with interval."""
    if math.isnan(row[name]):
        return "not known: base not run"
    return labels.with_interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")), "{:+.1f}")


def how(answers: pd.DataFrame, lacks: bool = True) -> str:
    """Return how the numbers are made and what their intervals hold; "" where there are none.

    Parameters
    ----------
    lacks : say what is missing, too; not where `surer` is shown as well.
    """
    if answers.empty:
        return ""
    alone = bool((answers["seeds"] == 1).any())
    return HOW + HOLDS[alone] + (f" {WHAT_LACKS} " if alone and lacks else " ") + WEIGHTS


def surer(answers: pd.DataFrame) -> list[str]:
    """Return what would make the answer surer, for each requirement and question that is open.

    A half width shrinks with the root of the problems (and seeds): with the measured difference,
    (half width / difference) squared times as many would just exclude 0.
    """
    lines = [WHAT_LACKS] * bool((answers["seeds"] == 1).any())
    for row in main_rows(answers).to_dict("records"):
        what = labels.REQUIREMENTS[row["requirement"]]
        who = f"{row['model']}, {what}" if answers["model"].nunique() > 1 else what
        for name, question in QUESTIONS.items():
            if row[question] == NOT_DISTINGUISHABLE:
                lines.append(f"{who}, which pathway {ASKED[question]}: {_more(row, name)}")
    return lines


def _more(row: dict[str, Any], name: str) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    of = "problems" if row["seeds"] == 1 else "problems and seeds"
    far = max(value - low, high - value)
    if far > MOST_TIMES**0.5 * abs(value):
        between = " and ".join(labels.rounded(bound, "{:+.1f}") for bound in (low, high))
        return (
            f"the difference lies between {between} points; to tell one as small as the measured "
            f"from 0 would take more than {MOST_TIMES} times as many {of}."
        )
    times = (far / value) ** 2
    return (
        f"if the difference is the measured {labels.rounded(value, '{:+.1f}')}, about {times:.1f} "
        f"times as many {of} would tell it from 0."
    )


def answer_markdown(answers: pd.DataFrame) -> str:
    """Return the sentences as a Markdown list, and how the numbers are made."""
    lines = "\n".join(f"- {line}" for line in answer_lines(answers))
    return "\n\n".join(filter(None, [lines, how(answers)])) + "\n"


def write_answer(out: Path | str, scores: pd.DataFrame, items: Problems | None = None) -> str:
    """Write `answer.md` and `answer.csv` to `out`; return the Markdown. See `pathways`."""
    answers = pathways(scores, items)
    text = answer_markdown(answers)
    write_text(Path(out) / "answer.md", text)
    write_text(Path(out) / "answer.csv", answers.to_csv(index=False))
    return text


def closing_text(run_root: Path | str) -> str:
    """Return summary and answer from a run's measured scores, for printing at its end."""
    scores, items = collect_all(run_root), read_problems(run_root)
    summary = f"{run_root}: no scores yet\n"
    if not scores.empty:
        summary = summary_markdown(summarise(scores, items))
    short = hardly_moved(run_root)
    answer = answer_markdown(pathways(scores, items))
    return f"{summary}\n{answer}" + f"\n{short}\n" * bool(short)
