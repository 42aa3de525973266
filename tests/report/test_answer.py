"""The answer on the overview: headlines, then each case with winner, difference and interval."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from made_up_run import measured

from codealign.analysis.answer import COLUMNS, NO_ANSWER, pathways
from codealign.report.answer import HALF, answer_block

ROW = {
    "source": "mine", "model": "nano", "requirement": "functional", "stage": "dpo",
    "benchmarks": 9, "n": 560, "seeds": 5,
    "ends": 4.0, "ends_low": 2.0, "ends_high": 6.0, "higher": "PTA",
    "gains": -1.0, "gains_low": -8.0, "gains_high": 6.0, "more": "not distinguishable",
    "pta_change": 1.0, "fta_change": 2.0,
}  # fmt: skip


def block(tmp_path: Path, *rows: dict) -> str:
    path = tmp_path / "answer.csv"
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
    return answer_block(path)


def test_the_winner_stands_before_the_numbers(tmp_path: Path) -> None:
    text = block(tmp_path, ROW)
    assert text.startswith('<div class="answer">\n<p><b>Functional:</b> PTA ends higher;')
    assert '<td data-label="Ends higher"><b>PTA</b></td>' in text
    assert '<span class="num">+4.0 [+2.0, +6.0]</span>' in text
    assert '<td data-label="Gains more">not distinguishable</td>' in text


def test_a_winner_of_one_training_run_is_called_one(tmp_path: Path) -> None:
    text = block(tmp_path, ROW | {"seeds": 1})
    assert "<b>PTA</b> in this one training run</td>" in text
    assert "<b>Functional:</b> in this one training run: PTA ends higher;" in text


def test_the_answer_under_equal_weight_stands_beside_it(tmp_path: Path) -> None:
    more = {"ends_tasks": 1.0, "ends_tasks_low": -1.0, "ends_tasks_high": 3.0}
    text = block(tmp_path, ROW | more)
    assert "<small>+1.0 [-1.0, +3.0]</small>" in text
    assert "F1 1/9, F2 1/9, F4 7/9" in text


def test_what_is_missing_stands_there_once(tmp_path: Path) -> None:
    assert block(tmp_path, ROW | {"seeds": 1}).count("other seeds") == 1


def test_a_smaller_loss_is_told_as_such(tmp_path: Path) -> None:
    text = block(tmp_path, ROW | {"more": "PTA", "pta_change": -1.0})
    assert "<b>PTA</b> (loses less)" in text


def test_the_drawn_line_has_the_widest_bound_near_its_end(tmp_path: Path) -> None:
    # the widest bound of all is 8: an interval from 2 to 6 is drawn at 25 % and 75 % of its place
    text = block(tmp_path, ROW)
    wide = 0.95 * HALF
    low, high = HALF + wide * 0.25, HALF + wide * 0.75
    assert f"M{low:.1f} 7H{high:.1f}" in text
    assert f"M{HALF - wide:.1f} 7H" in text


def test_a_base_that_was_not_run_has_no_line(tmp_path: Path) -> None:
    unknown = dict.fromkeys(("gains", "gains_low", "gains_high", "pta_change"))
    text = block(tmp_path, ROW | unknown)
    assert text.count("<svg") == 1
    assert "not known: base not run" in text


def test_models_are_named_if_there_are_several(tmp_path: Path) -> None:
    assert 'data-label="Model"' not in block(tmp_path, ROW)
    other = ROW | {"model": "<other>"}
    assert '<td data-label="Model">&lt;other&gt;</td>' in block(tmp_path, ROW, other)


def test_a_toy_is_called_a_toy(tmp_path: Path) -> None:
    assert "<b>nano</b> is a toy" in block(tmp_path, ROW)
    assert "toy" not in block(tmp_path, ROW | {"model": "deepseek-coder-7b"})


def test_without_both_pathways_there_is_no_answer_yet(tmp_path: Path) -> None:
    assert ": ".join(NO_ANSWER) in block(tmp_path)


def test_every_case_of_a_run_has_a_row(tmp_path: Path) -> None:
    text = block(tmp_path, *pathways(measured()).to_dict("records"))
    assert len(re.findall(r"<tr><td", text)) == 6
