"""What doctor says of the isolation: the level, and what would be better."""

from __future__ import annotations

import pytest

from codealign import doctor
from codealign.sandbox import Capabilities

ADVICE = {"bubblewrap": "install it"}


@pytest.fixture
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("codealign.sandbox.capabilities", lambda: request.param)
    return str(doctor.isolation())


@pytest.mark.parametrize("found", [Capabilities("strong", "bubblewrap", {}, {})], indirect=True)
def test_the_best_needs_no_advice(found: str) -> None:
    assert found == "ok       code isolation: strong (bubblewrap)"


@pytest.mark.parametrize(
    "found",
    [Capabilities("strong", "landlock", {"bubblewrap": "not installed"}, ADVICE)],
    indirect=True,
)
def test_something_stronger_is_advised_where_it_is_strong(found: str) -> None:
    assert found.splitlines() == [
        "ok       code isolation: strong (landlock; bubblewrap: not installed)",
        "         -> stronger still, bubblewrap: install it",
    ]


@pytest.mark.parametrize(
    "found",
    [Capabilities("basic", "limits", {"bubblewrap": "not installed"}, ADVICE)],
    indirect=True,
)
def test_basic_counts_as_missing_and_the_way_to_strong_is_told(found: str) -> None:
    assert found.splitlines() == [
        "missing  code isolation: basic (limits; bubblewrap: not installed)",
        "         -> bubblewrap: install it",
    ]
