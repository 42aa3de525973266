"""The engine: value, interval and what it holds; expected values by hand."""

from __future__ import annotations

import math

import pytest
from made_up_cells import Values, cell, cells, solved
from scipy.stats import t

from codealign.analysis.cells import TASKS, cells_of, problem_of, weights
from codealign.analysis.contrasts import CHANGE, FALLEN, LOST, RELATIVE, RISEN, SCORE, Term
from codealign.analysis.effects import MODELS, PROBLEMS, SEEDS, Effect, effect, half_width
from codealign.analysis.questions import minus, pooled, split
from codealign.analysis.scores import published

MBPP = Term(1, variants=("pretrained",), stages=("dpo",), benchmarks=("mbpp_plus",))


def gained(*solved_by_seed: int, base: int = 40, of: int = 100) -> Values:
    """Return a base model and its seeds on MBPP+."""
    base_only = {cell(): solved(base, of)}
    return base_only | {cell("dpo", seed=k): solved(n, of) for k, n in enumerate(solved_by_seed)}


def ask(values: Values, measure: str = CHANGE, **more) -> Effect:
    return effect(cells(values), (MBPP,), measure, "m", **more)


def test_a_change_is_in_points() -> None:
    result = ask(gained(50))
    assert result.value == pytest.approx(10)
    assert (result.n, result.benchmarks, result.seeds) == (100, 1, 1)


def test_one_seeds_interval_holds_the_problems_alone() -> None:
    # By hand: of 100 differences 10 are 100 points, 90 are 0: variance 900 * 100 / 99, of the mean
    # 9.0909. Two made-up problems of one step, 100 points: 2 * (100 / 102)^2 = 1.9223.
    # t(0.975, 99) = 1.98422: half = 1.98422 * sqrt(11.0132) = 6.5848.
    result = ask(gained(50))
    assert (result.low, result.high) == pytest.approx((10 - 6.5848, 10 + 6.5848), abs=1e-3)
    assert result.holds == (PROBLEMS,) and result.single


def test_two_seeds_add_their_spread() -> None:
    # By hand: seeds gain 8 and 12: deviation 2.8284, error 2. t(0.975, 1) = 12.706.
    # Problems: their mean over the seeds changes by 100 in 8, by 50 in 4: mean 10, sum of squares
    # 8 * 10000 + 4 * 2500 = 90000, variance (90000 - 100 * 100) / 99 = 808.08, of the mean 8.0808.
    result = ask(gained(48, 52))
    over_problems = 1.98422**2 * (8.0808 + 1.9223)
    half = math.sqrt(over_problems + (12.7062 * 2) ** 2)
    assert result.value == pytest.approx(10)
    assert result.high - result.value == pytest.approx(half, abs=1e-3)
    assert result.holds == (PROBLEMS, SEEDS) and not result.single


def test_seeds_that_agree_leave_the_error_of_the_problems() -> None:
    one, two = ask(gained(50)), ask(gained(50, 50))
    assert two.high == pytest.approx(one.high)


def test_where_nothing_changed_the_interval_is_not_without_width() -> None:
    result = ask(gained(40))
    # By hand: the two made-up problems alone: 1.98422 * sqrt(1.9223) = 2.7511.
    assert (result.value, result.high) == pytest.approx((0, 2.7511), abs=1e-3)
    assert result.side == 0


def test_the_interval_of_a_score_stays_on_its_scale() -> None:
    # By hand, of 98 problems: none solved leaves the two made-up problems,
    # t(0.975, 97) * sqrt(2) * 100 / 100 = 1.98472 * 1.41421.
    low, high = ask(gained(0, of=98), SCORE), ask(gained(98, of=98), SCORE)
    assert (low.low, low.high) == pytest.approx((0, 2.8068), abs=1e-3)
    assert (high.low, high.high) == pytest.approx((100 - 2.8068, 100), abs=1e-3)


def test_scores_that_are_all_0_tell_nothing() -> None:
    result = ask(gained(0, 0, base=0))
    assert result.side == 0 and result.low < 0 < result.high


def test_the_p_value_is_the_level_at_which_the_interval_reaches_0() -> None:
    result = ask(gained(48, 52, 55))
    at = result.at(1 - result.p)
    assert at.low == pytest.approx(0, abs=1e-6)
    assert (result.p < 0.05) == (result.side != 0)


def test_half_a_width_combines_the_two_errors() -> None:
    # By hand: sqrt((t(9) * 1)^2 + (t(4) * 2)^2), Banerjee 1960.
    expected = math.hypot(t.ppf(0.975, 9), 2 * t.ppf(0.975, 4))
    assert half_width(2.0, 5, 1.0, 9, 0.95) == pytest.approx(expected)


