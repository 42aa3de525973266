"""Facts about tables and text: each on a table whose answer can be seen at a glance."""

from __future__ import annotations

import math

import pytest
from mini_scores import Rows, frame, scores_of

from codealign.analysis.claims import clarity
from codealign.analysis.claims.book import FACTS, named
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    REPRODUCED,
    Judgement,
)
from codealign.analysis.claims.patterns import STATISTICS, patterns
from codealign.analysis.claims.rules import Scores
from codealign.analysis.scores import published
from codealign.cell import Cell
from codealign.errors import CodealignError

LLAMA, QWEN, CODE = "Meta-Llama-3-8B", "Qwen2.5-Coder-7B", "CodeLlama-7b"
DS1, DS7 = "deepseek-coder-1.3b", "deepseek-coder-7b"
PRE, FINE = "pretrained", "finetuned"


def ask(name: str, rows: Rows, source: str = "mine", **args: object) -> Judgement:
    return named(scores_of(rows, source), name, **args)


def compare(rows: Rows, statistic: str, *arms: dict[str, object], **args: object) -> Judgement:
    return ask("compared", rows, statistic=statistic, arms=arms, rule="", lacking="", **args)


def of(benchmarks: str, variant: str) -> dict[str, object]:
    return {"benchmarks": benchmarks, "variants": [variant]}


def test_a_mean_below_the_least_rating_is_counted() -> None:
    rows = {(LLAMA, PRE, "codal_style"): (0.5, 1.0, 1.2, 0.99)}
    judgement = ask("below_scale", rows, cut=1)
    assert judgement.values == [2, 4] and judgement.verdict == CONTRADICTS


def test_no_mean_lies_below_zero() -> None:
    rows = {(LLAMA, PRE, "codal_style"): (0.5, 1.0, 1.2, 0.99)}
    assert ask("below_scale", rows, cut=0).verdict == REPRODUCED


def test_the_range_of_one_model() -> None:
    rows = {
        (LLAMA, PRE, "codal_style"): (0.5, 9.0, 9.0, 9.0),
        (LLAMA, PRE, "codal_readability"): (0.2, 9.0, 9.0, 9.0),
        (QWEN, PRE, "codal_style"): (0.1, 9.0, 9.0, 9.0),
    }
    args = {"models": ["llama"], "variants": [PRE], "benchmarks": "NF1-NF5", "stages": "base",
            "printed": [0.2, 0.5]}  # fmt: skip
    assert ask("value_range", rows, **args).values == [0.2, 0.5]


def test_the_highest_score_says_whose_it_is() -> None:
    rows = {(QWEN, FINE, "evalperf"): (71.1, 72.0, 73.0, 73.5),
            (DS7, FINE, "evalperf"): (72.7, 72.8, 73.6, 73.3)}  # fmt: skip
    judgement = ask("highest", rows, benchmarks="evalperf", printed=73.5)
    assert judgement.values == [73.6] and f"{DS7} {FINE}, DPO" in judgement.rule


def test_the_largest_gain_leaves_sft_out() -> None:
    rows = {(LLAMA, FINE, "codal"): (5.0, 9.0, 6.1, 6.0)}
    assert ask("largest_gain", rows, benchmarks="codal").values == pytest.approx([1.1])


def test_the_ratio_of_gains_depends_on_the_measure() -> None:
    # absolute 0.32 / 0.05; relative (0.32 / 1.15) / (0.05 / 0.19)
    rows = {
        (DS7, PRE, "codal"): (1.15, 1.2, 1.3, 1.47),
        (DS1, PRE, "codal"): (0.19, 0.2, 0.2, 0.24),
    }
    arms = [{"models": ["ds7"]}, {"models": ["ds1"]}]
    args = {"benchmarks": "Avg", "variants": [PRE], "arms": arms, "lacking": ""}
    assert ask("gain_ratio", rows, measure="absolute", **args).values == pytest.approx([6.4])
    relative = ask("gain_ratio", rows, measure="relative", **args)
    assert relative.values == pytest.approx([1.0574], abs=1e-4)


PAIR = {
    (QWEN, PRE, "humaneval"): (0.2, 0.3, 0.5, 0.4),
    (QWEN, FINE, "humaneval"): (0.4, 0.4, 0.6, 0.4),
    (QWEN, PRE, "evalperf"): (10.0, 10.0, 10.0, 20.0),
    (QWEN, FINE, "evalperf"): (40.0, 40.0, 40.0, 40.0),
}


