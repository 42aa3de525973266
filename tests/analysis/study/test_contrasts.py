"""The number of each observation, from scores made for it; expected values by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from made_up_study import SEEDS, made_up

from codealign.analysis.scores import benchmarks
from codealign.analysis.study import contrasts
from codealign.analysis.study.effects import own


@pytest.fixture(scope="module")
def parts() -> pd.DataFrame:
    """Return main cells: PTA gains 2, 4, 6 points over 40, FTA half; seeds wobble by a point."""
    found = made_up().parts
    return found[own(found)]


def changed(changes: dict[tuple[str, str, str], float], base: float = 40.0) -> pd.DataFrame:
    """Return one seed's parts with these changes, {(variant, stage, benchmark): points}."""

    def rows() -> Iterator[dict[str, object]]:
        for (variant, stage, name), change in changes.items():
            yield {
                "variant": variant, "stage": stage, "benchmark": name, "seed": 0, "base": base,
                "requirement": benchmarks()[name].requirement, "change": change,
                "value": base + change, "relative": 100 * change / base,
            }  # fmt: skip

    return pd.DataFrame(rows())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # PTA's DPO and BoNBoN gain (4 + 6) / 2 of 40 = 12.5 %, FTA's half of it: 6.25 %.
        ("plasticity", 6.25),
        # All bases are above 0.10: (12.5 + 6.25) / 2.
        ("viable", 9.375),
        ("non_functional_gain", 12.5),
        # BoNBoN's 6 minus DPO's 4, PTA.
        ("technique", 2.0),
        ("style", 12.5),
        # Everything rises: 0 % fall minus 100 % rise.
        ("degradation", -100.0),
        ("trade_off", 0.0),
        # FTA gains 5 or 7.5 %: 1.25 around the mean, over 24 functional scores (12 benchmarks) and
        # 10 of the five dimensions: 1.25 * (sqrt(24 / 23) - sqrt(10 / 9)).
        ("consistency", -0.0407309),
        ("stability", 6.25),
        ("responsiveness", 0.0),
        ("task_type", 0.0),
        # PTA: 6 - 4; FTA: 3 - 2.
        ("pathway_preference", 1.0),
        ("objective_preference", 0.0),
        ("catastrophes", 0.0),
    ],
)
def test_a_uniform_gain_gives(rule: str, expected: float, parts: pd.DataFrame) -> None:
    found = getattr(contrasts, rule)(parts)
    assert sorted(found) == list(SEEDS)
    assert found[1] == pytest.approx(expected, abs=1e-6)  # seed 1 has no wobble


def test_those_that_fell_in_sft_are_set_against_the_others() -> None:
    fell = {("pretrained", "sft", "humaneval"): -1.0, ("pretrained", "dpo", "humaneval"): -2.0}
    rose = {("pretrained", "sft", "mbpp"): 1.0, ("pretrained", "dpo", "mbpp"): 2.0}
    # By hand: 100 % of the fallen end below the base, 0 % of the others.
    assert contrasts.sft_risk(changed(fell | rose)) == {0: 100.0}


def test_where_nothing_fell_in_sft_there_is_no_risk_to_compare() -> None:
    rose = {("pretrained", "sft", "mbpp"): 1.0, ("pretrained", "dpo", "mbpp"): 2.0}
    assert contrasts.sft_risk(changed(rose)) == {}


def test_a_trade_off_is_gains_and_losses_in_the_papers_categories() -> None:
    points = {"difficult": 3.0, "creative": 5.0, "verbose": -1.0, "concise": -3.0}
    found = changed({("finetuned", "dpo", f"evoeval_{name}"): p for name, p in points.items()})
    # By hand: (3 + 5) / 2 - (-1 - 3) / 2 = 6.
    assert contrasts.trade_off(found) == {0: 6.0}


def test_a_catastrophe_is_a_loss_of_more_than_30_percent() -> None:
    found = changed({
        ("finetuned", "dpo", "humaneval"): -13.0, ("finetuned", "dpo", "mbpp"): -11.0,
        ("pretrained", "dpo", "humaneval"): 0.0,
    })  # fmt: skip
    # By hand: -13 of 40 is -32.5 %, -11 is -27.5 %: one of two in FTA, none in PTA.
    assert contrasts.catastrophes(found) == {0: 50.0}


def test_scores_below_the_threshold_are_not_viable() -> None:
    assert contrasts.viable(changed({("pretrained", "dpo", "mbpp"): 5.0}, base=9.0)) == {}


def test_a_pathway_that_was_not_run_leaves_no_number(parts: pd.DataFrame) -> None:
    assert contrasts.plasticity(parts[parts["variant"] == "pretrained"]) == {}
