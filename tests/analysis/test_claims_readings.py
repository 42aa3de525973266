"""Other readings of a statement: asked only after the plain one fails, and counted honestly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mini_scores import Rows, scores_of

from codealign.analysis.claims.book import named
from codealign.analysis.claims.matching import DEFINITE, PATTERN, Reading, widen
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    UNSTATED,
    Judgement,
)
from codealign.analysis.claims.patterns import eta_squared, other_readings, patterns

PAPER = scores_of({("Meta-Llama-3-8B", "pretrained", "codal"): (1.0, 1.5, 1.0, 1.0)}, "paper")
FAILS = Judgement([1.0, 2.0], "plain", CONTRADICTS, agrees=False)
YES, NO = Reading("yes", True, (3.0,)), Reading("no", False, (4.0,))


def test_a_statement_that_holds_plainly_is_not_reread() -> None:
    holds = replace(FAILS, verdict=REPRODUCED)
    assert widen(PAPER, holds, [YES], "") is holds


def test_a_run_keeps_the_plain_reading() -> None:
    run = scores_of({("Meta-Llama-3-8B", "pretrained", "codal"): (1.0, 1.5, 1.0, 1.0)})
    assert widen(run, FAILS, [YES], "") is FAILS


def test_no_reading_contradicts_and_shows_how_many_were_tried() -> None:
    judgement = widen(PAPER, FAILS, [NO, NO], "")
    assert judgement.verdict == CONTRADICTS and judgement.values == [1.0, 2.0]
    assert (judgement.search.tried, judgement.search.matching) == (2, 0)


def test_half_of_the_readings_bear_a_pattern_out() -> None:
    assert widen(PAPER, FAILS, [YES, NO], "", PATTERN).verdict == UNSTATED
    assert widen(PAPER, FAILS, [YES, NO, NO], "", PATTERN).verdict == CONTRADICTS


def test_what_is_not_distinguishable_stays_so_and_counts_its_readings() -> None:
    doubtful = replace(FAILS, verdict=NOT_DISTINGUISHABLE)
    judgement = widen(PAPER, doubtful, [YES, YES, NO], "", DEFINITE)
    assert judgement.verdict == NOT_DISTINGUISHABLE and judgement.values == [1.0, 2.0]
    assert judgement.note == "2 of 3 readings bear it out"


def test_one_reading_bears_a_definite_statement_out() -> None:
    judgement = widen(PAPER, FAILS, [NO, NO, YES], "", DEFINITE)
    assert judgement.verdict == UNSTATED and judgement.values == [3.0] and judgement.rule == "yes"


def test_the_note_says_how_many_and_that_the_plain_reading_fails() -> None:
    judgement = widen(PAPER, FAILS, [NO, YES], "", DEFINITE)
    assert judgement.note == "1 of 2 readings bear it out; plain reading fails: plain = 1, 2"


def test_all_models_improve_if_sft_counts() -> None:
    # DPO and BoNBoN leave 1.0 as it was, SFT raises it to 1.5
    judgement = named(PAPER, "models_improve", benchmarks="Avg", variants=["pretrained"])
    assert judgement.verdict == UNSTATED and "SFT" in judgement.rule


def test_every_code_model_has_to_improve_in_every_dimension() -> None:
    dims = ("instruction_following", "readability", "complexity", "style", "explanation")
    rows = {("CodeLlama-7b", "pretrained", f"codal_{d}"): (0.5, 0.5, 0.8, 0.8) for d in dims}
    rows["deepseek-coder-1.3b", "pretrained", "codal_style"] = (0.32, 0.33, 0.29, 0.32)
    judgement = named(scores_of(rows, "paper"), "code_models_improve", variants=["pretrained"])
    # 5 of 6 scores with the best technique; style's mean still rises (+60 % and 0 %)
    assert judgement.verdict == UNSTATED and "5, 6" in judgement.note


TWO: Rows = {
    ("Meta-Llama-3-8B", "pretrained", "humaneval"): (0.4, 0.4, 0.6, 0.5),
    ("Meta-Llama-3-8B", "pretrained", "mbpp"): (0.4, 0.4, 0.4, 0.5),
    ("Meta-Llama-3-8B", "finetuned", "humaneval"): (0.4, 0.4, 0.5, 0.4),
    ("Meta-Llama-3-8B", "finetuned", "mbpp"): (0.4, 0.4, 0.3, 0.3),
}


def read(rows: Rows, name: str, **asked: object) -> dict[str, tuple[bool, list[float]]]:
    """Return the other readings of a pattern: whether each holds, and its numbers."""
    readings = other_readings(scores_of(rows).board, patterns()[name] | asked)
    return {words: (holds, list(values)) for words, holds, values in readings}


DPO_LEADS = {"family": "llama", "stages": "DPO", "start": "BoNBoN"}


def test_a_lead_may_be_counted_or_averaged() -> None:
    readings = read(TWO, "technique", **DPO_LEADS)
    where = "F1-F3; pretrained and finetuned"
    assert readings[f"more scores ahead than behind: {where}"] == (True, [2, 1])
    # +0.1, -0.1, +0.1, 0: mean 2.5 % of the scale
    holds, (mean,) = readings[f"higher mean score (% of the scale): {where}"]
    assert holds and mean == pytest.approx(2.5)


def test_consistently_means_never_behind() -> None:
    readings = read(TWO, "technique_always", **DPO_LEADS)
    assert readings["never behind: HE; pretrained and finetuned"] == (True, [2, 0])
    assert readings["never behind: F1-F3; pretrained and finetuned"] == (False, [2, 1])


def test_no_losses_by_scores_and_stage() -> None:
    readings = read(TWO, "losses", models=["llama"], variants=["finetuned"])
    assert readings["scores below the base: F1; DPO"] == (True, [0, 1])
    assert readings["scores below the base: F1-F3; DPO"] == (False, [1, 2])


def test_a_reading_without_scores_bears_nothing_out() -> None:
    # no score of F4: "none of them falls" would hold of none
    readings = read(TWO, "losses", models=["llama"], variants=["finetuned"])
    assert not [words for words in readings if ": F4;" in words]


def test_inferior_on_average_though_not_everywhere() -> None:
    # best aligned pretrained 0.6 and 0.5, mean 55 %; finetuned base 0.5 and 0.8, mean 65 %
    rows = dict(TWO)
    rows["Meta-Llama-3-8B", "finetuned", "humaneval"] = (0.5, 0.5, 0.5, 0.5)
    rows["Meta-Llama-3-8B", "finetuned", "mbpp"] = (0.8, 0.8, 0.8, 0.8)
    judgement = named(scores_of(rows, "paper"), "still_inferior", benchmarks="F1-F3")
    assert judgement.values == [0, 1] and "plain reading fails" in judgement.note
    reading = "overall mean above the finetuned base, and all of them = 0, 1"
    assert reading in judgement.search.matches
    plain = named(scores_of(rows), "still_inferior", benchmarks="F1-F3")
    assert plain.values == [1, 2]  # HumanEval 0.6 > 0.5


def test_a_range_may_leave_a_stage_out() -> None:
    rows = {("CodeLlama-7b", "finetuned", "codal"): (0.6, 0.40, 0.44, 0.37)}
    args = {"models": ["codellama"], "variants": ["finetuned"], "benchmarks": "Avg"}
    args |= {"stages": "SFT, DPO, BoNBoN", "printed": [0.40, 0.44]}
    judgement = named(scores_of(rows, "paper"), "value_range", **args)
    assert judgement.rule == "least and greatest of Avg, only SFT, DPO"
    assert (judgement.search.tried, judgement.search.matching) == (7, 1)


def test_starting_scores_each_or_on_average() -> None:
    rows = {("Meta-Llama-3-8B", "pretrained", "humaneval"): (0.3, 0, 0, 0),
            ("Meta-Llama-3-8B", "pretrained", "evalperf"): (5.0, 0, 0, 0)}  # fmt: skip
    full = {("Meta-Llama-3-8B", "pretrained", n): (0.3, 0, 0, 0)
            for n in ("humaneval_plus", "mbpp", "mbpp_plus", "evoeval_subtle")}  # fmt: skip
    readings = read(rows | full, "starts_above", models=["llama"], cut=0.1)
    assert readings["least base score: F1-F3"] == (False, [0.05])
    # (0.3 + 0.3 + 0.3 + 0.3 + 0.05) / 5
    assert readings["mean base score: F1-F3"][1] == pytest.approx([0.25])


def test_variance_between_groups() -> None:
    import numpy as np

    groups = np.array(["a", "a", "b", "b"])
    assert eta_squared(np.array([1.0, 1.0, 3.0, 3.0]), groups) == 1
    assert eta_squared(np.array([1.0, 3.0, 1.0, 3.0]), groups) == 0
    assert eta_squared(np.ones(4), groups) == 0
