"""Type errors are found in many pieces of code at once, without running any."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.prefs import typecheck
from codealign.prefs.typecheck import faulty

GOOD = "import math\n\n\ndef f(x: float) -> float:\n    return math.sqrt(x)\n"


def test_the_places_of_the_faulty_pieces_are_told() -> None:
    wrong_type = "def f(x: int) -> str:\n    return x + 1\n"
    no_attribute = "import math\n\n\ndef f(x):\n    return math.square_root(x)\n"
    assert faulty([GOOD, wrong_type, GOOD, no_attribute]) == {1, 3}


def test_code_without_annotations_is_checked_by_what_can_be_known() -> None:
    assert faulty(["def f(x):\n    return x + 1\n"]) == set()
    assert faulty(["def f():\n    return 'a' + 1\n"]) == {0}


def test_pieces_do_not_see_each_other() -> None:
    assert faulty(["HELPER = 1\n", "from candidate_0 import HELPER\n"]) == {1}


def test_nothing_to_check_is_nothing_faulty() -> None:
    assert faulty([]) == set()


def test_the_code_is_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    faulty([f"from pathlib import Path\n\nPath({str(trace)!r}).touch()\n"])
    assert not trace.exists()


def test_a_checker_that_fails_is_an_error_with_a_way_out(monkeypatch) -> None:
    monkeypatch.setattr(typecheck, "OPTIONS", ("--no-such-option",))
    with pytest.raises(CodealignError, match="pyrefly failed.*type_check: false"):
        faulty([GOOD])
