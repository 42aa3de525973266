"""Gates: which numbers pass, what is said, what a failed gate does."""

from __future__ import annotations

import pytest

from codealign.errors import CodealignError
from codealign.train.gates import alignment_gate, baseline_gate, enforce, sft_gate


def test_a_baseline_at_the_threshold_passes() -> None:
    assert baseline_gate(0.10, 0.10, 164).passed


def test_a_baseline_below_the_threshold_fails_and_says_what_was_measured() -> None:
    verdict = baseline_gate(0.05, 0.10, 164)
    assert not verdict.passed
    assert verdict.reason == "baseline pass@1 0.050 < 0.10 (n = 164)"


def test_a_fall_within_its_interval_is_not_called_degradation() -> None:
    assert sft_gate(0.40, 0.38, high=0.01).passed


def test_a_fall_beyond_its_interval_is_degradation() -> None:
    verdict = sft_gate(0.40, 0.30, high=-0.04)
    assert (verdict.rule, verdict.passed) == ("R7", False)
    assert "0.400 -> 0.300" in verdict.reason


def test_alignment_is_judged_by_the_same_rule_under_its_own_name() -> None:
    assert alignment_gate(0.40, 0.30, high=-0.04).rule == "R9"


def test_stop_raises_with_the_reason() -> None:
    with pytest.raises(CodealignError, match="R4: baseline pass@1 0.050"):
        enforce(baseline_gate(0.05, 0.10, 10), "stop")


def test_warn_warns() -> None:
    with pytest.warns(UserWarning, match="gate R4"):
        enforce(baseline_gate(0.05, 0.10, 10), "warn")


@pytest.mark.parametrize("action", ["off", "warn", "stop"])
def test_a_passed_gate_is_silent(action: str, recwarn: pytest.WarningsRecorder) -> None:
    enforce(baseline_gate(0.5, 0.10, 10), action)
    assert not recwarn.list
