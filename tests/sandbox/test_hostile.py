"""Every hostile program gets the verdict it deserves, and nothing on the host is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hostile import ENDLESS, FAILS, HOSTILE, LEGITIMATE, SEARCH, SLEEPERS, Host
from legitimate import LEGITIMATE_PROGRAMS

from codealign.sandbox import Program, Result, Sandbox

ON_FILES = frozenset(
    "read_secret append_secret delete_secret symlink_escape hard_link_escape "
    "read_password_file read_own_memory list_processes "
    "write_temporary write_home write_shared_memory write_interpreter".split()
)
"""What the level `basic` leaves open: files that this user may read or write."""
CPU_S = {name: 0.4 for name, *_ in ENDLESS} | {"files_without_end": 60.0}
"""Seconds, where 5 do not serve: the cap on files is met by count, however slow the disk."""
WALL_S = {name: 1.0 for name, *_ in SLEEPERS}


def run_hostile(sandbox: Sandbox, host: Host, without: frozenset[str]) -> dict[str, Result]:
    programs = [
        Program(
            name,
            host.header() + code,
            cpu_s=CPU_S.get(name, 5.0),
            wall_s=WALL_S.get(name, 60.0),
        )
        for name, _, code in HOSTILE
        if name not in without
    ]
    return {r.id: r for r in sandbox.run(programs)}


@pytest.fixture(scope="session")
def outcomes(sandbox: Sandbox, host: Host) -> dict[str, Result]:
    return run_hostile(sandbox, host, frozenset())


@pytest.fixture(scope="session")
def basic() -> Iterator[Sandbox]:
    with Sandbox(accept="basic", mechanisms=("limits",)) as box:
        yield box


@pytest.fixture(scope="session")
def basic_outcomes(basic: Sandbox, host: Host) -> dict[str, Result]:
    return run_hostile(basic, host, ON_FILES)


def test_there_are_many_cases_and_their_names_differ() -> None:
    names = [name for name, *_ in HOSTILE]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize(("name", "verdicts"), [(n, v) for n, v, _ in HOSTILE])
def test_verdict(outcomes: dict[str, Result], name: str, verdicts: set[str]) -> None:
    result = outcomes[name]
    assert result.verdict in verdicts, result


@pytest.mark.parametrize(("name", "verdicts"), [(n, v) for n, v, _ in HOSTILE if n not in ON_FILES])
def test_verdict_at_level_basic(
    basic_outcomes: dict[str, Result], name: str, verdicts: set[str]
) -> None:
    result = basic_outcomes[name]
    assert result.verdict in verdicts, result
    assert (result.level, "BREACH" in result.stdout) == ("basic", False)


def test_enough_cases_are_held_at_level_basic(basic_outcomes: dict[str, Result]) -> None:
    assert len(basic_outcomes) >= 60
    assert ON_FILES <= {name for name, *_ in HOSTILE}


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
    assert outcomes
    trees = [p for p in psutil.Process().children() if "inside.server" in " ".join(p.cmdline())]
    for root in trees:
        servers = [p for p in (root, *root.children(recursive=True)) if "python" in p.name()]
        assert [p for p in servers if p.children()] == []


def test_a_broad_legitimate_script_passes(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([Program("broad", LEGITIMATE, cpu_s=20)])
    assert (result.verdict, result.detail) == ("pass", "")
    assert "all good" in result.stdout


def test_a_broad_legitimate_script_passes_at_level_basic(basic: Sandbox) -> None:
    (result,) = basic.run([Program("broad", LEGITIMATE, cpu_s=20)])
    assert (result.verdict, result.detail) == ("pass", "")


@pytest.fixture(scope="module")
def legitimate(sandbox: Sandbox) -> dict[str, Result]:
    programs = [Program(n, code, cpu_s=30, wall_s=300) for n, _, code in LEGITIMATE_PROGRAMS]
    return {r.id: r for r in sandbox.run(programs)}


@pytest.mark.parametrize(("name", "verdict"), [(n, v) for n, v, _ in LEGITIMATE_PROGRAMS])
def test_a_legitimate_program_gets_the_verdict_of_plain_python(
    legitimate: dict[str, Result], name: str, verdict: str
) -> None:
    assert legitimate[name].verdict == verdict, legitimate[name]


@pytest.mark.long
@pytest.mark.parametrize(("name", "verdict", "code"), LEGITIMATE_PROGRAMS)
def test_the_verdict_of_plain_python_is_what_it_is_said_to_be(
    tmp_path: Path, name: str, verdict: str, code: str
) -> None:
    (tmp_path / "main.py").write_text(code)
    command = [sys.executable, "main.py"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True)
    assert ("fail" if done.returncode else "pass") == verdict, done.stderr


def test_what_exit_functions_and_late_threads_print_is_kept(legitimate: dict[str, Result]) -> None:
    names = ("at_exit", "finalizer", "thread_outlives_main")
    assert [legitimate[n].stdout for n in names] == ["bye\n", "gone\n", "late\n"]


def test_the_thieves_search_finds_a_proof_that_is_not_hidden(any_sandbox: Sandbox) -> None:
    planted = """
import functools
def found(kind): os.write(1, b"found")
class Holder: proof = functools.partial(found, b"N")
forge(gc.get_objects())
"""
    (result,) = any_sandbox.run([Program("p", SEARCH + planted, cpu_s=20)])
    assert (result.verdict, result.stdout) == ("no_proof", "found")


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
assert os.listdir(".") == ["main.py"] and sys.getrecursionlimit() == 1000
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


def test_a_program_that_ends_with_too_much_on_the_disk_fails(any_sandbox: Sandbox) -> None:
    code = "for i in range(10):\n    with open(str(i), 'wb') as f: f.truncate(8 << 20)"
    (result,) = any_sandbox.run([Program("p", code)])  # 80 MiB; 64 are allowed
    assert result.verdict == "fail", result


def test_a_program_may_use_the_disk_up_to_its_cap(any_sandbox: Sandbox) -> None:
    code = "for i in range(7):\n    with open(str(i), 'wb') as f: f.write(bytes(8 << 20))"
    (result,) = any_sandbox.run([Program("p", code)])
    assert (result.verdict, result.detail) == ("pass", "")
