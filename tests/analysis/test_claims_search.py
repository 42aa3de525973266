"""Matching printed numbers: rounding, truncation, whole counts, and what a match is worth."""

from __future__ import annotations

import math

import pytest
from mini_scores import scores_of

from codealign.analysis.claims import grids
from codealign.analysis.claims.grids import WORDS, Candidate, Rule
from codealign.analysis.claims.matching import (
    TRUNCATED,
    fit,
    look,
    possible,
    relative_from,
    verdict,
    worth,
)
from codealign.analysis.claims.model import (
    CONTRADICTS,
    NOT_DERIVABLE,
    REPRODUCED,
    UNSTATED,
    Statement,
)
from codealign.analysis.claims.rules import Selection, cell, pick


def candidates(*found: tuple[str, tuple[float, ...]]) -> list[Candidate]:
    """Return rules of these names on HumanEval, with the values they are said to give."""
    return [(Rule(name, Selection("HE")), values) for name, values in found]


def names(hits: list[Candidate]) -> list[str]:
    return [rule.statistic for rule, _ in hits]


VERBOSE = (cell("ds7 fine evoeval_verbose base"), cell("ds7 fine evoeval_verbose dpo"))


@pytest.mark.parametrize("value", [28.75, 28.8, 28.85])
def test_a_value_that_rounds_to_the_print_fits(value: float) -> None:
    assert fit(value, 28.8, 1) == ""


def test_a_value_cut_to_the_print_fits_as_truncated() -> None:
    # 0.03 -> 0.05 is 66.67 %, printed 66
    assert fit(66.67, 66, 0) == TRUNCATED


def test_truncation_goes_towards_zero_for_losses() -> None:
    assert fit(-66.67, -66, 0) == TRUNCATED
    assert fit(-66.67, -65, 0) is None


def test_another_value_and_no_value_do_not_fit() -> None:
    assert fit(28.86, 28.8, 1) == TRUNCATED
    assert fit(28.9, 28.8, 1) is None
    assert fit(math.nan, 28.8, 1) is None


@pytest.mark.parametrize(
    ("values", "unstated", "expected"),
    [
        ([28.8, 4.9], "", REPRODUCED),
        ([28.8, 4.9], "which stage", UNSTATED),
        ([28.8, 4.99], "", UNSTATED),  # 4.99 is cut to 4.9
        ([28.8, 5.1], "", CONTRADICTS),  # all numbers have to match
        ([], "", NOT_DERIVABLE),
        ([28.8, math.nan], "", NOT_DERIVABLE),
    ],
)
def test_verdict_of_a_definite_rule(values: list[float], unstated: str, expected: str) -> None:
    statement = Statement("x", "O1", "says", "score", {}, [28.8, 4.9], (1, 1), "%", unstated)
    assert verdict(values, statement)[0] == expected


def test_a_search_counts_what_it_tried_and_what_fits() -> None:
    tried = candidates(
        ("gain", (1.0,)), ("median", (2.04,)), ("improve", (1.96,)), ("summed", (math.nan,))
    )
    search, hits = look(tried, [2.0], [1], "letters")
    assert (search.tried, search.matching) == (3, 2)  # the last gives no number
    assert set(names(hits)) == {"median", "improve"}


def test_the_closest_match_comes_first() -> None:
    _, hits = look(candidates(("passes", (2.04,)), ("reaches", (2.01,))), [2.0], [1], "")
    assert names(hits) == ["reaches", "passes"]


def test_without_a_match_the_nearest_miss_is_told() -> None:
    search, hits = look(candidates(("gain", (1.0,)), ("median", (2.2,))), [2.0], [1], "")
    assert not hits
    assert search.nearest.startswith("median relative change: HE") and search.nearest.endswith(
        "= 2.2"
    )


def test_a_match_has_to_meet_all_numbers_at_once() -> None:
    # one rule gives each of the two numbers, no rule gives both
    search, hits = look(
        candidates(("gain", (2.0, 9.0)), ("median", (1.0, 3.0))), [2.0, 3.0], [0, 0], ""
    )
    assert not hits and search.tried == 2


def test_digits_count_for_each_number() -> None:
    # 4.125 is printed as 4, 25 as 25.0
    _, hits = look(candidates(("gain", (25.0, 4.125))), [25.0, 4.0], [1, 0], "")
    assert hits


def test_reach_is_the_share_of_nearby_values_that_some_rule_gives() -> None:
    # near 10 (5 to 15: 11 whole numbers) the rules give 9, 10 and 10: 2 of 11
    tried = candidates(
        ("gain", (9.0,)), ("median", (10.0,)), ("improve", (10.2,)), ("passes", (40.0,))
    )
    search, _ = look(tried, [10.0], [0], "")
    assert search.reach == pytest.approx(2 / 11, abs=1e-3)
    assert search.typical == 1.5  # 3 rules for 2 values


def test_many_fits_are_weak_evidence() -> None:
    few, _ = look(candidates(("gain", (10.0,)), ("median", (90.0,))), [10.0], [0], "")
    many, _ = look(candidates(*((name, (10.0,)) for name in list(WORDS)[:30])), [10.0], [0], "")
    assert worth(few) == "1 of 2 candidate rules fit"
    assert worth(many) == "30 of 30 candidate rules fit: weak evidence for any single one"


