"""Agreement with a reference result: within the pooled spread, and not beyond it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_up_study import gains, made_up, rows

from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import study_of
from codealign.analysis.study.reference import (
    ROUNDING,
    agreement,
    read_seeds,
    run_seeds,
    seeds_frame,
    write_seeds,
)
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.records import write_jsonl


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return seeds_frame(made_up())


def shifted(by: float, stage: str = "dpo", seeds: tuple[int, ...] = (0, 1, 2)) -> pd.DataFrame:
    """Return the seeds' frame of a run whose cells of one stage differ by some points."""

    def points(variant: str, at: str, requirement: str, trained: str) -> float:
        return gains(variant, at, requirement, trained) + (by if at == stage else 0.0)

    return seeds_frame(study_of(frame_of(rows(points, seeds))))


def test_the_same_result_agrees(reference: pd.DataFrame) -> None:
    found = agreement(reference, shifted(0.0))
    assert found["agrees"].all()
    assert len(found) > 20


def test_a_place_that_no_seed_has_whole_has_no_row() -> None:
    # Seed 0 lacks HumanEval+, the others MBPP+: no seed has the mean over both.
    lacking = {0: "humaneval_plus", 1: "mbpp_plus", 2: "mbpp_plus"}
    scores = [s for s in rows() if s.stage != "dpo" or s.benchmark != lacking[s.seed]]
    shown = seeds_frame(study_of(frame_of(scores)))
    dpo = shown[(shown["stage"] == "dpo") & (shown["requirement"] == "functional")]
    assert dpo.empty and len(shown) > 20


def test_a_run_far_away_does_not(reference: pd.DataFrame) -> None:
    found = agreement(reference, shifted(20.0))
    assert not found[found["stage"] == "dpo"]["agrees"].any()
    assert found[found["stage"] == "sft"]["agrees"].all()


def test_what_is_allowed_is_the_prediction_interval_of_the_pooled_spread(reference) -> None:
    # By hand: every cell has deviation 1 over 3 seeds. Functional: 12 main and crossed cells and
    # 4 ablations have 2 degrees of freedom each, 32. The run shares 28 cells (4 base, 24 trained):
    # t(1 - 0.01 / 56, 32) = 3.9930; times sqrt(1/3 + 1/3) = 3.2603.
    found = agreement(reference, shifted(0.0))
    row = found[(found["stage"] == "dpo") & (found["requirement"] == "functional")].iloc[0]
    assert row["allowed"] == pytest.approx(3.2603, abs=1e-3)


def test_one_seed_is_allowed_more_than_three(reference: pd.DataFrame) -> None:
    one, three = (
        agreement(reference, shifted(0.0, seeds=s)).query("stage == 'dpo'")["allowed"].max()
        for s in ((1,), (0, 1, 2))
    )
    # By hand: sqrt(1/3 + 1) / sqrt(1/3 + 1/3) = sqrt(2).
    assert one / three == pytest.approx(2**0.5)


def test_a_base_model_may_differ_by_rounding_alone(reference: pd.DataFrame) -> None:
    moved = shifted(0.0)
    moved.loc[moved["stage"] == "base", "mean"] += ROUNDING + 0.1
    found = agreement(reference, moved)
    assert not found[found["stage"] == "base"]["agrees"].any()


def test_the_reference_survives_its_file(tmp_path) -> None:
    written = write_seeds(tmp_path / "seeds.csv", made_up())
    back = read_seeds(tmp_path / "seeds.csv")
    assert agreement(back, written)["agrees"].all()
    assert len(back) == len(written)


def test_a_run_with_nothing_in_common_is_an_error(reference: pd.DataFrame) -> None:
    with pytest.raises(CodealignError, match="no cell of the reference"):
        agreement(reference, reference.assign(model="other"))


def test_a_missing_reference_says_how_to_make_one(tmp_path) -> None:
    with pytest.raises(CodealignError, match="make keep-study"):
        read_seeds(tmp_path / "none.csv")


def evaluated(folder: Path, by: float) -> Path:
    """Write the scores of a run with one seed whose DPO differs by some points."""

    def points(variant: str, stage: str, requirement: str, trained: str) -> float:
        return gains(variant, stage, requirement, trained) + (by if stage == "dpo" else 0.0)

    own_ = [s for s in rows(points, (1,)) if s.trained in ("", s.requirement)]
    write_jsonl(folder / "evals/scores.jsonl", own_)
    return folder


@pytest.mark.parametrize(("by", "code"), [(0.0, 0), (20.0, 1)])
def test_the_command_fails_if_a_run_is_beyond_the_spread(
    by: float, code: int, tmp_path, capsys
) -> None:
    write_seeds(tmp_path / "seeds.csv", made_up())
    run = evaluated(tmp_path / "run", by)
    assert main(["agree", str(run), "--reference", str(tmp_path / "seeds.csv")]) == code
    # By hand: 2 pathways x 2 requirements x 4 stages; DPO in 4 of them.
    assert capsys.readouterr().out.startswith(f"16 cells in both, {4 * code} beyond")


def test_base_models_alone_can_be_held_against_it(reference: pd.DataFrame, tmp_path) -> None:
    base = [s for s in rows() if s.stage == "base"]
    write_jsonl(tmp_path / "evals/scores.jsonl", base)
    assert len(agreement(reference, run_seeds(tmp_path))) == 4
