"""Every hostile program gets the verdict it deserves, and nothing on the host is touched."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from hostile import ENDLESS, FAILS, HOSTILE, LEGITIMATE, SLEEPERS, Host

from codealign.sandbox import Program, Result, Sandbox

CPU_S = {name: 0.4 for name, *_ in ENDLESS}
WALL_S = {name: 1.0 for name, *_ in SLEEPERS}


@pytest.fixture(scope="session")
def outcomes(sandbox: Sandbox, host: Host) -> dict[str, Result]:
    programs = [
        Program(
            name,
            host.header() + code,
            cpu_s=CPU_S.get(name, 5.0),
            wall_s=WALL_S.get(name, 60.0),
        )
        for name, _, code in HOSTILE
    ]
    return {r.id: r for r in sandbox.run(programs)}


def test_there_are_many_cases_and_their_names_differ() -> None:
    names = [name for name, *_ in HOSTILE]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize(("name", "verdicts"), [(n, v) for n, v, _ in HOSTILE])
def test_verdict(outcomes: dict[str, Result], name: str, verdicts: set[str]) -> None:
    result = outcomes[name]
    assert result.verdict in verdicts, result


@pytest.mark.parametrize("name", [name for name, *_ in FAILS])
def test_nothing_of_the_host_is_seen(outcomes: dict[str, Result], name: str) -> None:
    assert "BREACH" not in outcomes[name].stdout


def test_secret_file_is_unchanged(outcomes: dict[str, Result], host: Host) -> None:
    assert host.secret.read_text() == host.content


def test_nobody_connected(outcomes: dict[str, Result], host: Host) -> None:
    with pytest.raises(BlockingIOError):
        host.listener.accept()


def test_no_file_was_written_outside(outcomes: dict[str, Result]) -> None:
    places = [Path("/tmp"), Path("/root"), Path("/dev/shm"), Path(os.__file__).parent]
    assert [p for place in places if os.access(place, os.X_OK) for p in breaches(place)] == []


def breaches(place: Path) -> list[Path]:
    return [*place.glob("codealign-breach*"), *place.glob("codealign_breach*")]


def test_each_result_names_the_level(outcomes: dict[str, Result]) -> None:
    assert {r.level for r in outcomes.values()} == {"strong"}


def test_no_process_is_left(sandbox: Sandbox, outcomes: dict[str, Result]) -> None:
    """Afterwards a worker's fork server has no child: its tree is bwrap (twice) and Python."""
    trees = [p for p in psutil.Process().children() if "inside.server" in " ".join(p.cmdline())]
    for root in trees:
        servers = [p for p in (root, *root.children(recursive=True)) if "python" in p.name()]
        assert [p for p in servers if p.children()] == []


def test_a_broad_legitimate_script_passes(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([Program("broad", LEGITIMATE, cpu_s=20)])
    assert (result.verdict, result.detail) == ("pass", "")
    assert "all good" in result.stdout


LEAVES_TRACES = """
import builtins, math, os, random, sys, json
builtins.len = lambda x: 7
math.pi = 3
json.dumps = None
sys.path.append("trace")
os.environ["TRACE"] = "1"
random.seed(99)
os.makedirs("a/b"); open("a/b/c", "w").write("x"); os.symlink("a", "d")
os.umask(0o777)
sys.setrecursionlimit(50)
"""
FINDS_NONE = """
import json, math, os, sys
assert len([]) == 0 and math.pi > 3.1 and json.dumps([]) == "[]"
assert "trace" not in sys.path and "TRACE" not in os.environ
assert os.listdir(".") == [] and sys.getrecursionlimit() == 1000
"""


def test_the_next_program_starts_clean(sandbox: Sandbox) -> None:
    results = list(sandbox.run([Program("a", LEAVES_TRACES), Program("b", FINDS_NONE)]))
    assert [r.verdict for r in results] == ["pass", "pass"], results


def test_a_folder_too_deep_to_remove_does_not_harm_the_next_program(sandbox: Sandbox) -> None:
    deep = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    results = list(sandbox.run([Program("a", deep, cpu_s=5), Program("b", FINDS_NONE)]))
    assert results[1].verdict == "pass", results


def test_a_flood_of_output_is_cut_and_flagged(sandbox: Sandbox) -> None:
    flood = "import sys\nfor _ in range(300): sys.stdout.write('x' * 100_000)"
    (result,) = sandbox.run([Program("flood", flood, output_bytes=1000)])
    assert (result.verdict, result.cut, result.stdout) == ("pass", True, "x" * 1000)