def test_no_candidate_is_said() -> None:
    search, hits = look([], [1.0], [0], "")
    assert (search.tried, hits) == (0, [])


def test_a_printed_pass_rate_stands_for_whole_counts() -> None:
    # of 164 problems 0.63 is 103 (0.628) or 104 (0.634); 102 is 0.622, 105 is 0.640
    assert possible(VERBOSE[0], 0.63) == [103 / 164, 104 / 164]


def test_a_printed_rating_stands_for_its_rounding() -> None:
    ends = possible(cell("qwen pre codal base"), 1.27)
    assert ends == pytest.approx([1.265, 1.275])


def test_a_change_is_found_in_whole_counts() -> None:
    # printed 0.63 -> 0.67 is +6.3 %, but 104 -> 110 of 164 is +5.77 %, printed 5.8
    assert relative_from(VERBOSE, (0.63, 0.67), 5.8, 0.05) == (
        "from whole counts: 104 -> 110 of 164 problems"
    )


def test_a_change_that_no_whole_count_gives_is_not_explained() -> None:
    assert relative_from(VERBOSE, (0.63, 0.67), 9.0, 0.05) == ""


def test_a_change_of_ratings_within_their_rounding() -> None:
    # 0.03 -> 0.05 may be 0.035 -> 0.045 (+29 %) or 0.025 -> 0.055 (+120 %)
    cells = (cell("llama pre codal base"), cell("llama pre codal sft"))
    assert relative_from(cells, (0.03, 0.05), 100, 0.5)
    assert not relative_from(cells, (0.03, 0.05), 130, 0.5)


HE = "humaneval"
ROWS = {
    ("a", "pretrained", HE): (0.4, 0.3, 0.5, 0.4),
    ("b", "pretrained", HE): (0.4, 0.5, 0.3, 0.2),
    ("a", "finetuned", HE): (0.5, 0.5, 0.2, 0.5),
    ("b", "finetuned", HE): (0.5, 0.4, 0.5, 0.6),
}


def rules_of(grid: str, *variants: str) -> dict[Rule, tuple[float, ...]]:
    args = {"sets": ["HE"], "variants": variants, "models": ["all"]}
    return dict(grids.GRIDS[grid].rules(scores_of(ROWS).board, args))


def test_outcomes_split_at_the_cut() -> None:
    # DPO, pretrained: +25 % and -25 %
    board = scores_of(ROWS).board
    found = grids.outcomes(pick(board, Selection("HE", "DPO", variants=("pretrained",))))
    assert found["flat_10.0_relative"] == (50, 0, 50)
    # BoNBoN, pretrained: 0 % and -50 %
    found = grids.outcomes(pick(board, Selection("HE", "BoNBoN", variants=("pretrained",))))
    assert found["flat_10.0_relative"] == (50, 50, 0)


def test_a_model_succeeds_by_each_meaning() -> None:
    found = rules_of("models", "pretrained")
    chosen = Selection("HE", "DPO", variants=("pretrained",))
    assert found[Rule("models_any", chosen)] == (50,)
    assert found[Rule("models_every_equal", chosen)] == (50,)


def test_catastrophes_come_finetuned_first() -> None:
    # DPO: finetuned a loses 60 %, b nothing; pretrained b loses 25 %
    found, chosen = rules_of("catastrophes", "pretrained", "finetuned"), Selection("HE", "DPO")
    assert found[Rule("models_lose_20", chosen)] == (50, 50)
    assert found[Rule("models_lose_30", chosen)] == (50, 0)


def test_models_recover_by_their_mean_score() -> None:
    # SFT, means over HumanEval and MBPP: a pre 0.4 -> 0.35 falls and its best final is 0.45;
    # b fine 0.5 -> 0.45 falls and ends at 0.45; a fine rises to 0.55, b pre too: neither fails
    mbpp = {("a", "pretrained", "mbpp"): (0.4, 0.4, 0.4, 0.3),
            ("b", "pretrained", "mbpp"): (0.4, 0.4, 0.6, 0.6),
            ("a", "finetuned", "mbpp"): (0.5, 0.6, 0.5, 0.5),
            ("b", "finetuned", "mbpp"): (0.5, 0.5, 0.3, 0.3)}  # fmt: skip
    both = ("pretrained", "finetuned")
    found = dict(grids.recoveries(scores_of(ROWS | mbpp).board, {}))
    chosen = Selection("HE and MBPP", "best of DPO and BoNBoN", "", both)
    statistic = "reaches"
    share, ratio = found[Rule(statistic, chosen, against="not falling")]
    assert share == 50 and math.isnan(ratio)  # half of the fallen fail, none of the others


def test_wins_leave_ties_out_of_both() -> None:
    dims = ("codal_style", "codal_readability", "codal_complexity", "codal_explanation")
    values = [(1.0, 1.0, 2.0, 3.0), (1.0, 1.0, 3.0, 1.0), (1.0, 1.0, 2.0, 2.0), (2.0, 2.0, 1.0, 5)]
    rows = {("a", "pretrained", d): v for d, v in zip(dims, values, strict=True)}
    found = dict(grids.wins(scores_of(rows).board, {"variants": ["pretrained"]}))
    # BoNBoN wins style (+200 %) and explanation (+150 %), DPO readability (+200 %), one tie
    chosen = Selection("NF1-NF5", "", "", ("pretrained",))
    assert found[Rule("wins", chosen)] == (50, 25, 175, 200)
