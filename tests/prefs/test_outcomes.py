"""Files of one run are brought together record by record."""

from __future__ import annotations

import pytest

from codealign.errors import CodealignError
from codealign.prefs.outcomes import outcomes
from codealign.records import Execution, Instruction, Rating, Response

ASKED = [Instruction("a", "s", "Add."), Instruction("b", "s", "Subtract.")]
ANSWERS = [Response(f"{o}{k}", o, k, f"{o}{k}", "c", "t", "stop") for o in "ab" for k in range(2)]


def execution(name: str, verdict: str = "pass") -> Execution:
    return Execution(name, verdict, "", "", 0)


def rating(name: str, value: float | None) -> Rating:
    return Rating(name, "style", "static", value, "", "")


def test_each_instruction_gets_its_responses_and_their_verdicts() -> None:
    executed = [execution("a0"), execution("a1", "fail"), execution("b1")]  # b0 was not executed
    first, second = outcomes(ASKED, ANSWERS, executed)
    assert first.verdicts == {"a0": "pass", "a1": "fail"}
    assert second.verdicts == {"b1": "pass"}
    assert [r.id for r in second.responses] == ["b0", "b1"]


def test_an_unrated_response_has_no_rating() -> None:
    executed = [execution(r.id) for r in ANSWERS]
    marks = [rating("a0", 3.0), rating("a1", None), rating("b0", 8.0)]
    first, second = outcomes(ASKED, ANSWERS, executed, marks)
    assert (first.ratings, second.ratings) == ({"a0": 3.0}, {"b0": 8.0})


def test_responses_of_an_instruction_that_is_not_there_are_an_error() -> None:
    with pytest.raises(CodealignError, match="instruction b has no responses in its place"):
        list(outcomes(ASKED[1:], ANSWERS, []))


def test_an_execution_out_of_order_is_an_error() -> None:
    executed = [execution("b0"), execution("a0")]
    with pytest.raises(CodealignError, match="execution a0 belongs to no response"):
        list(outcomes(ASKED, ANSWERS, executed))


def test_only_one_instructions_records_are_read_ahead() -> None:
    read: list[str] = []

    def watched():
        for response in ANSWERS:
            read.append(response.id)
            yield response

    next(outcomes(ASKED, watched(), []))
    assert read == ["a0", "a1", "b0"]
