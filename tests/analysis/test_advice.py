"""R1-R9 on tables made so that the answer is known: supported, not supported, cannot tell."""

from __future__ import annotations

import pytest
from mini_scores import Rows, frame

from codealign.analysis.advice import Advice, advice_markdown, advise
from codealign.analysis.advice_rules import (
    CANNOT_TELL,
    NOT_SUPPORTED,
    SUPPORTED,
    THRESHOLD,
    baselines,
    data_of,
)
from codealign.analysis.scores import published

FUNCTIONAL = ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus", "evoeval_subtle")
DIMENSIONS = tuple(
    f"codal_{d}"
    for d in ("instruction_following", "readability", "complexity", "style", "explanation")
)


def ask(rule: str, rows: Rows) -> Advice:
    return next(a for a in advise(frame(rows)) if a.id == rule)


def rows(
    values: tuple[float, float, float, float],
    model: str = "nano",
    variant: str = "pretrained",
    names: tuple[str, ...] = FUNCTIONAL,
) -> Rows:
    """Return the same scores for every benchmark, BoNBoN shifted a little in each."""
    base, sft, dpo, bonbon = values
    return {
        (model, variant, name): (base, sft, dpo, bonbon + i / 1000) for i, name in enumerate(names)
    }


def test_all_nine_recommendations_come_in_order() -> None:
    assert [a.id for a in advise(published())] == [f"R{i}" for i in range(1, 10)]


def test_without_scores_nothing_can_be_told() -> None:
    found = advise(frame(rows((0.3, 0.3, 0.4, 0.4))).iloc[:0])
    assert {a.verdict for a in found} == {CANNOT_TELL}
    assert all(a.next_step for a in found)


def test_r1_larger_gains_of_the_pretrained_support_it() -> None:
    table = rows((0.2, 0.3, 0.5, 0.5)) | rows((0.5, 0.5, 0.55, 0.55), variant="finetuned")
    found = ask("R1", table)
    assert found.verdict == SUPPORTED
    # aligned means: (0.5 + 0.502) / 2 and (0.55 + 0.552) / 2
    assert "PTA 50.1, FTA 55.1" in found.numbers[1]
    assert "deploy FTA" in found.next_step


def test_r1_larger_gains_of_the_finetuned_do_not() -> None:
    table = rows((0.2, 0.3, 0.2, 0.2)) | rows((0.5, 0.5, 0.8, 0.8), variant="finetuned")
    assert ask("R1", table).verdict == NOT_SUPPORTED


def test_r1_one_pathway_cannot_tell() -> None:
    found = ask("R1", rows((0.2, 0.3, 0.5, 0.5)))
    assert found.verdict == CANNOT_TELL and "both variants" in found.next_step


def test_r2_compares_shares_that_improve() -> None:
    # non-functional 10 of 10 improve, functional 0 of 10
    table = rows((0.4, 0.4, 0.3, 0.3)) | rows((2.0, 2.0, 5.0, 5.0), names=DIMENSIONS)
    found = ask("R2", table)
    assert found.verdict == SUPPORTED
    assert found.numbers[0] == "improve: 100 % non-functional, 0 % functional"


def test_r2_codals_average_does_not_count_twice() -> None:
    table = rows((0.4, 0.4, 0.3, 0.3)) | rows((2.0, 2.0, 5.0, 5.0), names=("codal",))
    assert ask("R2", table).verdict == CANNOT_TELL


def test_r3_takes_sizes_from_the_names() -> None:
    table = rows((0.2, 0.2, 0.4, 0.4), "coder-7b") | rows((0.2, 0.2, 0.25, 0.25), "coder-1.3b")
    found = ask("R3", table)
    assert found.verdict == SUPPORTED and "(coder)" in found.numbers[0]


def test_r3_two_families_do_not_make_one() -> None:
    table = rows((0.2, 0.2, 0.4, 0.4), "coder-7b") | rows((0.2, 0.2, 0.25, 0.25), "other-1.3b")
    assert ask("R3", table).verdict == CANNOT_TELL


def test_r4_uses_the_trainings_gate() -> None:
    table = rows((0.05, 0.1, 0.05, 0.04), "weak") | rows((0.3, 0.3, 0.4, 0.4), "strong")
    gates = baselines(data_of(frame(table), {}))
    assert not gates["weak", "pretrained"].passed and gates["strong", "pretrained"].passed


def test_r4_the_threshold_itself_passes() -> None:
    gates = baselines(data_of(frame(rows((THRESHOLD, 0.2, 0.2, 0.2))), {}))
    assert gates["nano", "pretrained"].passed


def test_r4_weak_models_that_fail_support_it() -> None:
    # above: 10 of 10 improve; below: 0 of 10 (BoNBoN 0.03 to 0.034)
    table = rows((0.05, 0.1, 0.05, 0.03), "weak") | rows((0.3, 0.3, 0.4, 0.4), "strong")
    found = ask("R4", table)
    assert found.verdict == SUPPORTED and found.next_step == "do not align weak pretrained"


