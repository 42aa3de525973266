"""The lock file, environment.yml and the installed packages say the same."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[1]


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_line_of_the_lock_is_a_pin() -> None:
    found = pins(PROJECT / "requirements.lock")
    assert all(re.fullmatch(r"[\w.+!]+", version) for version in found.values())
    assert {"torch", "trl", "unsloth", "papermill", "snakemake"} <= set(found)


def test_conda_users_get_the_same_pins() -> None:
    spec = yaml.safe_load((PROJECT / "environment.yml").read_text())
    pip = next(d["pip"] for d in spec["dependencies"] if isinstance(d, dict))
    assert dict(p.split("==") for p in pip) == pins(PROJECT / "requirements.lock")


def test_the_cuda_lock_pins_nothing_twice() -> None:
    both = set(pins(PROJECT / "requirements.lock")) & set(pins(PROJECT / "requirements-cuda.lock"))
    assert not both


def test_the_tests_run_on_the_locked_versions() -> None:
    for name, version in pins(PROJECT / "requirements.lock").items():
        assert metadata.version(name).split("+")[0] == version, name


def test_no_package_is_required_that_the_lock_lacks() -> None:
    """What the project itself declares is in the lock."""
    locked = {normal(n) for n in pins(PROJECT / "requirements.lock")}
    required = [r for r in metadata.requires("codealign") or () if "extra ==" not in r]
    declared = [re.split(r"[ ;<>=\[]", r)[0] for r in required]
    assert declared
    assert {normal(n) for n in declared} <= locked