def test_both_pathways_are_paired_over_problems() -> None:
    both = gained(50)
    both |= {c.at(variant="finetuned"): v for c, v in gained(50).items()}
    fta = Term(-1, variants=("finetuned",), stages=("dpo",), benchmarks=("mbpp_plus",))
    result = effect(cells(both), (MBPP, fta), CHANGE, "m")
    # the same problems changed in both: only the made-up ones of two terms are left
    assert result.value == 0
    assert result.problem_error == pytest.approx(math.sqrt(2 * 1.9223), abs=1e-3)


def test_a_problem_in_two_benchmarks_is_one() -> None:
    assert problem_of("EvoEval/7") == problem_of("HumanEval/7") != problem_of("Mbpp/7")


def test_a_relative_change_is_the_ratio_of_the_scores() -> None:
    assert ask(gained(50), RELATIVE).value == pytest.approx(25)


def test_fiellers_bounds_hold_0_exactly_where_the_change_does() -> None:
    for after in (41, 44, 46, 47, 52, 60):
        change, relative = ask(gained(after, after + 1)), ask(gained(after, after + 1), RELATIVE)
        assert relative.side == change.side


def test_a_base_near_0_has_no_relative_interval() -> None:
    result = ask(gained(5, base=1), RELATIVE)
    assert result.value == pytest.approx(400)
    assert math.isnan(result.low) and "too near 0" in result.missing


def test_a_base_of_0_has_no_relative_change() -> None:
    assert math.isnan(ask(gained(5, base=0), RELATIVE).value)


def test_a_count_of_signs_has_no_interval_of_five_seeds() -> None:
    result = ask(gained(41, 42, 43, 44, 45), RISEN)
    assert result.value == 100
    assert math.isnan(result.low) and result.side == 0 and "needs 6 seeds" in result.missing


def test_six_seeds_bound_a_count_of_signs() -> None:
    result = ask(gained(60, 61, 62, 63, 64, 65), RISEN)
    assert result.low < 100 == result.value


def test_equal_scores_count_half() -> None:
    assert ask(gained(40), RISEN).value == ask(gained(40), FALLEN).value == 50


def test_a_loss_of_more_than_30_percent_is_lost() -> None:
    # By hand: 40 to 27 is -32.5 %, to 29 -27.5 %.
    assert ask(gained(27), LOST).value == 100
    assert ask(gained(29), LOST).value == 0


def test_only_benchmarks_that_all_terms_have_enter() -> None:
    values = gained(50)
    values |= {cell("dpo", name="humaneval_plus"): solved(9, 10)}  # without a base
    term = Term(1, variants=("pretrained",), stages=("dpo",))
    result = effect(cells(values), (term,), CHANGE, "m")
    assert (result.value, result.benchmarks) == (pytest.approx(10), 1)


def test_a_technique_that_was_not_run_is_left_out() -> None:
    term = Term(1, variants=("pretrained",), benchmarks=("mbpp_plus",))
    assert effect(cells(gained(50)), (term,), CHANGE, "m").value == pytest.approx(10)


def test_what_was_not_run_is_named() -> None:
    term = Term(1, variants=("finetuned",))
    result = effect(cells(gained(50)), (term,), CHANGE, "m")
    assert math.isnan(result.value) and "finetuned" in result.missing


def test_equal_weight_of_tasks_counts_evoeval_once() -> None:
    names = ("humaneval_plus", "mbpp_plus", "evoeval_subtle", "evoeval_combine")
    assert weights(names, TASKS) == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])


def test_a_base_model_has_no_seeds() -> None:
    term = Term(1, variants=("pretrained",), stages=("base",), benchmarks=("mbpp_plus",))
    result = effect(cells(gained(48, 52)), (term,), SCORE, "m")
    assert (result.value, result.seeds, result.single) == (pytest.approx(40), 0, False)


def test_printed_scores_have_the_variance_of_a_share() -> None:
    # By hand: CodeLlama, pretrained, base, HumanEval+: k of 164; share (k + 2) / 168.
    rows = published()
    row = rows[(rows["model"] == "CodeLlama-7b") & (rows["variant"] == "pretrained")
               & (rows["benchmark"] == "humaneval_plus") & (rows["stage"] == "base")]  # fmt: skip
    value = float(row["value"].iloc[0])
    share = (value * 164 + 2) / 168
    term = Term(1, variants=("pretrained",), stages=("base",), benchmarks=("humaneval_plus",))
    result = effect(cells_of(rows), (term,), SCORE, "CodeLlama-7b")
    made_up = 2 * (100 / 166) ** 2
    expected = math.sqrt(1e4 * share * (1 - share) / 168 + made_up)
    assert result.problem_error == pytest.approx(expected)


