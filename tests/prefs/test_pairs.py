"""One passing and one failing response an instruction, drawn by the instruction's id."""

from __future__ import annotations

import pytest

from codealign.prefs.pairs import make_pairs
from codealign.records import Execution, Instruction, Response


def instruction(id: str = "i", principle: str = "") -> Instruction:
    return Instruction(id, "s", "Add two.", "style" if principle else "", principle)


def responses(n: int, owner: str = "i") -> list[Response]:
    return [Response(f"{owner}{k}", owner, k, f"text {k}\n", "c", "t", "stop") for k in range(n)]


def verdicts(*names: str, owner: str = "i") -> dict[str, Execution]:
    return {f"{owner}{k}": Execution(f"{owner}{k}", v, "", "", 0) for k, v in enumerate(names)}


def test_the_chosen_passed_and_the_rejected_failed() -> None:
    found = make_pairs([instruction()], responses(3), verdicts("fail", "pass", "fail"), 0)
    (pair,) = found.pairs
    assert pair.chosen == "text 1\n"
    assert pair.rejected in ("text 0\n", "text 2\n")
    assert (pair.chosen_id, pair.prompt) == ("i1", "Add two.")


def test_instructions_without_a_pair_are_counted_by_reason() -> None:
    owners = ["all_pass", "all_fail"]
    executed = verdicts("pass", "pass", owner="all_pass") | verdicts(
        "fail", "timeout", owner="all_fail"
    )
    answers = [r for o in owners for r in responses(2, o)]
    found = make_pairs([instruction(o) for o in owners], answers, executed, 0)
    assert found.pairs == []
    assert found.counts == {"without a passing response": 1, "without a failing response": 1}


@pytest.mark.parametrize("verdict", ["fail", "timeout", "crash", "no_proof", "suspect"])
def test_every_verdict_of_the_program_but_pass_rejects(verdict: str) -> None:
    assert make_pairs([instruction()], responses(2), verdicts("pass", verdict), 0).pairs


def test_an_error_of_the_sandbox_rejects_nothing() -> None:
    found = make_pairs([instruction()], responses(2), verdicts("pass", "sandbox_error"), 0)
    assert found.counts["without a failing response"] == 1


def test_a_response_that_was_not_executed_rejects_nothing() -> None:
    found = make_pairs([instruction()], responses(2), verdicts("pass"), 0)
    assert found.counts["without a failing response"] == 1


def test_a_text_that_passed_is_never_rejected() -> None:
    same = [Response(f"i{k}", "i", k, "same\n", "c", "t", "stop") for k in range(2)]
    assert make_pairs([instruction()], same, verdicts("pass", "fail"), 0).pairs == []


def test_the_draw_does_not_depend_on_order_or_neighbours() -> None:
    names = ["pass", "fail"] * 4
    owners = [f"o{i}" for i in range(10)]
    answers = [r for o in owners for r in responses(8, o)]
    executed = {k: v for o in owners for k, v in verdicts(*names, owner=o).items()}
    whole = make_pairs([instruction(o) for o in owners], answers, executed, 3).pairs
    alone = make_pairs([instruction("o4")], answers[::-1], executed, 3).pairs
    assert [p for p in whole if p.instruction_id == "o4"] == alone


def test_the_draw_is_spread_over_the_responses() -> None:
    # 200 instructions, 4 passing responses each: each is drawn 50 times on average, sd 6
    owners = [f"o{i}" for i in range(200)]
    answers = [r for o in owners for r in responses(5, o)]
    executed = {
        k: v
        for o in owners
        for k, v in verdicts("pass", "pass", "pass", "pass", "fail", owner=o).items()
    }
    pairs = make_pairs([instruction(o) for o in owners], answers, executed, 0).pairs
    counts = [sum(p.chosen_id.endswith(str(k)) for p in pairs) for k in range(4)]
    assert min(counts) > 25


def test_a_pair_keeps_the_dimension_and_says_the_principle() -> None:
    found = make_pairs(
        [instruction(principle="Be brief.")], responses(2), verdicts("pass", "fail"), 0
    )
    assert found.pairs[0].dimension == "style"
    assert found.pairs[0].prompt == "Add two. Be brief."
