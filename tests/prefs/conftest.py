"""A hand-made generator and sandbox whose answers follow from the item's id alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codealign.generate import Completion
from codealign.records import Seed, seed_of, write_jsonl
from codealign.sandbox import Outcome, Result

RESPONSE = (
    "```python\ndef f(x):\n    return x + {added}\n```\n"
    "### Tests\n```python\nassert f(1) == 2\n```\n"
)


class HandMadeGenerator:
    """Answers by the shape of the prompt; response k adds 1 (right) or 0 to 2 drawn by its id.

    `limit` completions are given before it fails as if killed.
    """

    def __init__(self, limit: int = 10**9) -> None:
        self.limit, self.asked = limit, 0

    def __call__(
        self,
        items: Any,
        *,
        settings: Any,
        n: int = 1,
        seed: int = 0,
        stop: Any = (),
        done: Any = (),
    ) -> Iterator[Completion]:
        for item in items:
            for index in range(n):
                if (item.id, index) not in done:
                    if self.asked == self.limit:
                        raise KeyboardInterrupt
                    self.asked += 1
                    yield Completion(item.id, index, self.text(item, index), "stop")

    def text(self, item: Any, index: int) -> str:
        if item.prompt.endswith("### Concepts\n"):
            return "numbers, adding"
        if item.prompt.endswith("### Instruction\n"):
            return f"Write a function that adds one, variant {seed_of(item.id) % 1000}."
        return RESPONSE.format(added=seed_of(item.id, index) % 3)


class HandMadeSandbox:
    """Passes the cases whose code adds one; reports its own error for the first `errors`."""

    def __init__(self, errors: int = 0) -> None:
        self.errors, self.ran = errors, 0

    def run(self, programs: Any) -> Iterator[Any]:
        for program in programs:
            self.ran += 1
            cases = ast.literal_eval(program.code.split("\nCASES = ")[-1].splitlines()[0])
            right = ["return x + 1\n" in f"{case['code']}\n" for case in cases]
            outputs = [Outcome(1) if r else Outcome(error="AssertionError: ") for r in right]
            verdict = "pass" if program.calls or right[0] else "fail"
            if self.errors:
                self.errors, verdict, outputs = self.errors - 1, "sandbox_error", []
            yield Result(
                program.id, verdict, "", "hand-made", 0.0, "", outputs if program.calls else []
            )


@pytest.fixture
def generator() -> type[HandMadeGenerator]:
    return HandMadeGenerator


@pytest.fixture
def sandbox() -> type[HandMadeSandbox]:
    return HandMadeSandbox


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    seeds = [Seed(f"seed{i}", f"x = {i}\n", "f", "Doc.", "a.py", i) for i in range(15)]
    write_jsonl(tmp_path / "candidates.jsonl", seeds)
    return tmp_path / "candidates.jsonl"
