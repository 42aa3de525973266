"""The pool: order, parallel workers, lost workers, refusal."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.sandbox import Call, Program, Sandbox, capabilities, pool
from codealign.sandbox.inside import frames
from codealign.sandbox.model import VERDICTS
from codealign.sandbox.worker import Worker, WorkerLost


def test_results_come_in_the_order_of_programs() -> None:
    naps = [0.2, 0.0, 0.1, 0.0, 0.0]
    programs = [Program(str(i), f"import time; time.sleep({t})") for i, t in enumerate(naps)]
    with Sandbox(workers=3, accept="basic") as sandbox:
        assert [r.id for r in sandbox.run(programs)] == list("01234")


def test_workers_run_at_once() -> None:
    programs = [Program(str(i), "import time; time.sleep(0.5)") for i in range(4)]
    with Sandbox(workers=4, accept="basic") as sandbox:
        started = time.monotonic()
        list(sandbox.run(programs))
        assert time.monotonic() - started < 1.5  # one after another: 2 s


def test_programs_may_be_endless_and_are_read_little_ahead(any_sandbox: Sandbox) -> None:
    read = itertools.count()
    programs = (Program(str(next(read)), "") for _ in itertools.count())
    first = list(itertools.islice(any_sandbox.run(programs), 5))
    assert [r.id for r in first] == list("01234")
    assert next(read) < 5 + pool.AHEAD


def test_behind_a_slow_program_no_more_is_read_than_may_wait_in_memory() -> None:
    read = itertools.count()
    naps = (0.8 if at == 0 else 0 for at in read)
    programs = (Program(str(i), f"import time; time.sleep({t})") for i, t in enumerate(naps))
    with (
        pytest.MonkeyPatch.context() as patch,
        Sandbox(workers=2, accept="basic") as sandbox,
    ):
        patch.setattr(pool, "AHEAD", 2)
        results = sandbox.run(programs)
        assert next(results).id == "0"
        assert next(read) <= 2 * 2 + 2  # so many per worker, and one being handed out


def test_a_program_that_only_sleeps_is_ended_long_before_the_wall_limit(
    any_sandbox: Sandbox,
) -> None:
    program = Program("p", "import time; time.sleep(600)", wall_s=600, idle_s=0.3)
    (result,) = any_sandbox.run([program])
    assert (result.verdict, result.limit) == ("timeout", "idle")
    assert "(idle limit)" in result.detail


def test_a_program_that_computes_is_never_idle(any_sandbox: Sandbox) -> None:
    """0.6 s of CPU time under an idle limit of half of it."""
    busy = "import time\nwhile time.process_time() < 0.6: pass"
    (result,) = any_sandbox.run([Program("p", busy, idle_s=0.3)])
    assert result.verdict == "pass"


def test_abandoned_programs_do_not_disturb_the_next(any_sandbox: Sandbox) -> None:
    results = any_sandbox.run([Program("a", ""), Program("slow", "import time; time.sleep(60)")])
    assert next(results).id == "a"
    results.close()
    assert [r.id for r in any_sandbox.run([Program("b", "")])] == ["b"]


def test_a_killed_worker_loses_nothing() -> None:
    kept = Path.cwd()
    with Sandbox(accept="basic") as sandbox:
        results = sandbox.run(Program(str(i), "import time; time.sleep(0.02)") for i in range(20))
        found = [next(results).verdict]
        for child in psutil.Process().children():
            child.kill()
        found += [r.verdict for r in results]
    assert found == ["pass"] * 20
    assert Path.cwd() == kept


def test_a_sandbox_error_is_retried_once_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def lose(worker: Worker, program: Program, level: str, deadline: float) -> None:
        sent.append(program.id)
        raise WorkerLost("worker hangs")

    with Sandbox(accept="basic") as sandbox:
        monkeypatch.setattr(Worker, "receive", lose)
        (result,) = sandbox.run([Program("p", "")])
    assert (result.verdict, result.detail) == ("sandbox_error", "worker hangs")
    assert sent == ["p", "p"]


def test_a_program_that_forges_outcomes_cannot_keep_its_worker_from_being_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker("basic", b"")
    head = json.dumps({"verdict": "pass", "cpu_s": 0.1, "clean": False}).encode()
    answer = frames.pack(head) + frames.pack(b"vx y {")  # its cost is no number
    monkeypatch.setattr(worker, "_read", lambda _: answer)
    assert worker.receive(Program("p", ""), "basic", 0.0).verdict == "no_proof"
    assert not worker.clean


def test_use_without_start_is_an_error() -> None:
    with pytest.raises(CodealignError, match="with Sandbox"):
        next(Sandbox().run([Program("p", "")]))


def test_leaving_ends_every_process_and_folder() -> None:
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with Sandbox(workers=2, accept="basic") as sandbox:
        folders = [w._plan.folder for w in sandbox._idle if w._plan]
        list(sandbox.run([Program("p", "")]))
    assert {p.pid for p in psutil.Process().children(recursive=True)} == before
    assert not any(os.path.exists(f) for f in folders if f)


def test_verdicts_are_those_documented(any_sandbox: Sandbox) -> None:
    codes = ["", "assert 0", "while True: pass", "import os; os.abort()", "exit()"]
    programs = [Program(str(i), code, cpu_s=0.2) for i, code in enumerate(codes)]
    found = [r.verdict for r in any_sandbox.run(programs)]
    assert found == ["pass", "fail", "timeout", "crash", "no_proof"]
    assert set(found) < set(VERDICTS)


@pytest.mark.parametrize(
    ("code", "exception", "detail"),
    [
        ("raise ValueError('Unsupported: x')", "ValueError", "ValueError: Unsupported: x"),
        ("raise SystemExit('left')", "SystemExit", "SystemExit: left"),
        ("class Loud(Exception):\n    __str__ = None\nraise Loud", "Loud", "Loud"),
    ],
)
def test_what_ended_a_program_is_named_apart_from_its_message(
    any_sandbox: Sandbox, code: str, exception: str, detail: str
) -> None:
    (result,) = any_sandbox.run([Program("p", code)])
    assert (result.verdict, result.exception, result.detail) == ("fail", exception, detail)


def test_cpu_time_not_waiting_decides(any_sandbox: Sandbox) -> None:
    """0.6 s of sleep under a limit of 0.3 s of CPU time passes."""
    (result,) = any_sandbox.run([Program("p", "import time; time.sleep(0.6)", cpu_s=0.3)])
    assert result.verdict == "pass"


def test_basic_is_refused_unless_accepted() -> None:
    with pytest.raises(CodealignError, match="sandbox: basic"), Sandbox(mechanisms=("limits",)):
        pass


def test_basic_is_named_in_each_result() -> None:
    with Sandbox(accept="basic", mechanisms=("limits",)) as sandbox:
        (result,) = sandbox.run([Program("p", "")])
    assert (sandbox.level, result.level) == ("basic", "basic")
    assert "reading files" in sandbox.note


def test_no_mechanism_at_all_is_told_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = capabilities(("bubblewrap",))
    assert (found.level, found.mechanism) == ("none", "")
    assert found.failed == {"bubblewrap": "does not work: bwrap is not installed"}
    assert "apt-get install bubblewrap" in found.advice["bubblewrap"]


def test_a_probe_that_says_nothing_is_not_strong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codealign.sandbox.probe.attempt_all", lambda secret: "pass")
    assert capabilities(("landlock", "limits")).level == "basic"


def test_without_a_filter_nothing_is_strong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codealign.sandbox.probe.load_filter", lambda: b"")
    assert capabilities().level == "basic"


def test_memory_of_a_worker_is_reported_and_bounded() -> None:
    held = bytearray(900 << 20)
    code = "x = bytearray(300 << 20)"
    with Sandbox(accept="basic") as box:
        list(box.run([Program(str(i), code) for i in range(3)]))
        assert 5 < box.memory_mb < 300 < len(held) >> 20  # what the host holds does not count


def test_memory_beside_programs_is_bounded() -> None:
    """A worker's own processes do not grow with what its programs take, print or return."""
    code = "x = bytearray(100 << 20)\nprint('x' * (1 << 20))\ndef f(): return 'x' * (1 << 20)"
    with Sandbox(accept="basic") as box:
        list(box.run([Program("first", code, [Call("f", [])])]))
        before = box.memory_mb
        list(box.run([Program(str(i), code, [Call("f", [])]) for i in range(20)]))
        assert box.memory_mb <= before + 5


