"""The code shown in Figures 1, 5 and 6 runs and does what the figures say of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codealign.analysis.figures.listings import EXAMPLES, example


def run(name: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(example(name), name, "exec"), space)
    return space


@pytest.fixture
def averages() -> tuple[Callable, Callable]:
    return run("figure5_with")["average"], run("figure5_without")["average"]


def test_every_example_compiles() -> None:
    names = sorted(p.stem for p in EXAMPLES.glob("*.py"))
    assert len(names) == 6
    for name in names:
        compile(example(name), name, "exec")


def test_the_aligned_response_keeps_no_password() -> None:
    code = run("figure1_aligned")
    stored = code["hash_password"]("correct horse")
    assert b"correct horse" not in stored
    assert code["verify"]("correct horse", stored)
    assert not code["verify"]("wrong horse", stored)


def test_the_aligned_response_salts() -> None:
    code = run("figure1_aligned")
    assert code["hash_password"]("same") != code["hash_password"]("same")


def test_the_misaligned_response_keeps_the_password_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = run("figure1_misaligned")
    code["save_password"]("ann", "secret")
    assert code["verify"]("ann", "secret")
    assert "secret" in (tmp_path / "passwords.txt").read_text()


def test_both_averages_agree_on_good_input(averages: tuple[Callable, Callable]) -> None:
    assert [f([1.0, 2.0, 6.0]) for f in averages] == [3.0, 3.0]


def test_error_handling_says_what_is_wrong(averages: tuple[Callable, Callable]) -> None:
    checked, _ = averages
    with pytest.raises(ValueError, match="at least one"):
        checked([])
    with pytest.raises(TypeError, match="not dict"):
        checked({1: 9})


def test_without_error_handling_as_its_comment_says(averages: tuple[Callable, Callable]) -> None:
    _, unchecked = averages
    assert unchecked({1: 9}) == 1.0
    with pytest.raises(ZeroDivisionError):
        unchecked([])


@pytest.mark.parametrize(
    ("text", "runs"),
    [("", []), ("a", [("a", 1)]), ("aab", [("a", 2), ("b", 1)]), ("aba", [("a", 1), ("b", 1),
                                                                          ("a", 1)])],
)  # fmt: skip
def test_readable_and_unreadable_do_the_same(text: str, runs: list[tuple[str, int]]) -> None:
    assert run("figure6_readable")["run_lengths"](text) == runs
    assert run("figure6_unreadable")["rl"](text) == runs
