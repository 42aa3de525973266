"""O1 to O20 one by one: the verdict follows from the sign and the interval over seeds."""

from __future__ import annotations

import pytest
import yaml
from made_up_study import gains, made_up, one_seed, rows

from codealign.analysis.claims import Claim
from codealign.analysis.scores import frame_of
from codealign.analysis.study import contrasts
from codealign.analysis.study.effects import Study, study_of
from codealign.analysis.study.findings import (
    CANNOT_TELL,
    NOT_MEASURED,
    OPPOSITE,
    SAME,
    Finding,
    findings,
)
from codealign.paths import DATA


def by_id(study: Study) -> dict[str, Finding]:
    return {f.id: f for f in findings(study)}


@pytest.fixture(scope="module")
def found() -> dict[str, Finding]:
    return by_id(made_up())


def test_every_observation_is_there_in_order(found: dict[str, Finding]) -> None:
    assert list(found) == [f"O{i}" for i in range(1, 21)]


def test_a_number_above_0_over_all_its_interval_has_the_papers_sign(found) -> None:
    # PTA gains 6.25 % more than FTA in every seed but for the wobble, which both share.
    assert found["O1"].verdict == SAME
    assert found["O1"].mean == pytest.approx(6.25)


def test_a_number_below_0_has_the_opposite_sign(found) -> None:
    assert found["O7"].verdict == OPPOSITE


def test_an_interval_that_holds_0_cannot_tell(found) -> None:
    assert found["O9"].verdict == CANNOT_TELL


def test_what_compares_models_is_not_measured_and_says_why(found) -> None:
    for name in ("O5", "O10", "O12", "O13", "O20"):
        assert found[name].verdict == NOT_MEASURED
        assert "run has one" in found[name].measured


def test_one_seed_cannot_tell_anything() -> None:
    verdicts = {f.verdict for f in findings(one_seed())}
    assert verdicts == {CANNOT_TELL, NOT_MEASURED}
    assert by_id(one_seed())["O1"].note == "one seed has no spread"


def test_either_sign_bears_out_that_two_things_differ() -> None:
    def points(variant: str, stage: str, requirement: str, trained: str) -> float:
        more = 5.0 if (stage, requirement) == ("bonbon", "non_functional") else 0.0
        return gains(variant, stage, requirement, trained) + more

    # BoNBoN gains 5 points more in non-functional tasks: the number is -5 in every seed.
    found = by_id(study_of(frame_of(rows(points))))
    assert found["O18"].mean == pytest.approx(-5.0)
    assert found["O18"].verdict == SAME


def test_the_ledgers_verdicts_on_the_same_observation_are_counted() -> None:
    def claim(place: str, verdict: str) -> Claim:
        return Claim("x", place, "says", [], [], "", [], "rule", verdict)

    claims = [claim("O1", "agrees"), claim("O1", "agrees"), claim("O10", "not run")]
    found = {f.id: f.ledger for f in findings(one_seed(), claims)}
    assert (found["O1"], found["O10"], found["O2"]) == ("2 agrees", "1 not run", "")


def test_every_rule_stands_for_the_observation_it_names() -> None:
    entries = yaml.safe_load((DATA / "observations.yaml").read_text())
    rules = {entry["rule"]: entry["id"] for entry in entries if "rule" in entry}
    named = {name: rule.__doc__.split(":")[0] for name, rule in vars(contrasts).items()
             if callable(rule) and (rule.__doc__ or "").startswith("O")}  # fmt: skip
    assert named == rules
