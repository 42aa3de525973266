"""Controls: an arm's gain over the SFT it started from, its labels, its gap; two formats."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from codealign.analysis.cells import read_problems
from codealign.analysis.measured import write_measured
from codealign.analysis.scores import collect_all
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.analysis.tables.controls import (
    FACTS,
    TRAINED,
    arms,
    controls_table,
    formats_table,
    gaps_table,
    hardly_moved,
    trained,
)
from codealign.analysis.tables.model import to_markdown
from codealign.cell import Cell

PLACE = ("nano", "pretrained", "functional")
CHANGES = {
    "placebo": {"align.dpo.placebo": [False, True]},
    "own": {"prefs.pairs.rule": ["hidden", "random"]},
    "asked": {"functional.format": ["own", "instruction"]},
}
# Solved problems of 20: the base 8; of seed 0 and 1 ...
SOLVED = {
    "sft": (8, 10), "dpo": (12, 16),  # main: 20 and 30 points over its SFT
    "placebo dpo": (8, 11),  # from the main SFT: 0 and 5 points
    "own sft": (4, 4), "own dpo": (6, 6),  # from its own SFT: 10 points
    "asked base": (2, 2), "asked dpo": (6, 10),  # 30 points below completing, each
}  # fmt: skip
SECTIONS = {"placebo": "align", "own": "prefs", "asked": "functional"}


def evaluated(part: Path, stage: str, solved: int, seed: int, arm: str) -> None:
    folder = part.joinpath("evals", *PLACE, stage)
    folder.mkdir(parents=True)
    values = {f"Nano/{i}": float(i < solved) for i in range(20)}
    cell = Cell(*PLACE, stage, seed=seed, ablation=arm)
    write_measured(folder, "run", cell, {"humaneval_plus": values})


def adapter(part: Path, stage: str, **facts: float | None) -> None:
    folder = part.joinpath("checkpoints", *PLACE, stage)
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(json.dumps({"examples": 20, "steps": 5, **facts}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    evaluated(tmp_path, "base", 8, 0, "")
    parts = ["."]
    for seed in (0, 1):
        parts.append(f"seeds/{seed}")
        for name, solved in SOLVED.items():
            *arm, stage = name.split()
            part = f"seeds/{seed}"
            if arm:
                part += f"/ablations/{SECTIONS[arm[0]]}/{arm[0]}"
                parts.append(part)
            evaluated(tmp_path / part, stage, solved[seed], seed, "".join(arm))
        main, arm = tmp_path / f"seeds/{seed}", tmp_path / f"seeds/{seed}/ablations"
        adapter(main, "sft", noise=0.0)
        adapter(main, "dpo", gap=4.0 + seed, noise=0.0)
        adapter(arm / "align/placebo", "dpo", gap=1.0, noise=0.5)
        adapter(arm / "prefs/own", "sft", noise=0.25)
        adapter(arm / "prefs/own", "dpo", gap=3.0, noise=0.25)
    parts = list(dict.fromkeys(parts))
    (tmp_path / "plan.lock.json").write_text(json.dumps({"parts": parts, "jobs": {}}))
    return tmp_path


def study(run: Path) -> StudyRun:
    return study_of(collect_all(run), CHANGES, read_problems(run))


def test_each_adapter_is_read_with_its_labels_and_gap(run: Path) -> None:
    found = trained(run)
    assert len(found) == 10
    placebo = found[found["ablation"] == "placebo"]
    assert placebo["noise"].tolist() == [0.5, 0.5] and placebo["seed"].tolist() == [0, 1]
    assert found[found["stage"] == "sft"]["gap"].isna().all()


def test_a_gain_is_over_the_sft_model_that_the_arm_started_from(run: Path) -> None:
    found = {arm.place.ablation: arm for arm in arms(study(run), trained(run))}
    assert {name: arm.gain.value for name, arm in found.items()} == pytest.approx(
        {"": 25.0, "placebo": 2.5, "own": 10.0}
    )
    # Over the base, which solves 8: 12 and 16 are 30 points more, 8 and 11 are 7.5, 6 is 10 less.
    assert {name: arm.base.value for name, arm in found.items()} == pytest.approx(
        {"": 30.0, "placebo": 7.5, "own": -10.0}
    )
    assert found[""].gain.holds == ("problems", "seeds")
    assert found[""].gain.low < 25 < found[""].gain.high


def test_the_table_shows_noise_and_gain_of_each_arm(run: Path) -> None:
    text = to_markdown(controls_table(arms(study(run), trained(run))))
    assert "| main | 0% | +25.0 [" in text
    assert "| placebo | 50% | +2.5 [" in text
    assert "| own | 25% | +10.0 [" in text


def test_arms_without_hidden_tests_are_no_controls(run: Path) -> None:
    training = trained(run).assign(noise=float("nan"))
    assert arms(study(run), training) == []


def test_each_stage_stands_in_both_formats_and_the_base_is_one_model(run: Path) -> None:
    rows = to_markdown(formats_table(study(run))).splitlines()
    base, dpo = (next(r for r in rows if name in r) for name in ("Base", "DPO"))
    # The base solves 8 of 20 when it completes and 2 when asked; DPO 12 and 16, then 6 and 10.
    assert "| 40.0 [" in base and "| 10.0 [" in base and "| -30.0 [" in base
    assert base.endswith("| 0 |")
    assert "| 70.0 [" in dpo and "| 40.0 [" in dpo and "| -30.0 [" in dpo


def test_a_gap_under_half_of_its_target_stands_in_brackets() -> None:
    place = ["nano", "pretrained", "functional", "functional", "", "bonbon", 0]
    assert TRAINED[-len(FACTS) :] == ["examples", "steps", "gap", "target", "noise"]
    short = pd.DataFrame([[*place, 20.0, 5.0, 8.0, 18.0, None]], columns=TRAINED)
    assert "(44%)" in to_markdown(gaps_table(short))
    assert "| 50% |" in to_markdown(gaps_table(short.assign(gap=9.0)))


@pytest.mark.parametrize(
    ("gaps", "said"), [((1.0, 3.0), "BoNBoN came 20% of the way"), ((4, 6), "")]
)
def test_a_run_whose_alignment_hardly_trained_says_so(
    tmp_path: Path, gaps: tuple[float, float], said: str
) -> None:
    # Of a target of 10 nats: 2 on average, or half of it.
    for variant, gap in zip(("pretrained", "finetuned"), gaps, strict=True):
        folder = tmp_path / f"checkpoints/nano/{variant}/functional/bonbon"
        folder.mkdir(parents=True)
        facts = {"examples": 28, "steps": 4, "gap": gap, "target": 10.0}
        (folder / "training.json").write_text(json.dumps(facts))
    sentence = hardly_moved(tmp_path)
    assert said in sentence and bool(sentence) == bool(said)
    assert not said or "in 4 steps on 28 pairs" in sentence