def test_the_share_of_lower_base_scores() -> None:
    assert ask("share_lower", PAIR, benchmarks="F1-F3").values == [100, 2]


def test_the_gap_is_in_percent_of_the_scale() -> None:
    # base gaps 20 and 30, aligned 60 - 50 = 10 and 40 - 20 = 20
    judgement = ask("gap_narrows", PAIR, benchmarks="F1-F3")
    assert judgement.values == pytest.approx([25, 15])
    assert judgement.verdict == NOT_DISTINGUISHABLE  # by two scores


def test_aligned_pretrained_scores_above_the_finetuned_base_are_exceptions() -> None:
    # HumanEval 0.5 > 0.4; EvalPerf 20 < 40
    assert ask("still_inferior", PAIR, benchmarks="F1-F3").values == [1, 2]


def test_consistency_compares_shares_that_improve() -> None:
    rows = PAIR | {(QWEN, PRE, "codal_style"): (1.0, 1.0, 2.0, 2.0)}
    judgement = compare(rows, "improving", of("NF1-NF5", PRE), of("F1-F3 and F4", PRE))
    # non-functional 2 of 2; functional 3 of 4 (EvalPerf with DPO stays)
    assert judgement.values == [100, 75]


def test_two_changes_of_four_are_not_told_from_noise() -> None:
    rows = PAIR | {(QWEN, PRE, "codal_style"): (1.0, 1.0, 2.0, 2.0)}
    judgement = compare(rows, "improving", of("NF1-NF5", PRE), of("F1-F3 and F4", PRE))
    assert judgement.agrees is None and judgement.verdict == NOT_DISTINGUISHABLE


def test_all_models_have_to_improve() -> None:
    rows = {(QWEN, PRE, "codal"): (1.0, 1, 1.5, 1), (LLAMA, PRE, "codal"): (0.03, 0.05, 0.03, 0.03)}
    judgement = ask("models_improve", rows, benchmarks="Avg", variants=[PRE])
    assert judgement.values == [1, 2] and LLAMA in judgement.note


def test_a_threshold_needs_scores_on_both_sides() -> None:
    judgement = ask("threshold", PAIR, cut=0.05, level="cells")
    assert judgement.verdict == CONTRADICTS and judgement.values == pytest.approx([0.1])


def test_a_threshold_splits_scores() -> None:
    # below 0.15: EvalPerf, 1 of 2 improves; above: HumanEval, 2 of 2
    assert ask("threshold", PAIR, cut=0.15, level="cells").values == [50, 100]


def test_technique_counts_the_family() -> None:
    rows = {
        (DS7, PRE, "humaneval"): (0.4, 0.4, 0.5, 0.6),
        (DS1, PRE, "humaneval"): (0.4, 0.4, 0.6, 0.5),
        (DS1, PRE, "mbpp"): (0.4, 0.4, 0.5, 0.5),
        (QWEN, PRE, "humaneval"): (0.4, 0.4, 0.1, 0.5),
    }
    args = {"family": "ds7", "variants": [PRE], "stages": "BoNBoN", "start": "DPO"}
    assert ask("technique", rows, **args).values == [1, 1]


def test_favouring_a_subset_needs_one_score() -> None:
    rows = {(DS7, PRE, "humaneval"): (0.4, 0.4, 0.5, 0.6), (DS7, PRE, "mbpp"): (0.4, 0.4, 0.5, 0.4),
            (DS7, PRE, "evalperf"): (0.4, 0.4, 0.5, 0.6)}  # fmt: skip
    args = {"family": "ds7", "variants": [PRE], "stages": "DPO", "start": "BoNBoN"}
    assert ask("technique", rows, **args).verdict == NOT_DISTINGUISHABLE  # 1 of 3
    assert ask("technique_sometimes", rows, **args).verdict == REPRODUCED


def test_the_best_stage_of_each_model() -> None:
    rows = {(LLAMA, FINE, "codal"): (5, 5, 6.5, 6.4), (QWEN, FINE, "codal"): (7.6, 7.5, 7.5, 7.4)}
    args = {"variant": "fine", "benchmark": "codal"}
    good = ask("best_stage", rows, pairs={"llama": "dpo", "qwen": "base"}, **args)
    bad = ask("best_stage", rows, pairs={"llama": "bonbon", "qwen": "base"}, **args)
    assert (good.verdict, bad.verdict) == (REPRODUCED, CONTRADICTS)


