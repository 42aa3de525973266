"""R1-R9 on runs made so that the answer is known: supported, not supported, cannot tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import pytest
from made_up_cells import Values, solved
from made_up_cells import frame as frame_of
from mini_scores import frame

from codealign.analysis.advice import (
    NOT_SUPPORTED,
    RULES,
    SUPPORTED,
    THRESHOLD,
    Advice,
    advice_frame,
    advice_markdown,
    advise,
    baselines,
    read_advice,
)
from codealign.analysis.cells import MEMBERS, cells_of
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE
from codealign.analysis.scores import benchmark, published
from codealign.cell import Cell

STAGES = ("base", "sft", "dpo", "bonbon")
WOBBLE = (-1, 0, 1)
"""Problems of a hundred that a seed adds to what it trains; they cancel in the mean."""


def run(
    *shares: int,
    model: str = "nano",
    variant: str = "pretrained",
    requirement: str = "functional",
    names: Iterable[str] = (),
    wobbles: tuple[int, ...] = WOBBLE,
) -> Values:
    """Return a run that solves so many of a hundred problems at base, SFT, DPO and BoNBoN."""
    run_values: Values = {}
    for name in names or MEMBERS[requirement]:
        top = benchmark(name).scale
        for stage, share in zip(STAGES, shares, strict=True):
            for seed, wobble in enumerate(wobbles if stage != "base" else (0,)):
                cell = Cell(model, variant, requirement, stage, name,
                            None if stage == "base" else seed)  # fmt: skip
                values = solved(share + wobble * (stage != "base"), 100)
                run_values[cell] = {f"{name}/{k}": top * v for k, v in values.items()}
    return run_values


def ask(rule: str, values: Values) -> Advice:
    return next(a for a in advise(frame_of(values), values) if a.id == rule)


def test_all_nine_recommendations_come_in_order() -> None:
    assert [a.id for a in advise(published())] == [f"R{i}" for i in range(1, 10)] == [*RULES]


def test_without_scores_nothing_can_be_told() -> None:
    advice = advise(published().iloc[:0])
    assert {a.verdict for a in advice} == {CANNOT_TELL}
    assert all(a.next_step for a in advice)


def test_r1_larger_gains_of_the_pretrained_support_it() -> None:
    advice = ask("R1", run(20, 30, 50, 50) | run(50, 50, 55, 55, variant="finetuned"))
    assert advice.verdict == SUPPORTED
    # By hand: 30 minus 5 points; 50 minus 55 at the end.
    assert advice.numbers[0].startswith("gains more, functional, PTA - FTA: +25.0 [")
    assert "FTA ends higher" in advice.next_step


def test_r1_larger_gains_of_the_finetuned_do_not() -> None:
    table = run(20, 30, 20, 20) | run(50, 50, 80, 80, variant="finetuned")
    assert ask("R1", table).verdict == NOT_SUPPORTED


def test_r1_one_training_run_cannot_tell_and_says_why() -> None:
    table = run(20, 30, 50, 50, wobbles=(0,))
    table |= run(50, 50, 55, 55, variant="finetuned", wobbles=(0,))
    found = ask("R1", table)
    assert found.verdict == CANNOT_TELL
    lone = "supported in this one training run: one training run decides nothing"
    assert found.next_step.startswith(lone)


def test_r1_one_pathway_cannot_tell() -> None:
    advice = ask("R1", run(30, 30, 50, 50))
    assert advice.verdict == CANNOT_TELL and "both variants" in advice.next_step


def test_r1_several_models_of_one_seed_stand_for_models() -> None:
    table: Values = {}
    for i, model in enumerate("abcd"):  # gain 30 + i more than FTA
        table |= run(20, 20, 50 + i, 50 + i, model=model, wobbles=(0,))
        table |= run(50, 50, 50, 50, model=model, variant="finetuned", wobbles=(0,))
    advice = ask("R1", table)
    assert advice.verdict == SUPPORTED and "models)" in advice.numbers[0]


def both(functional: tuple[int, ...], rated: tuple[int, ...], seeds: int) -> Values:
    wobbles = tuple([0] * seeds)
    run_values: Values = {}
    for variant in ("pretrained", "finetuned"):
        run_values |= run(*functional, variant=variant, wobbles=wobbles)
        run_values |= run(*rated, variant=variant, requirement="non_functional", wobbles=wobbles)
    return run_values


def test_r2_counts_need_six_seeds() -> None:
    # non-functional all rise, functional all fall
    advice = ask("R2", both((40, 40, 20, 20), (20, 20, 50, 50), 5))
    assert advice.verdict == CANNOT_TELL and "needs 6 seeds" in advice.next_step
    assert "+100.0" in advice.numbers[0]
    assert ask("R2", both((40, 40, 20, 20), (20, 20, 50, 50), 6)).verdict == SUPPORTED


def test_r3_takes_sizes_from_the_names() -> None:
    table = run(20, 20, 40, 40, model="coder-7b") | run(20, 20, 25, 25, model="coder-1.3b")
    table |= {c.at(variant="finetuned"): v for c, v in table.items()}
    advice = ask("R3", table)
    assert advice.verdict == SUPPORTED and "(coder)" in advice.numbers[0]


def test_r3_two_families_do_not_make_one() -> None:
    table = run(20, 20, 40, 40, model="coder-7b") | run(20, 20, 25, 25, model="other-1.3b")
    assert ask("R3", table).verdict == CANNOT_TELL


def test_r4_uses_the_score_of_the_summary() -> None:
    table = run(5, 10, 5, 4, model="weak") | run(30, 30, 40, 40, model="strong")
    gates = baselines(cells_of(frame_of(table), table))
    weak = Cell("weak", "pretrained", "functional", "base")
    assert not gates[weak].passed and gates[weak.at(model="strong")].passed


def test_r4_the_threshold_itself_passes() -> None:
    rows = {("nano", "pretrained", "mbpp_plus"): (THRESHOLD, 0.2, 0.2, 0.2)}
    place = Cell("nano", "pretrained", "functional", "base")
    assert baselines(cells_of(frame(rows)))[place].passed


def test_r4_weak_models_that_fail_support_it() -> None:
    table = run(5, 10, 5, 4, model="weak") | run(30, 30, 50, 50, model="strong")
    advice = ask("R4", table)
    assert advice.verdict == SUPPORTED and advice.next_step == "do not align weak pretrained"


def test_r4_needs_models_on_both_sides() -> None:
    assert ask("R4", run(30, 30, 40, 40)).verdict == CANNOT_TELL


def test_r5_finds_a_non_functional_preference() -> None:
    advice = ask("R5", run(30, 30, 40, 60, requirement="non_functional"))
    assert advice.verdict == SUPPORTED
    assert "BoNBoN for nano PTA non-functional" in advice.next_step


def test_r5_techniques_that_end_alike_are_not_distinguishable() -> None:
    assert ask("R5", run(30, 30, 40, 40)).verdict == NOT_DISTINGUISHABLE


@pytest.mark.parametrize(
    ("rule", "shares", "expected"),
    [
        ("R5", (30, 30, 40, 40), NOT_DISTINGUISHABLE),
        ("R5", (30, 30, 40, 70), CANNOT_TELL),
        ("R6", (30, 30, 31, 30), NOT_DISTINGUISHABLE),
        ("R6", (30, 30, 70, 70), CANNOT_TELL),
    ],
)
def test_one_training_run_that_points_nowhere_is_not_distinguishable(
    rule: str, shares: tuple[int, ...], expected: str
) -> None:
    # several trainings would widen an interval that holds 0; what it leaves out they may bring in
    assert ask(rule, run(*shares, wobbles=(0,))).verdict == expected


def test_r5_says_for_how_many_comparisons_it_corrects() -> None:
    advice = ask("R5", run(30, 30, 40, 50) | run(30, 30, 40, 40, variant="finetuned"))
    assert advice.numbers[-1] == "intervals corrected for 2 comparisons"


def test_r6_clear_gains_and_losses_in_one_model_support_it() -> None:
    table = run(30, 30, 60, 60, names=["humaneval_plus"])
    table |= run(60, 60, 30, 30, names=["mbpp_plus"])
    assert ask("R6", table).verdict == SUPPORTED


def test_r6_clear_changes_one_way_do_not() -> None:
    assert ask("R6", run(30, 30, 60, 60)).verdict == NOT_SUPPORTED


def test_r6_changes_within_noise_are_not_distinguishable() -> None:
    advice = ask("R6", run(30, 30, 31, 30))
    assert advice.verdict == NOT_DISTINGUISHABLE and "no change is clear of noise" in advice.numbers


def test_r7_of_printed_scores_cannot_tell() -> None:
    # a printed score's fall and its end share one base, and there are no problems to split
    advice = next(a for a in advise(published()) if a.id == "R7")
    assert advice.verdict == CANNOT_TELL and "problems" in advice.next_step


def test_r7_names_the_models_that_sft_has_harmed() -> None:
    advice = ask("R7", run(60, 30, 30, 30))
    assert "stop after SFT: nano pretrained (functional)" in advice.next_step


@pytest.mark.parametrize(("rule", "stage"), [("R7", 1), ("R9", 2)])
def test_harm_that_one_training_run_shows_is_marked_as_such(rule: str, stage: int) -> None:
    shares = [70] * stage + [30] * (4 - stage)
    for wobbles, marked in (((0,), True), (WOBBLE, False)):
        table = run(30, 30, 60, 60, wobbles=wobbles)
        table |= run(*shares, variant="finetuned", wobbles=wobbles)
        step = ask(rule, table).next_step
        assert "nano finetuned (functional)" in step
        assert ("nano finetuned (functional) in this one training run" in step) == marked


def test_r8_looks_at_dimensions_only() -> None:
    names = MEMBERS["non_functional"]
    table = run(20, 20, 80, 80, requirement="non_functional", names=names[:2])
    table |= run(80, 80, 20, 20, requirement="non_functional", names=names[2:])
    assert ask("R8", table).verdict == SUPPORTED
    assert ask("R8", run(30, 30, 60, 60)).verdict == CANNOT_TELL


def test_r9_names_harmed_models() -> None:
    advice = ask("R9", run(30, 30, 60, 60) | run(70, 70, 30, 30, variant="finetuned"))
    assert "screen before aligning further: nano finetuned (functional)" in advice.next_step


def test_the_markdown_says_verdict_numbers_and_next_step() -> None:
    advice = [Advice("R1", "Do it", SUPPORTED, ["1 > 0"], "go on")]
    assert advice_markdown(advice) == "### R1: supported\n\nDo it.\n\n- 1 > 0\n- Next: go on.\n"
    assert advice_frame(advice).iloc[0].tolist() == ["R1", SUPPORTED, "1 > 0", "go on"]


def test_the_advice_is_read_back_as_it_was_written(tmp_path) -> None:
    advice = advise(published())
    advice_frame(advice).to_csv(tmp_path / "advice.csv", index=False)
    assert read_advice(tmp_path / "advice.csv") == advice


@pytest.mark.parametrize("variant", ["pretrained", "finetuned"])
def test_half_a_study_still_gets_nine_answers(variant: str) -> None:
    half = published().query("variant == @variant")
    assert len(advise(half)) == 9


def test_advice_needs_no_torch() -> None:
    code = "import sys, codealign.analysis.advice; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
