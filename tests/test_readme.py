"""The README begins with two commands, and what it points at is there.

That its commands and links work is tested with those of all pages, in `test_docs.py`.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Return each command of the README's bash blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", README, re.S)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [part.strip() for line in lines for part in line.split("&&") if part.strip()]


def test_the_first_two_commands_are_reproduce_and_test() -> None:
    assert commands()[:2] == ["make reproduce", "make test"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)", README))))
def test_every_make_target_in_its_text_exists(target: str) -> None:
    run = subprocess.run(["make", "-n", target], cwd=PROJECT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_every_command_is_one_of_these() -> None:
    assert {c.split()[0] for c in commands()} == {"make", "codealign"}


def test_every_path_it_names_in_the_tree_exists() -> None:
    rows = re.findall(r"^\| ((?:`[^`]+`\s*)+) \|", README.split("## The files")[1], re.M)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) > 8
    for name in names:
        assert (PROJECT / name).exists(), name