def test_explained_variance_of_a_pure_model_effect() -> None:
    # gains of 50 % (Qwen) and 0 % (Llama) in both variants: all of it is the model
    rows = {(m, v, b): (0.4, 0.4, x, 0.2) for m, x in ((QWEN, 0.6), (LLAMA, 0.4))
            for v in (PRE, FINE) for b in ("humaneval", "mbpp")}  # fmt: skip
    assert ask("explained", rows).values == pytest.approx([100, 0])


def test_the_share_that_degrades() -> None:
    rows = {(QWEN, FINE, "humaneval"): (0.4, 0.4, 0.3, 0.5)}
    assert ask("degrades", rows, benchmarks="F1-F3", variants=[FINE]).values == [50]


def test_losses_beyond_a_cut() -> None:
    rows = {
        (QWEN, PRE, "humaneval"): (0.4, 0.4, 0.2, 0.4),
        (QWEN, FINE, "mbpp"): (0.4, 0.4, 0.3, 0.3),
    }
    judgement = compare(rows, "losing", of("F1", PRE), of("F1-F2", FINE), less=True, cut=30)
    assert judgement.values == [50, 0]


def test_trade_offs_need_gains_and_losses_in_one_model() -> None:
    rows = {
        (QWEN, PRE, "humaneval"): (0.4, 0.4, 0.5, 0.5),
        (QWEN, PRE, "mbpp"): (0.4, 0.4, 0.3, 0.5),
    }
    assert ask("trade_offs", rows, benchmarks="F1-F3").values == [50, 2]


def test_pathways_are_compared_over_all_cells() -> None:
    # PTA: HumanEval +150, +100; EvalPerf 0, +100: mean 87.5; FTA: +50, 0, 0, 0: 12.5
    judgement = compare(PAIR, "mean", of("F1-F3", PRE), of("F1-F3", FINE))
    assert judgement.values == pytest.approx([87.5, 12.5])


def test_four_cells_are_too_few_to_tell_pathways_apart() -> None:
    assert compare(PAIR, "mean", of("F1-F3", PRE), of("F1-F3", FINE)).agrees is None


def test_an_average_over_all_cells() -> None:
    judgement = ask("gains_on_average", PAIR, benchmarks="F1-F3", variants=[FINE])
    assert judgement.values == pytest.approx([12.5])


SFT = {
    (QWEN, PRE, "humaneval"): (0.4, 0.3, 0.3, 0.2),  # fell, ends below
    (QWEN, PRE, "mbpp"): (0.4, 0.3, 0.3, 0.5),  # fell, recovers
    (QWEN, FINE, "humaneval"): (0.4, 0.5, 0.5, 0.4),  # rose, holds
    (QWEN, FINE, "mbpp"): (0.4, 0.3, 0.4, 0.1),  # fell, reaches the base again
}


# By halves F1-F3 (HumanEval, MBPP) and F4 (Subtle). PRE falls in both; its best final mean lies
# below the base on F1-F3 (BoNBoN: 0.2 and 0.5, mean 0.35 of 0.4) and on F4 (0.1 of 0.2). FINE falls
# in neither half and ends at or above the base on both.
HALVES = SFT | {
    (QWEN, FINE, "mbpp"): (0.4, 0.4, 0.4, 0.1),
    (QWEN, PRE, "evoeval_subtle"): (0.2, 0.1, 0.1, 0.1),
    (QWEN, FINE, "evoeval_subtle"): (0.2, 0.3, 0.2, 0.2),
}


def test_what_sft_foretells_is_asked_of_other_problems() -> None:
    # one model fell, on either half, and ends below the base on the other; the second never does
    judgement = ask("sft_predicts", HALVES)
    assert judgement.values == [100, 0]
    assert judgement.verdict == NOT_DISTINGUISHABLE  # by two models


def test_a_model_without_both_halves_is_left_out() -> None:
    assert ask("sft_predicts", SFT).missing


def test_models_stable_in_sft_succeed() -> None:
    judgement = ask("stable_succeeds", HALVES)
    assert judgement.values == [100] and "2 times one had not fallen" in judgement.rule


