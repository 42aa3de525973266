"""Gates: which numbers pass, and what is said."""

from __future__ import annotations

from codealign.train.gates import baseline_gate, change_gate


def test_a_baseline_at_the_threshold_passes() -> None:
    assert baseline_gate(0.10, 0.10, 164).passed


def test_a_baseline_below_the_threshold_fails_and_says_what_was_measured() -> None:
    verdict = baseline_gate(0.05, 0.10, 164)
    assert not verdict.passed
    assert verdict.reason == "baseline pass@1 0.050 < 0.10 (n = 164)"


def test_a_fall_within_its_interval_is_not_called_degradation() -> None:
    assert change_gate("R7", 0.40, 0.38, high=0.01).passed


def test_a_fall_beyond_its_interval_is_degradation() -> None:
    verdict = change_gate("R7", 0.40, 0.30, high=-0.04)
    assert not verdict.passed
    assert verdict.reason.startswith("SFT has harmed the model: 0.400 -> 0.300")


def test_alignment_is_judged_by_the_same_rule_under_its_own_name() -> None:
    verdict = change_gate("R9", 0.40, 0.30, high=-0.04)
    assert (verdict.rule, verdict.reason.split()[0]) == ("R9", "alignment")
