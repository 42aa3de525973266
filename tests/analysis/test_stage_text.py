"""What a stage's notebook says of its result: numbers by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from codealign.analysis import stage_text
from codealign.analysis.scores import frame_of
from codealign.analysis.summary import summarise
from codealign.cell import Cell
from codealign.params import Dpo
from codealign.records import Pair, Score

COUNTS = {
    "seeds": {"kept": 10}, "responses": {"kept": 40, "without code": 3, "without tests": 0},
    "executions": {"kept": 20, "pass": 5, "fail": 15}, "pairs": {"kept": 4, "duplicate": 1},
}  # fmt: skip
CELL = Cell("nano", "finetuned", "functional", "dpo")


def training(**more: object) -> SimpleNamespace:
    given = {"stage": "sft", "examples": 59, "truncated": 1, "steps": 8, "gap": None}
    return SimpleNamespace(**{**given, **more})


def test_pairs_are_told_with_the_share_that_passed_and_its_interval() -> None:
    """Wilson, 5 of 20: centre (5 + 1.92) / (20 + 3.84) = 0.290, half width 0.178."""
    said = stage_text.prefs_sentence("nano", "functional", COUNTS)
    assert said.startswith("**4 functional preference pairs** of nano, from 10 seed functions")
    assert said.endswith("25.0% passed their own tests (95 % interval 11.2 to 46.9).")
    agreeing = COUNTS | {"trials": {"kept": 40}, "instructions": {"kept": 9}}
    said = stage_text.prefs_sentence("nano", "functional", agreeing)
    assert said.endswith(": 4 of 9 instructions give a pair.")


def test_losses_leave_out_zeros_and_what_can_stand_in_a_pair() -> None:
    rows = stage_text.losses(COUNTS).to_dict("split")["data"]
    assert rows == [["responses", "without code", 3], ["pairs", "duplicate", 1]]


def test_settings_are_shown_where_they_differ_from_the_default_alone() -> None:
    found = stage_text.changed(Dpo(beta=0.2, lora={"r": 4}))
    assert found.to_dict("index") == {
        "lora.r": {"set to": 4, "default": Dpo().lora.r},
        "beta": {"set to": 0.2, "default": Dpo().beta},
    }
    assert stage_text.changed(Dpo()).empty


def test_a_whole_number_among_settings_stays_one() -> None:
    found = stage_text.changed(Dpo(max_steps=4, beta=0.2))
    assert {str(value) for value in found["set to"]} == {"4", "0.2"}


def test_a_table_for_readers_has_intervals_in_brackets_and_names_for_codes() -> None:
    table = pd.DataFrame({
        "stage": ["dpo", "own"], "variant": ["finetuned", "pretrained"],
        "benchmark": ["humaneval_plus", "mbpp"], "value": [0.51234, 1.0],
        "low": [0.4, float("nan")], "high": [0.6, float("nan")], "n": [6, 7],
        "rho": [-0.5, float("nan")], "rho_low": [-0.75, 0.0], "rho_high": [-0.25, 0.0],
    }, index=[3, 9])  # fmt: skip
    assert stage_text.readable(table, 2).to_dict("index") == {
        0: {"stage": "DPO", "pathway": "FTA", "benchmark": "HumanEval+",
            "value": "0.51 [0.40, 0.60]", "n": 6, "rho": "-0.50 [-0.75, -0.25]"},
        1: {"stage": "own", "pathway": "PTA", "benchmark": "MBPP", "value": "1.00", "n": 7,
            "rho": ""},
    }  # fmt: skip
    names = ["stage", "pathway", "benchmark", "value", "n", "rho"]
    assert list(stage_text.readable(table.head(0))) == names


def test_a_closing_line_gives_the_ends_of_the_loss_as_they_were_handed_in() -> None:
    line = stage_text.training_line(training(), (0.5, 0.25))
    assert line == "sft: 8 steps on 59 responses, loss 0.500 -> 0.250, 1 truncated"
    more = training(stage="dpo", gap=2.0, target=None)
    assert stage_text.training_line(more, (0.5, 0.25)).endswith(
        "truncated; Gap reached: 2.00 nats."
    )


def test_a_trainings_sentence_says_what_its_numbers_are_means_of() -> None:
    said = stage_text.training_sentence(CELL.at(stage="sft"), "FTA", training(), (0.5, 0.25))
    assert said == (
        "**SFT of nano fine-tuned** (FTA, functional): 8 steps on 59 responses; loss 0.500 at the "
        "start, 0.250 at the end (means of a tenth of the steps)."
    )


def scored(benchmark: str, value: float, n: int) -> Score:
    place = ("run", CELL.model, CELL.variant, CELL.requirement, CELL.stage)
    metric = "dps" if benchmark == "evalperf" else "pass@1"
    return Score(*place, benchmark, metric, value, n, 0, value - 0.1, value + 0.1)


MEASURED = frame_of([
    scored("humaneval", 0.5, 164), scored("humaneval_plus", 0.4, 164), scored("evalperf", 60.0, 9),
    scored("mbpp", 0.7, 200), scored("mbpp_plus", 0.6, 200), scored("evoeval_subtle", 0.2, 28),
])  # fmt: skip


def test_a_functional_sentence_has_n_and_interval_and_the_score_of_the_summary() -> None:
    """(0.4 + 0.6 + 0.2) / 3 = 40 %: neither the efficiency nor a problem twice is in it."""
    said = stage_text.functional_sentence(CELL, MEASURED)
    assert "pass@1 0.500 on HumanEval (n = 164, 95 % interval 0.400 to 0.600)" in said
    assert "functional score 40.0 % over 3 of its 9 benchmarks" in said
    (row,) = summarise(MEASURED).to_dict("records")
    assert f"functional score {row['score']:.1f} %" in said


def test_without_a_benchmark_of_the_score_there_is_none() -> None:
    said = stage_text.functional_sentence(CELL, MEASURED.head(1))
    assert "no functional score: none of its benchmarks was run" in said


def test_failed_gates_end_a_closing_line() -> None:
    class Gate(SimpleNamespace):
        def __str__(self) -> str:
            return self.said

    gates = [Gate(passed=True, said="R4 passed"), Gate(passed=False, said="R7 failed")]
    line = stage_text.functional_line(MEASURED, "strong", gates)
    score = "functional score 40.0 % over 3 of its 9 benchmarks"
    assert line == f"{score}, sandbox strong; R7 failed"


def test_a_score_without_an_interval_says_so() -> None:
    one = Score("run", "nano", "finetuned", "non_functional", "dpo", "codal", "rating", 7.0, 1)
    said = stage_text.codal_sentence(CELL, one, "static")
    assert "CODAL 7.00 of 10 by the judge `static` (no interval; 1 answers rated" in said


def test_fates_count_what_passes_beside_each_kind_of_failure() -> None:
    """Five samples and one problem without any: 6 - 2 wrong - 1 missing = 3 that pass."""
    one = SimpleNamespace(attempts={"a": [1, 2], "b": [3, 4, 5]}, missing=["c"],
                          failures={"wrong": 2, "missing": 1})  # fmt: skip
    assert stage_text.fates({"mbpp": one}) == {"mbpp": {"pass": 3, "wrong": 2, "missing": 1}}


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_pair_marks_the_lines_of_one_side_alone_and_shows_no_markup_of_the_models(side) -> None:
    texts = {"chosen": "def f(x):\n    return x", "rejected": "def f(x):\n    return x"}
    texts[side] = "def f(x):\n    return '<script>'"
    html = stage_text.pair_html(Pair("i", "j", prompt="Add <b>", **texts))
    assert html.count("<mark>") == 2  # of each side the line that the other has not
    assert "<script>" not in html and "Add &lt;b&gt;" in html


def test_one_judge_alone_is_told_to_have_no_second() -> None:
    assert "no second" in stage_text.agreement_sentence("static", pd.DataFrame())


def test_the_answers_sentence_has_the_difference_with_its_interval() -> None:
    """Of DPO, BoNBoN and both, the row of both is told; a run without any says what it takes."""
    row = {"source": "run", "model": "nano", "requirement": "functional", "higher": "PTA",
           "more": "not distinguishable", "ends": 2.0, "ends_low": 1.0, "ends_high": 3.0,
           "gains": 0.5, "gains_low": -1.0, "gains_high": 2.0, "seeds": 3, "pta_change": 1.0,
           "fta_change": 0.5, "n": 10, "benchmarks": "F1"}  # fmt: skip
    row |= {
        f"{name}_tasks{end}": 0.0 for name in ("ends", "gains") for end in ("", "_low", "_high")
    }
    answers = pd.DataFrame([{**row, "stage": "dpo", "higher": "FTA"}, {**row, "stage": "aligned"}])
    said = stage_text.answer_sentence(answers)
    assert said.startswith("**nano, functional, both techniques:** PTA ends higher (PTA - FTA +2.0")
    assert "[+1.0, +3.0]" in said and "FTA ends higher" not in said
    nothing = stage_text.answer_sentence(answers.head(0))
    assert nothing == "**No answer:** it takes an aligned score of both pathways."


def test_a_pair_without_common_lines_has_no_marks_and_no_fences() -> None:
    pair = Pair("i", "j", "Add.", "```python\na = 1\n```", "```python\nb = 2\n```")
    html = stage_text.pair_html(pair)
    assert "<mark>" not in html and "```" not in html