def test_sft_falls_are_counted_by_pathway() -> None:
    assert ask("sft_falls_in_both", SFT).values == [2, 1]


def test_losses_of_one_model() -> None:
    # HumanEval 0.3, 0.2 and MBPP 0.3 lie below 0.4
    assert ask("losses", SFT, models=["qwen"], variants=[PRE]).values == [3]


def test_the_least_start_is_a_share_of_the_scale() -> None:
    rows = {(LLAMA, PRE, "evalperf"): (6.5, 1, 1, 1), (LLAMA, PRE, "mbpp"): (0.6, 1, 1, 1)}
    judgement = ask("starts_above", rows, models=["llama"], cut=0.1)
    assert judgement.values == pytest.approx([0.065]) and "evalperf" in judgement.note


def test_quoted_base_tests_are_not_derivable_but_checked() -> None:
    rows = {(CODE, FINE, "evoeval_verbose"): (0.34, 0.34, 0.32, 0.30)}
    cells = ["codellama fine evoeval_verbose base", "codellama fine evoeval_verbose dpo"]
    judgement = ask("base_tests", rows, "paper", cells=cells, printed=[0.427, 0.402])
    # 70 / 164 = 0.4268, 66 / 164 = 0.4024
    assert judgement.verdict == NOT_DERIVABLE
    assert "(70, 66)" in judgement.note and "alike" in judgement.note


def test_an_average_row_is_checked_within_its_rounding() -> None:
    dims = ("instruction_following", "readability", "complexity", "style", "explanation")
    rows = {(QWEN, PRE, f"codal_{d}"): (float(i), 2.0, 2.0, 2.0) for i, d in enumerate(dims, 1)}
    rows[QWEN, PRE, "codal"] = (3.0, 2.01, 2.02, 2.0)  # mean of 1 to 5 is 3; 2.02 is off by 0.02
    judgement = ask("average_row", rows)
    assert judgement.values == [1, 4] and "dpo by 0.020" in judgement.note


def test_a_pass_rate_that_no_count_gives() -> None:
    # of 164: 0.372 is 61; 0.374 lies between 61 (0.372) and 62 (0.378)
    rows = {(QWEN, PRE, "humaneval"): (0.372, 0.374, 0.0, 1.0)}
    assert named(scores_of(rows, "paper"), "whole_counts").values == [1, 4]


def test_a_runs_pass_rate_is_a_whole_count_of_its_own_problems() -> None:
    # 7 of 20 are 0.35, whatever number of problems the paper's benchmark has
    rows = {(QWEN, PRE, "humaneval"): (0.35, 0.36, 0.0, 1.0)}
    run = Scores(frame(rows).assign(n=20))
    assert named(run, "whole_counts").values == [1, 4]


def test_a_rate_of_several_samples_is_no_count_however_its_interval_was_made() -> None:
    # each problem passes in 1 of 3 samples: the values are equal, so there is no bootstrap
    run = frame({(QWEN, PRE, "humaneval"): (1 / 3, 0.5, 0.5, 0.5)}).assign(n=2)
    base = Cell(QWEN, PRE, "functional", "base", "humaneval")
    items = {base: {"a": 1 / 3, "b": 1 / 3}, base.at(stage="sft", seed=0): {"a": 1.0, "b": 0.0}}
    assert named(Scores(run), "whole_counts").values == [1, 4]
    assert named(Scores(run, items), "whole_counts").values == [0, 3]


def test_more_tests_never_raise_a_score() -> None:
    rows = {(QWEN, PRE, "humaneval"): (0.4, 0.5, 0.5, 0.5),
            (QWEN, PRE, "humaneval_plus"): (0.3, 0.5, 0.6, 0.4)}  # fmt: skip
    assert ask("plus_is_harder", rows).values == [1, 4]


def test_what_survives_noise_is_counted_by_direction() -> None:
    # of 164: 0.3 -> 0.6 is far beyond noise, 0.3 -> 0.31 and 0.3 -> 0.29 are not
    rows = {(QWEN, PRE, "humaneval"): (0.3, 0.6, 0.31, 0.29)}
    args = {"correction": "none", "requirement": "functional"}
    assert ask("survives", rows, direction="improvements", **args).values == [1, 2]
    assert ask("survives", rows, direction="degradations", **args).values == [0, 1]