HOST = """
import sys
from codealign.sandbox import Program, Sandbox
with Sandbox(accept="basic", mechanisms=(sys.argv[1],)) as sandbox:
    print(*(w._plan.folder for w in sandbox._idle), flush=True)
    programs = [Program("a", ""), Program("b", "import time; time.sleep(60)", wall_s=120)]
    for result in sandbox.run(programs):
        print(result.verdict, flush=True)
"""


def test_nothing_outlives_a_killed_host(mechanism: str) -> None:
    """Processes end with it; its folders are removed at the start of the next host."""
    command = [sys.executable, "-c", HOST, mechanism]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as host:
        assert host.stdout is not None
        folders = host.stdout.readline().split()
        assert host.stdout.readline() == "pass\n"
        tree = psutil.Process(host.pid).children(recursive=True)
        host.kill()
    assert tree
    assert psutil.wait_procs(tree, timeout=10)[1] == []
    assert len(folders) == (mechanism == "landlock")
    capabilities(())
    assert not any(map(os.path.exists, folders))


BUSY = "t = 0\nfor i in range({n}): t += i\nassert t >= 0"
"""Up to 0.1 s of CPU time; the limit in the test below is ten times that."""


@pytest.mark.long
def test_verdicts_do_not_depend_on_load() -> None:
    codes = [BUSY.format(n=1000 * i) for i in range(200)]
    codes += ["assert 0"] * 100 + ["import time; time.sleep(0.01)"] * 100 + ["exit()"] * 97
    programs = [Program(str(i), code, cpu_s=1.0) for i, code in enumerate(codes)]
    programs += [Program(f"slow {i}", "while True: pass", cpu_s=1.0) for i in range(3)]
    alone = verdicts(programs, workers=1)
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        assert verdicts(programs, workers=1) == alone
        assert verdicts(programs, workers=4) == alone
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def verdicts(programs: list[Program], workers: int) -> dict[str, str]:
    with Sandbox(workers=workers, accept="basic") as sandbox:
        return {r.id: r.verdict for r in sandbox.run(programs)}