def test_r4_needs_models_on_both_sides() -> None:
    assert ask("R4", rows((0.3, 0.3, 0.4, 0.4))).verdict == CANNOT_TELL


def test_r5_a_technique_ahead_everywhere_is_named() -> None:
    # 12 benchmarks, BoNBoN ahead in all: 2 / 2^12 = 0.0005
    names = (*FUNCTIONAL, "evalperf") + tuple(
        f"evoeval_{c}" for c in ("difficult", "creative", "combine", "tool_use", "verbose")
    )
    found = ask("R5", rows((0.3, 0.3, 0.4, 0.5), names=names))
    assert found.verdict == SUPPORTED
    assert "BoNBoN for nano pretrained functional" in found.next_step


def test_r5_five_of_five_is_not_enough() -> None:
    # 2 / 2^5 = 0.06
    assert ask("R5", rows((0.3, 0.3, 0.4, 0.5))).verdict == CANNOT_TELL


def test_r5_preferences_are_corrected_for_the_number_of_models() -> None:
    # 6 of 6 gives 0.031; of two models Holm doubles it
    names = (*FUNCTIONAL, "evoeval_combine")
    one = rows((0.3, 0.3, 0.4, 0.5), names=names)
    tied = {("other", "pretrained", n): (0.3, 0.3, 0.4, 0.5 if i % 2 else 0.3)
            for i, n in enumerate(names)}  # fmt: skip
    assert ask("R5", one).verdict == SUPPORTED
    assert ask("R5", one | tied).verdict == CANNOT_TELL


def test_r6_clear_gains_and_losses_in_one_model_support_it() -> None:
    # of 164 and 378 problems, changes of 0.3 are clear
    table = rows((0.3, 0.3, 0.6, 0.6), names=("humaneval",))
    table |= rows((0.6, 0.6, 0.3, 0.3), names=("mbpp",))
    assert ask("R6", table).verdict == SUPPORTED


def test_r6_clear_changes_one_way_do_not() -> None:
    assert ask("R6", rows((0.3, 0.3, 0.6, 0.6))).verdict == NOT_SUPPORTED


def test_r6_changes_within_noise_cannot_tell() -> None:
    found = ask("R6", rows((0.3, 0.3, 0.31, 0.29)))
    assert found.verdict == CANNOT_TELL and found.numbers == ["no change is clear of noise"]


def test_r7_falls_that_stay_support_it_and_name_what_to_stop() -> None:
    fell = rows((0.6, 0.3, 0.3, 0.3), "a")
    held = rows((0.4, 0.5, 0.5, 0.5), "b")
    found = ask("R7", fell | held)
    assert found.verdict == SUPPORTED
    assert found.numbers[0].startswith("end below the base: 100 % of 5 that fell during SFT, 0 %")
    assert "a pretrained (humaneval)" in found.next_step


def test_r7_falls_that_recover_do_not() -> None:
    fell = rows((0.4, 0.3, 0.5, 0.5), "a")
    held = rows((0.4, 0.5, 0.3, 0.3), "b")
    assert ask("R7", fell | held).verdict == NOT_SUPPORTED


def test_r7_without_a_fall_cannot_tell() -> None:
    found = ask("R7", rows((0.4, 0.5, 0.5, 0.5)))
    assert found.verdict == CANNOT_TELL and "no SFT has clearly done harm" in found.next_step


def test_r8_looks_at_dimensions_only() -> None:
    up = rows((2.0, 2.0, 8.0, 8.0), names=DIMENSIONS[:2])
    down = rows((8.0, 8.0, 2.0, 2.0), names=DIMENSIONS[2:])
    assert ask("R8", up | down).verdict == SUPPORTED
    assert ask("R8", rows((0.3, 0.3, 0.6, 0.6))).verdict == CANNOT_TELL


def test_r9_harmed_finetuned_models_support_it_and_are_named() -> None:
    table = rows((0.3, 0.3, 0.6, 0.6)) | rows((0.7, 0.7, 0.3, 0.3), variant="finetuned")
    found = ask("R9", table)
    assert found.verdict == SUPPORTED
    assert found.next_step == "screen before aligning further: nano finetuned"


def test_r9_harmed_pretrained_models_do_not() -> None:
    table = rows((0.7, 0.7, 0.3, 0.3)) | rows((0.3, 0.3, 0.6, 0.6), variant="finetuned")
    assert ask("R9", table).verdict == NOT_SUPPORTED


def test_the_markdown_says_verdict_numbers_and_next_step() -> None:
    text = advice_markdown([Advice("R1", "Do it", SUPPORTED, ["1 > 0"], "go on")])
    assert text == "### R1: supported\n\nDo it.\n\n- 1 > 0\n- Next: go on.\n"


@pytest.mark.parametrize("variant", ["pretrained", "finetuned"])
def test_half_a_study_still_gets_nine_answers(variant: str) -> None:
    half = published().query("variant == @variant")
    assert len(advise(half)) == 9


def test_advice_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, codealign.analysis.advice; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
