"""The pair rules, each on hand-made outcomes; draws go by the instruction's id."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from codealign.params import Pairing
from codealign.prefs.checks import BROKEN, NOTICE_NONE, REAL, RESTATE
from codealign.prefs.outcomes import Labelled
from codealign.prefs.rules import Lengths, make_pairs
from codealign.records import Instruction, Pair, Response


def outcome(
    *verdicts: str, owner: str = "i", texts: str = "", ratings: dict[int, float] | None = None
) -> Labelled:
    """Response k has verdict k ("" is not executed), and as text and code `text k` or letter k."""
    dimension, principle = ("style", "Be brief.") if ratings is not None else ("", "")
    each = [texts[k] + "\n" if texts else f"text {k}\n" for k in range(len(verdicts))]
    answers = [
        Response(f"{owner}{k}", owner, k, text, text, "t", "stop") for k, text in enumerate(each)
    ]
    return Labelled(
        Instruction(owner, "s", "Add two.", dimension, principle),
        answers,
        {r.id: v for r, v in zip(answers, verdicts, strict=True) if v},
        {f"{owner}{k}": value for k, value in (ratings or {}).items()},
    )


def pairs_of(*labelled: Labelled, seed: int = 0, **settings) -> tuple[list[Pair], dict[str, int]]:
    counts: Counter[str] = Counter()
    return list(make_pairs(labelled, Pairing(**settings), seed, counts)), dict(counts)


def sides(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(p.chosen_id, p.rejected_id) for p in pairs]


def test_the_chosen_passed_and_the_rejected_failed() -> None:
    (pair,), _ = pairs_of(outcome("fail", "pass", "fail"))
    assert pair.chosen == "text 1\n"
    assert pair.rejected in ("text 0\n", "text 2\n")
    assert (pair.chosen_id, pair.prompt) == ("i1", "Add two.")


@pytest.mark.parametrize("rule", ["random", "all", "best_worst"])
def test_instructions_for_which_all_or_none_pass_are_counted(rule: str) -> None:
    labelled = [outcome("pass", "pass"), outcome("fail", "timeout"), outcome("", "")]
    pairs, counts = pairs_of(*labelled, rule=rule)
    assert pairs == []
    assert counts == {"without a passing response": 2, "without a failing response": 1}


@pytest.mark.parametrize("verdict", BROKEN)
def test_every_verdict_of_the_program_but_pass_rejects(verdict: str) -> None:
    assert pairs_of(outcome("pass", verdict))[0]


@pytest.mark.parametrize(
    "verdict", ["suspect", "no_proof", "untested", "unsupported", "sandbox_error", ""]
)
def test_what_shows_nothing_stands_on_no_side(verdict: str) -> None:
    assert pairs_of(outcome("pass", verdict))[1] == {"without a failing response": 1}
    assert pairs_of(outcome(verdict, "fail"))[1] == {"without a passing response": 1}


@pytest.mark.parametrize("worth", [RESTATE, NOTICE_NONE])
def test_a_pass_whose_tests_prove_nothing_is_not_chosen(worth: str) -> None:
    labelled = outcome("pass", "pass", "fail")
    checked = replace(labelled, checks={"i0": worth, "i1": REAL})
    assert [p.chosen_id for p in pairs_of(checked)[0]] == ["i1"]
    none = replace(labelled, checks={"i0": worth, "i1": worth})
    assert pairs_of(none)[1] == {"with passing responses whose tests prove nothing": 1}


def test_code_that_passed_beside_other_tests_is_not_rejected() -> None:
    # the same program but for its docstring; only one of the two wrote a wrong test
    labelled = outcome("pass", "fail")
    documented = 'def f():\n    """Say one."""\n    return 1\n'
    codes = ["def f():\n    return 1\n", documented]
    same = [replace(r, code=code) for r, code in zip(labelled.responses, codes, strict=True)]
    assert pairs_of(replace(labelled, responses=same))[0] == []


@pytest.mark.parametrize(("keep", "suffix"), [(False, ""), (True, "### Tests\nThey pass.\n")])
def test_a_pair_holds_the_answers_without_their_tests_unless_they_are_kept(
    keep: bool, suffix: str
) -> None:
    labelled = outcome("pass", "fail")
    texts = ["Good.\n### Tests\nThey pass.\n", "Bad.\n### Tests\nThey pass.\n"]
    answers = [replace(r, text=t) for r, t in zip(labelled.responses, texts, strict=True)]
    (pair,), _ = pairs_of(replace(labelled, responses=answers, keep_tests=keep))
    assert (pair.chosen, pair.rejected) == (f"Good.\n{suffix}", f"Bad.\n{suffix}")


def test_the_lengths_of_the_sides_are_those_with_and_without_tests() -> None:
    labelled = outcome("pass", "fail")
    texts = ["Good.\n### Tests\nYes.\n", "Bad.\n"]  # 5 + 1 + 9 + 1 + 4 + 1 and 4 + 1 characters
    answers = [replace(r, text=t) for r, t in zip(labelled.responses, texts, strict=True)]
    lengths = Lengths()
    list(make_pairs([replace(labelled, responses=answers)], Pairing(), 0, Counter(), lengths))
    assert lengths.means() == {
        "chosen": {"with tests": 21.0, "without": 6.0},
        "rejected": {"with tests": 5.0, "without": 5.0},
    }


def test_a_text_that_passed_is_never_rejected() -> None:
    assert pairs_of(outcome("pass", "fail", texts="aa"))[0] == []


def test_the_draw_does_not_depend_on_neighbours() -> None:
    several = [outcome(*["pass", "fail"] * 4, owner=f"o{i}") for i in range(10)]
    whole, _ = pairs_of(*several, seed=3)
    alone, _ = pairs_of(several[4], seed=3)
    assert [p for p in whole if p.instruction_id == "o4"] == alone


def test_the_draw_is_spread_over_the_responses() -> None:
    # 200 instructions, 4 passing responses each: each is drawn 50 times on average, sd 6
    several = [outcome(*["pass"] * 4, "fail", owner=f"o{i}") for i in range(200)]
    pairs, _ = pairs_of(*several)
    assert min(sum(p.chosen_id.endswith(str(k)) for p in pairs) for k in range(4)) > 25


def test_a_pair_keeps_the_dimension_and_says_the_principle() -> None:
    (pair,), _ = pairs_of(outcome("pass", "fail", ratings={}))
    assert (pair.dimension, pair.prompt) == ("style", "Add two. Be brief.")


def test_rule_all_makes_each_passing_with_each_failing_once_a_text() -> None:
    # passing texts a (twice) and b, failing texts c and d: 2 x 2 pairs
    labelled = outcome("pass", "pass", "pass", "fail", "fail", texts="aabcd")
    pairs, _ = pairs_of(labelled, rule="all")
    assert [(p.chosen, p.rejected) for p in pairs] == [
        ("a\n", "c\n"), ("a\n", "d\n"), ("b\n", "c\n"), ("b\n", "d\n")
    ]  # fmt: skip
    assert len({p.id for p in pairs}) == 4


def test_rule_all_with_a_limit_draws_that_many() -> None:
    labelled = outcome(*["pass"] * 3, *["fail"] * 3)
    pairs, _ = pairs_of(labelled, rule="all", max_pairs=4)
    assert len(set(sides(pairs))) == 4
    assert sides(pairs) == sides(pairs_of(labelled, rule="all", max_pairs=4)[0])


def test_rule_judge_takes_the_best_and_the_worst_of_those_that_passed() -> None:
    # 3 failed and would have been the worst; 1 is the best, 2 the worst of the others
    labelled = outcome("pass", "pass", "pass", "fail", ratings={0: 5, 1: 9, 2: 4, 3: 1})
    pairs, _ = pairs_of(labelled, rule="judge", judge="static")
    assert sides(pairs) == [("i1", "i2")]


def test_rule_judge_wants_a_gap_and_two_rated_responses() -> None:
    close = outcome("pass", "pass", ratings={0: 5, 1: 6})
    one = outcome("pass", "pass", ratings={0: 5})
    none = outcome("fail", "fail", ratings={})
    pairs, counts = pairs_of(close, one, none, rule="judge", judge="static", min_gap=2.0)
    assert pairs == []
    assert counts == {
        "with ratings too close": 1,
        "with fewer than two rated responses": 1,
        "without a passing response": 1,
    }


def test_rule_best_worst_puts_passing_before_any_rating() -> None:
    # the failing response is rated highest and is still the worst
    labelled = outcome("pass", "pass", "fail", ratings={0: 5, 1: 7, 2: 10})
    pairs, _ = pairs_of(labelled, rule="best_worst", judge="static")
    assert sides(pairs) == [("i1", "i2")]


def test_rule_best_worst_pairs_two_that_passed_if_their_ratings_differ() -> None:
    labelled = outcome("pass", "pass", ratings={0: 5, 1: 7})
    assert sides(pairs_of(labelled, rule="best_worst", judge="static")[0]) == [("i1", "i0")]


def test_rule_best_worst_leaves_out_what_was_not_rated() -> None:
    labelled = outcome("pass", "fail", "pass", ratings={0: 5, 2: 5})
    _, counts = pairs_of(labelled, rule="best_worst", judge="static")
    assert counts == {"with ratings too close": 1}


def test_rule_best_worst_without_a_judge_goes_by_the_verdict() -> None:
    pairs, _ = pairs_of(outcome("fail", "pass"), rule="best_worst")
    assert sides(pairs) == [("i1", "i0")]


CODES = (
    "def f(a):\n    return [x for x in a if x > 3]\n",
    "def f(a):\n    return sum(a) / len(a)\n",
    "def f(a):\n    return [x for x in a if x >= 3]\n",
    "def f(a):\n    return None\n",
)


@pytest.mark.parametrize("rule", ["random", "agreement", "hidden"])
def test_the_closest_two_differ_in_what_makes_one_right(rule: str) -> None:
    labelled = outcome("pass", "pass", "fail", "fail")
    coded = [replace(r, code=code) for r, code in zip(labelled.responses, CODES, strict=True)]
    verdicts = {r.id: labelled.verdicts[r.id] for r in coded}
    trials = {name: {"i0": verdict, "i1": verdict} for name, verdict in verdicts.items()}
    labelled = replace(labelled, responses=coded, hidden=verdicts, trials=trials)
    drawn = {sides(pairs_of(labelled, seed=n, rule=rule)[0])[0] for n in range(20)}
    assert len(drawn) > 1
    closest = {
        sides(pairs_of(labelled, seed=n, rule=rule, draw="closest")[0])[0] for n in range(20)
    }
    assert closest == {("i0", "i2")}


def test_of_equally_close_ones_any_is_drawn() -> None:
    labelled = outcome("pass", "fail", "fail", texts="abb")
    drawn = {sides(pairs_of(labelled, seed=n, draw="closest")[0])[0] for n in range(20)}
    assert drawn == {("i0", "i1"), ("i0", "i2")}
