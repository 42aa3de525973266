"""How statements are recomputed and judged, one kind after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mini_scores import Rows, scores_of

from codealign.analysis.claims.book import BY_KIND, question, recompute, run_verdict
from codealign.analysis.claims.grids import Rule, read_rule
from codealign.analysis.claims.model import (
    AGREES,
    CANNOT_TELL,
    CONTRADICTS,
    DISAGREES,
    KINDS,
    NOT_DERIVABLE,
    NOT_DISTINGUISHABLE,
    NOT_RUN,
    REPRODUCED,
    UNSTATED,
    Claim,
    Judgement,
    Search,
    Statement,
    statements,
)
from codealign.analysis.claims.render import claims_frame, claims_markdown, numbers, searched
from codealign.analysis.claims.rules import Scores, Selection
from codealign.analysis.effects import Effect
from codealign.analysis.questions import observed
from codealign.errors import CodealignError

LLAMA = "Meta-Llama-3-8B"
ROWS: Rows = {
    (LLAMA, "pretrained", "humaneval"): (0.4, 0.5, 0.6, 0.3),
    (LLAMA, "pretrained", "mbpp"): (0.5, 0.5, 0.7, 0.5),
}


def ask(kind: str, published: list[float], source: str = "paper", **args: object) -> Claim:
    unstated = args.pop("unstated", "")
    decimals = (0,) * len(published)
    statement = Statement("x", "O1", "says", kind, args, published, decimals, "%", unstated)
    return recompute(scores_of(ROWS, source), statement)


def test_every_kind_that_data_may_name_has_its_function() -> None:
    assert set(BY_KIND) == set(KINDS)


def test_a_change_is_relative_to_the_base() -> None:
    # 0.4 -> 0.6
    claim = ask("change", [50], cells=["llama pre humaneval dpo"])
    assert claim.verdict == REPRODUCED and claim.computed == pytest.approx([50])


def test_a_change_may_start_elsewhere() -> None:
    # from SFT: 0.5 -> 0.6
    claim = ask("change", [20], cells=["llama pre humaneval dpo"], **{"from": "sft"})
    assert claim.verdict == REPRODUCED


def test_an_absolute_change() -> None:
    claim = ask("change", [0], how="absolute", cells=["llama pre humaneval dpo"])
    assert claim.computed == pytest.approx([0.2])


def test_what_the_text_leaves_open_lowers_the_verdict() -> None:
    claim = ask("change", [50], cells=["llama pre humaneval dpo"], unstated="with DPO")
    assert claim.verdict == UNSTATED and claim.note == "with DPO"


def test_another_cell_of_the_same_model_is_looked_for() -> None:
    # 40 % is MBPP's change with DPO: 0.5 -> 0.7
    claim = ask("change", [40], cells=["llama pre humaneval bonbon"])
    assert claim.verdict == UNSTATED and "MBPP, DPO" in claim.rule


def test_a_change_that_no_cell_gives_is_contradicted_with_its_search() -> None:
    claim = ask("change", [77], cells=["llama pre humaneval dpo"])
    assert claim.verdict == CONTRADICTS
    # 2 benchmarks x (3 stages from base + 2 from SFT) x relative and absolute
    assert claim.search.tried == 20 and claim.search.matching == 0


def test_a_cell_that_was_not_run_is_named() -> None:
    claim = ask("change", [50], "mine", cells=["qwen pre humaneval dpo"])
    assert claim.verdict == NOT_RUN and "Qwen2.5-Coder-7B" in claim.note


def test_a_score_is_read() -> None:
    claim = ask("score", [1], cells=["llama pre humaneval dpo"])
    assert claim.computed == [0.6] and claim.verdict == REPRODUCED  # 0.6 rounds to 1


def test_a_ratio_of_printed_numbers() -> None:
    assert ask("ratio", [6], of=[28.8, 4.9]).verdict == REPRODUCED  # 5.88
    assert ask("ratio", [6], "mine", of=[28.8, 4.9]).verdict == NOT_RUN


GRID = {"grid": "gains", "requirements": ["functional"], "variants": ["pretrained"]}
HE_DPO = {"statistic": "gain", "benchmarks": "HE", "stages": "DPO"}
RULE = Rule("gain", Selection("HE", "DPO", variants=("pretrained",)))


def test_the_stated_rule_reproduces() -> None:
    claim = ask("search", [50], stated=HE_DPO, **GRID)
    assert claim.verdict == REPRODUCED and claim.rule == RULE.words()


def test_a_rule_that_is_found_is_unstated_and_counted() -> None:
    claim = ask("search", [50], rule=HE_DPO, **GRID)
    assert claim.verdict == UNSTATED and "candidate rules fit" in claim.note


def test_out_of_reach_of_every_rule_is_contradicted() -> None:
    claim = ask("search", [900], **GRID)
    assert claim.verdict == CONTRADICTS and claim.search.matching == 0


def test_an_open_rule_within_reach_that_none_gives_is_not_derivable() -> None:
    # 47 lies between the grid's values (from -25 to 50), none of them rounds to it
    claim = ask("search", [47], **GRID)
    assert claim.verdict == NOT_DERIVABLE and "leaves the rule open" in claim.note


def test_a_stated_rule_that_fails_is_contradicted() -> None:
    claim = ask("search", [47], stated=HE_DPO, **GRID)
    assert claim.verdict == CONTRADICTS and claim.computed == pytest.approx([50])


@pytest.mark.parametrize(("part", "name", "meant"), [
    ("floor", "every bas", "every base"), ("statistic", "gains", "gain"),
    ("against", "risin", "rising"),
])  # fmt: skip
def test_a_rule_with_an_unknown_name_tells_the_nearest(part: str, name: str, meant: str) -> None:
    with pytest.raises(CodealignError, match=f"{part} '{name}'.*did you mean '{meant}'"):
        read_rule({**HE_DPO, part: name}, ["pretrained"])


def run(rows: Rows) -> Scores:
    return scores_of(rows)


def test_a_search_on_a_run_gives_its_number_without_an_interval() -> None:
    args = {"grid": "gains", "requirements": ["functional"], "variants": ["pretrained"]}
    asked = {**args, "rule": HE_DPO}
    found = BY_KIND["search"](run(ROWS), Statement("x", "O1", "says", "search", asked, [5.0], (0,)))
    assert found.values == pytest.approx([50.0]) and found.effect is None
    assert run_verdict(found, Statement("x", "O1", "says", "search", {}, [5.0], (0,)))[0] == (
        CANNOT_TELL
    )


@pytest.mark.parametrize(
    ("interval", "published", "expected"),
    [
        ((1.0, 2.0), 5.0, AGREES),
        ((-2.0, -1.0), 5.0, DISAGREES),
        ((-2.0, -1.0), -5.0, AGREES),
        ((-1.0, 1.0), 5.0, NOT_DISTINGUISHABLE),
        (None, 5.0, CANNOT_TELL),
    ],
)
def test_a_signed_number_of_a_run(
    interval: tuple[float, float] | None, published: float, expected: str
) -> None:
    statement = Statement("x", "O1", "says", "change", {}, [published], (0,))
    found = Judgement([1.0], "r", effect=Effect(1.0, *(interval or ()), seeds=3))
    assert run_verdict(found, statement, signed=True)[0] == expected


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bounds", [(1.0, 7.0), (-2.0, -1.0)])
def test_one_training_run_bears_nothing_out_and_contradicts_nothing(
    bounds: tuple[float, float], signed: bool
) -> None:
    # the first holds the published 5 and excludes 0, the second neither
    statement = Statement("x", "O1", "says", "change", {}, [5.0], (0,))
    found = Judgement([1.0], "r", effect=Effect(1.0, *bounds, seeds=1))
    told = run_verdict(found, statement, signed)
    assert told[0] == CANNOT_TELL
    assert "in this one training run" in told[1] and "another training may differ" in told[1]


def test_an_interval_of_one_training_run_that_holds_0_would_with_others_too() -> None:
    statement = Statement("x", "O1", "says", "change", {}, [5.0], (0,))
    found = Judgement([1.0], "r", effect=Effect(1.0, -1.0, 3.0, seeds=1))
    assert run_verdict(found, statement, signed=True)[0] == NOT_DISTINGUISHABLE


def test_every_question_to_a_run_says_what_is_measured() -> None:
    asked = {s.id: question(s.id) for s in statements()}
    rules = {name: q.rule for name, q in asked.items() if q}
    assert len(rules) > 30 and all(rules.values()), rules


def test_a_runs_number_has_the_engines_unit_and_not_the_prints() -> None:
    # O7: shares in points over one half, printed in percent; O1: percent of the base
    assert [question(name).unit for name in ("O7-shares", "O1-gain-pta")] == ["points", "%"]
    claim = Claim("x", "O8", "says", [9.0], [1.5], "x", [0.5], "r", AGREES, computed_unit="points")
    text = claims_markdown([claim])
    assert "| 9 x | 1.5 points |" in text
    paper = replace(claim, computed_unit="x")
    row = claims_frame([claim], [paper]).iloc[0]
    assert (row["unit"], row["computed_unit"]) == ("x", "points")


def test_a_rule_whose_statistic_its_grid_does_not_have_is_refused() -> None:
    args = {"grid": "successes", "requirements": ["functional"], "variants": ["pretrained"],
            "rule": HE_DPO}  # fmt: skip
    statement = Statement("x", "O1", "says", "search", args, [50.0], (0,))
    with pytest.raises(CodealignError, match="x: 'gain' is none of improve, improve_equal"):
        recompute(scores_of(ROWS, "paper"), statement)


def test_a_check_of_the_scores_themselves_agrees_or_not() -> None:
    statement = Statement("own-plus", "own line", "says", "fact", {}, [], ())
    verdicts = [run_verdict(Judgement([1.0], "r", agrees=a), statement)[0] for a in (True, False)]
    assert verdicts == [AGREES, DISAGREES]


def test_an_order_without_an_interval_cannot_tell_on_a_run() -> None:
    statement = Statement("x", "O1", "says", "fact", {}, [], ())
    assert run_verdict(Judgement([1.0], "r", agrees=True), statement)[0] == CANNOT_TELL


def test_numbers_have_four_digits_and_large_ones_are_whole() -> None:
    assert numbers([28.803634, 0.5, 12345.6]) == "28.8, 0.5, 12346"


def test_readings_are_not_called_rules() -> None:
    text = searched(Search("stages", 12, 3, ["SFT = 5, 5"], "plain = 4, 5", of="readings"))
    assert text == (
        "12 other readings, 3 bear it out (e.g. SFT = 5, 5); plain reading: plain = 4, 5. "
        "Varied: stages."
    )


def test_a_search_without_a_fit_tells_its_nearest_miss() -> None:
    text = searched(Search("stages", 12, 0, [], "rule = 3", 0.25, 1.0))
    assert text == (
        "12 candidate rules, 0 fit; nearest miss: rule = 3; 25 % of the values nearby are reached "
        "by some rule. Varied: stages."
    )


def test_a_spread_is_not_asked_of_a_run_and_the_ledger_says_why() -> None:
    spread = next(s for s in statements() if s.id == "O11-spread")
    verdict, why = run_verdict(Judgement([1.0, 2.0], "r", note="p >= 0.3"), spread)
    assert verdict == CANNOT_TELL and "their own noise" in why


def test_the_ledger_asks_a_run_what_the_observation_asks() -> None:
    assert question("O11-consistent") == observed("O11")
