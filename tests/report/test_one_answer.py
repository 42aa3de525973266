"""One question, one answer: every place of a report that asks it shows the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_up_study import rows

from codealign.analysis.advice import advise
from codealign.analysis.answer import headlines, pathways
from codealign.analysis.claims import ledger
from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE, ONE_RUN
from codealign.analysis.labels import with_interval
from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import study_of
from codealign.analysis.study.findings import findings
from codealign.analysis.tables.study import number


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """Return main cells of three seeds: PTA gains 2.5 points more than FTA, in every seed."""
    return frame_of(s for s in rows() if s.trained in ("", s.requirement))


def places(scores: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return number with interval, and verdict, of "does PTA gain more, functional?"."""
    answer = pathways(scores)
    row = answer[(answer["requirement"] == "functional") & (answer["stage"] == "aligned")].iloc[0]
    told = with_interval(row["gains"], row["gains_low"], row["gains_high"], "{:+.1f}")
    found = findings(study_of(scores))  # none of one seed
    r1 = advise(scores)[0]
    lines = {c.id: c for c in ledger(scores, "mine")}
    ledgers = {}
    for name in ("intro-gain-order", "R1-magnitude", "abstract-gap-functional"):
        low, high = (part.split(";")[0] for part in lines[name].note.split(": ")[1].split(" to "))
        # the ledger's notes have three significant digits
        numbers = lines[name].computed[0], float(low), float(high)
        same = numbers == pytest.approx([row["gains"], row["gains_low"], row["gains_high"]], 0.005)
        shown = told if same else str(numbers)
        ledgers[name] = (shown, lines[name].verdict)
    return {
        "answer": (told, row["more"]),
        **{f.id: (number(f.effect), f.verdict) for f in found[:1]},
        "R1": (r1.numbers[0].split(": ")[1].split(" points")[0], r1.verdict),
        **ledgers,
    }


def test_every_place_shows_the_same_number_and_interval(scores: pd.DataFrame) -> None:
    found = places(scores)
    assert {told for told, _ in found.values()} == {"+2.5 [+2.5, +2.5]"}, found


def test_every_place_has_the_same_verdict(scores: pd.DataFrame) -> None:
    assert {name: verdict for name, (_, verdict) in places(scores).items()} == {
        "answer": "PTA", "O1": "same sign", "R1": "supported", "intro-gain-order": "agrees",
        "R1-magnitude": "agrees", "abstract-gap-functional": "agrees",
    }  # fmt: skip
    assert dict(headlines(pathways(scores)))["functional"].endswith("PTA gains more")


def test_with_fewer_problems_all_places_have_one_word_for_it(scores: pd.DataFrame) -> None:
    found = places(scores.assign(n=50))
    assert len({told for told, _ in found.values()}) == 1
    assert {verdict for _, verdict in found.values()} == {NOT_DISTINGUISHABLE}


def test_of_one_training_run_all_places_say_not_distinguishable_where_it_holds_0(
    scores: pd.DataFrame,
) -> None:
    one = scores[scores["seed"] == 0].assign(n=50)
    told = places(one)
    assert {verdict for _, verdict in told.values()} == {NOT_DISTINGUISHABLE}


def test_of_one_training_run_a_side_is_named_for_that_run_alone(scores: pd.DataFrame) -> None:
    one = scores[scores["seed"] == 0]
    told = {name: verdict for name, (_, verdict) in places(one).items()}
    assert told.pop("answer") == "PTA" and set(told.values()) == {CANNOT_TELL}
    assert dict(headlines(pathways(one)))["functional"].startswith(f"{ONE_RUN}: ")
    assert f"supported {ONE_RUN}: " in advise(one)[0].next_step
    notes = {c.id: c.note for c in ledger(one, "mine")}
    assert f"95 % interval {ONE_RUN}: " in notes["intro-gain-order"]


def test_the_report_shows_it_on_its_pages(report: Path) -> None:
    for page in ("index", "findings", "advice"):
        text = (report / f"{page}.html").read_text().replace("\u00a0", " ")
        assert "+2.5 [+2.5, +2.5]" in text, page