def test_one_models_printed_techniques_err_together() -> None:
    rows = cells_of(published())
    both = Term(1, variants=("pretrained",), benchmarks=("mbpp_plus",))
    one = Term(1, variants=("pretrained",), stages=("dpo",), benchmarks=("mbpp_plus",))
    errors = [effect(rows, (x,), SCORE, "Qwen2.5-Coder-7B").problem_error for x in (both, one)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


def test_models_of_one_seed_stand_for_models_in_general() -> None:
    # By hand: 1, 2, 3: error 1 / sqrt(3), t(0.975, 2) = 4.3027: half 2.4842.
    result = pooled([Effect(v, v - 9, v + 9, seeds=1, problem_error=4, seed_error=0, freedom=9)
                    for v in (1.0, 2.0, 3.0)])  # fmt: skip
    assert result.holds == (MODELS,) and not result.single
    assert (result.low, result.high) == pytest.approx((2 - 2.4842, 2 + 2.4842), abs=1e-3)


def test_two_models_of_one_seed_stay_one_training_run_each() -> None:
    result = pooled([ask(gained(50)), ask(gained(60))])
    assert result.value == pytest.approx(15) and result.single


def test_why_one_of_several_models_has_no_interval_is_handed_on() -> None:
    result = pooled([ask(gained(48, 52)), Effect(3.0, n=1, seeds=2, missing="one problem")])
    assert math.isnan(result.low) and result.missing == "one problem"


def test_problems_of_two_requirements_are_both_counted() -> None:
    rated = {f"c{i}": 5.0 for i in range(30)}
    values = gained(50) | {cell(name="codal_style"): rated, cell("dpo", name="codal_style"): rated}
    style = Term(-1, variants=("pretrained",), stages=("dpo",), requirement="non_functional",
                 benchmarks=("codal_style",))  # fmt: skip
    result = effect(cells(values), (MBPP, style), CHANGE, "m")
    assert (result.n, result.benchmarks) == (130, 2)
    twice = effect(cells(values), (MBPP, MBPP), CHANGE, "m")
    assert (twice.n, twice.benchmarks) == (100, 1)


def test_groups_of_models_are_compared_by_both_their_errors() -> None:
    several = ask(gained(48, 52)), ask(gained(40, 41))
    result = minus(*several)
    assert result.value == pytest.approx(several[0].value - several[1].value)
    assert result.seed_error == pytest.approx(math.hypot(*(e.seed_error for e in several)))


def halves(base: tuple[int, int], sft: tuple[int, int], dpo: tuple[int, int]) -> Values:
    """Return a model on MBPP+ whose two halves of problems solve so many of ten."""
    ids = {side: [f"q{i}" for i in range(200) if _side(f"q{i}") == side][:10] for side in (0, 1)}

    def answers(right: tuple[int, int]) -> dict[str, float]:
        return {key: float(i < right[s]) for s in (0, 1) for i, key in enumerate(ids[s])}

    return {cell(): answers(base), cell("sft"): answers(sft), cell("dpo"): answers(dpo)}


def _side(key: str) -> int:
    from codealign.records import seed_of

    return seed_of("half", key) % 2


def test_a_fall_and_an_end_are_looked_for_on_different_halves() -> None:
    # The base was lucky on half 0: SFT and DPO "fall" there and nowhere else. MBPP+ falls on half 0
    # and does not end below on half 1; HumanEval+ moves the other way: nothing is foretold.
    values = halves((9, 5), (6, 5), (6, 5))
    other = {c.at(benchmark="humaneval_plus"): v for c, v in halves((5, 5), (6, 6), (7, 7)).items()}
    result = split(cells(values | other), "m")
    # By hand: side 0: fell {MBPP+}, ended on half 1 {}: 0 - 0 = 0. Side 1: none fell: no number.
    assert math.isnan(result.value) or result.value == 0


def test_a_fall_that_lasts_foretells_the_end() -> None:
    values = halves((8, 8), (5, 5), (4, 4))
    other = {c.at(benchmark="humaneval_plus"): v for c, v in halves((5, 5), (6, 6), (7, 7)).items()}
    result = split(cells(values | other), "m")
    assert result.value == 100 and "needs 6 seeds" in result.missing