def test_codals_average_does_not_count_twice() -> None:
    rows = {
        (QWEN, PRE, "codal_style"): (1.0, 9.0, 1.0, 1.0),
        (QWEN, PRE, "codal"): (1.0, 9.0, 1, 1),
    }
    args = {"direction": "improvements", "correction": "holm", "requirement": "non_functional"}
    assert ask("survives", rows, **args).values == [1, 1]


def test_printed_mean_ratings_cannot_be_called_noise() -> None:
    rows = {(QWEN, PRE, "codal_style"): (5.0, 5.5, 5.5, 5.5)}
    args = {"direction": "improvements", "correction": "holm", "requirement": "non_functional"}
    assert ask("survives", rows, "paper", **args).verdict == NOT_DERIVABLE


def test_a_sample_needs_its_size_and_reaches_its_margin() -> None:
    # n0 = 2.5758^2 / 4 / 0.01 = 165.87; 165.87 / (1 + 164.87 / 100) = 62.6, so 40 are too few:
    # 2.5758 * 0.5 / sqrt(40) * sqrt(60 / 99) = 15.85 points
    args = {"n": 40, "population": 100, "confidence": 0.99, "margin": 0.1}
    judgement = named(Scores(published()), "sample", **args)
    assert judgement.values == pytest.approx([63, 15.85], abs=0.01)
    assert judgement.verdict == CONTRADICTS


@pytest.mark.parametrize("name", sorted({*FACTS, *patterns()}))
def test_a_fact_without_scores_says_what_is_missing(name: str) -> None:
    from codealign.analysis.claims import statements

    for statement in statements():
        if statement.kind == "fact" and statement.args["name"] == name:
            args = {k: v for k, v in statement.args.items() if k != "name"}
            assert ask(name, {}, **args).missing, statement.id


def test_every_fact_is_used() -> None:
    from codealign.analysis.claims import statements

    assert {s.args["name"] for s in statements() if s.kind == "fact"} == {*FACTS, *patterns()}


def test_p_values_need_five_values() -> None:
    import numpy as np

    few, many = np.arange(4.0), np.arange(5.0)
    assert math.isnan(clarity.mean(few)) and math.isnan(clarity.means(few, many))
    assert clarity.mean(many) < 0.05  # mean 2, standard error 0.71: t = 2.83, p = 0.047


def test_a_share_below_half_is_no_majority() -> None:
    args = {"question": "Q8", "option": "Option A", "respondents": 30}
    judgement = named(Scores(published()), "survey_majority", **args)
    # 14 of 30; Wilson by hand: centre (14 + 1.92) / 33.84, half-width 0.168
    assert judgement.verdict == NOT_DISTINGUISHABLE
    assert judgement.values == pytest.approx([46.667, 30.23, 63.86], abs=0.01)


def test_the_sign_test_is_exact() -> None:
    # 5 of 5: 2 / 2^5
    assert clarity.share(5, 5) == pytest.approx(0.0625)
    assert math.isnan(clarity.share(0, 0))


@pytest.mark.parametrize("name", sorted(patterns()))
def test_a_pattern_names_statistics_that_there_are(name: str) -> None:
    row = patterns()[name]
    varied = [name for grid in row.get("others", {}).get("vary", ()) for name in
              grid.get("statistic", ())]  # fmt: skip
    named_here = {row.get("statistic"), *varied} - {None}
    assert named_here <= set(STATISTICS) and (named_here or name == "compared")


def test_a_pattern_that_there_is_not_is_named() -> None:
    with pytest.raises(CodealignError, match="'losess'; did you mean 'losses'"):
        ask("losess", PAIR)


def test_a_misspelt_field_of_a_pattern_is_refused() -> None:
    with pytest.raises(CodealignError, match="highest: unknown key 'benchmark'; did you mean"):
        ask("highest", PAIR, benchmark="evalperf")


def test_bold_marks_are_compared_with_the_highest_score() -> None:
    # the print marks CodeLlama's pretrained MBPP+ 0.479 (SFT) as bold, 0.481 (DPO) is higher
    judgement = named(Scores(published()), "bold_is_best")
    assert judgement.verdict == CONTRADICTS and f"{CODE} {PRE} mbpp_plus" in judgement.note
