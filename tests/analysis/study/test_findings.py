"""O1 to O20 one by one: the verdict follows from the sign and the interval over seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_study import gains, made_up, one_seed, rows

from codealign.analysis.claims import Claim
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE
from codealign.analysis.questions import observations, observed, question_of
from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.analysis.study.findings import (
    NOT_MEASURED,
    OPPOSITE,
    SAME,
    Finding,
    findings,
)
from codealign.errors import CodealignError


def by_id(study: StudyRun) -> dict[str, Finding]:
    return {f.id: f for f in findings(study)}


@pytest.fixture(scope="module")
def found() -> dict[str, Finding]:
    return by_id(made_up())


def test_every_observation_is_there_in_order(found: dict[str, Finding]) -> None:
    assert list(found) == [f"O{i}" for i in range(1, 21)]


def test_a_number_above_0_over_all_its_interval_has_the_papers_sign(found) -> None:
    # PTA gains 5 points, FTA half of it, but for the seeds' wobble, which both share.
    assert found["O1"].verdict == SAME
    assert found["O1"].effect.value == pytest.approx(2.5)


def test_the_papers_own_measure_stands_beside_it(found) -> None:
    # By hand: 5 of 40 are 12.5 %, 2.5 of 40 are 6.25 %.
    assert found["O1"].note.startswith("relative to each one's base: +6.2 [")


def test_a_number_below_0_has_the_opposite_sign() -> None:
    found = by_id(study_of(frame_of(rows(lambda *cell: -gains(*cell)))))
    assert found["O3"].verdict == OPPOSITE


def test_a_count_of_signs_has_its_number_and_no_verdict(found) -> None:
    assert (found["O7"].effect.value, found["O7"].verdict) == (-50, CANNOT_TELL)
    assert "needs 6 seeds" in found["O7"].note


def test_o11_is_asked_as_the_share_that_rises() -> None:
    def points(variant: str, stage: str, requirement: str, trained: str) -> float:
        return 3.0 if requirement == "non_functional" else -3.0

    # In FTA all non-functional scores rise and all functional ones fall.
    asked = by_id(study_of(frame_of(rows(points))))["O11"]
    assert (asked.effect.value, asked.verdict) == (100, CANNOT_TELL)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # PTA gains (4 + 6) / 2 of 40 = 12.5 %, FTA's half of it; both pathways 9.375 %.
        ("O2", 9.375),
        ("O3", 12.5),
        # BoNBoN's 6 minus DPO's 4, PTA.
        ("O4", 2.0),
        ("O6", 12.5),
        ("O9", 0.0),
        ("O11", 0.0),
        ("O14", 6.25),
        # All rise in both requirements.
        ("O15", 0.0),
        ("O16", 0.0),
        # PTA: 6 - 4; FTA: 3 - 2.
        ("O17", 1.0),
        ("O18", 0.0),
        ("O19", 0.0),
    ],
)
def test_a_uniform_gain_gives(name: str, expected: float, found) -> None:
    assert found[name].effect.value == pytest.approx(expected, abs=1e-6)


def test_a_base_below_the_threshold_is_not_what_o2_is_about() -> None:
    low = [replace(s, value=s.value - 0.35) for s in rows() if s.metric == "pass@1"]
    assert by_id(study_of(frame_of(low)))["O2"].note == "the base scores below 10"


def test_an_interval_that_holds_0_is_not_distinguishable(found) -> None:
    assert found["O9"].verdict == NOT_DISTINGUISHABLE


def test_what_compares_models_is_not_measured_and_says_why(found) -> None:
    for name in ("O5", "O10", "O12", "O13", "O20"):
        assert found[name].verdict == NOT_MEASURED
        assert "run has one" in found[name].measured


def test_one_seed_has_no_findings() -> None:
    assert findings(one_seed()) == []


def test_either_sign_bears_out_that_two_things_differ() -> None:
    def points(variant: str, stage: str, requirement: str, trained: str) -> float:
        more = 5.0 if (stage, requirement) == ("bonbon", "non_functional") else 0.0
        return gains(variant, stage, requirement, trained) + more

    # BoNBoN gains 5 points more in non-functional tasks: the number is -5 in every seed.
    found = by_id(study_of(frame_of(rows(points))))
    assert found["O18"].effect.value == pytest.approx(-5.0)
    assert found["O18"].verdict == SAME


def test_the_ledgers_verdicts_on_the_same_observation_are_counted() -> None:
    def claim(place: str, verdict: str) -> Claim:
        return Claim("x", place, "says", [], [], "", [], "rule", verdict)

    claims = [claim("O1", "agrees"), claim("O1", "agrees"), claim("O10", "not run")]
    found = {f.id: f.ledger for f in findings(made_up(), claims)}
    assert (found["O1"], found["O10"], found["O2"]) == ("2 agrees", "1 not run", "")


def test_every_observation_that_is_asked_reads_as_a_question() -> None:
    asked = [e for e in observations() if "terms" in e]
    assert [observed(e["id"]).measure for e in asked]
    assert len(asked) == 14


def test_an_unknown_measure_names_the_nearest() -> None:
    with pytest.raises(CodealignError, match="relative"):
        question_of({"measure": "relativ", "terms": []}, "here")
