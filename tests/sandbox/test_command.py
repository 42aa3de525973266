"""`codealign execute --json`, as a user starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

COMMAND = [sys.executable, "-m", "codealign.cli", "execute", "--json", "--accept", "basic"]


def execute(text: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], input=text, capture_output=True, text=True)


def test_a_first_try() -> None:
    done = execute('{"id": 1, "code": "print(1)"}\n')
    (line,) = done.stdout.splitlines()
    assert list(json.loads(line).items())[:3] == [("id", 1), ("verdict", "pass"), ("detail", "")]
    assert json.loads(line)["stdout"] == "1\n"
    errors = done.stderr.splitlines()
    assert errors[0].startswith("codealign execute: isolation: ")
    assert errors[1].startswith("codealign execute: 1 pass; a worker took up to ")
    assert (len(errors), done.returncode) == (2, 0)


def test_no_input_is_no_output_and_no_error() -> None:
    done = execute("")
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_line_that_is_no_program_makes_the_exit_code_1() -> None:
    done = execute('nonsense\n{"id": 2, "code": ""}\n', "--workers", "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["verdict"] for r in rows] == ["invalid", "pass"]
    assert done.returncode == 1


def test_output_that_cannot_be_written_is_one_clear_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            COMMAND, input='{"id": 1, "code": ""}\n', stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert "codealign: execute: cannot write a result" in done.stderr
    assert "Traceback" not in done.stderr


def test_too_few_workers_are_refused() -> None:
    done = execute("", "--workers", "0")
    assert (done.returncode, "--workers must be at least 1" in done.stderr) == (1, True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_whole_lines_and_no_process(how: signal.Signals) -> None:
    programs = '{"id": 1, "code": ""}\n{"id": 2, "code": "import time; time.sleep(60)"}\n'
    pipe = subprocess.PIPE
    with subprocess.Popen(
        COMMAND,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),  # a job in the background ignores it
    ) as running:
        assert running.stdin is not None and running.stdout is not None and running.stderr
        running.stdin.write(programs)
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["id"] == 1
        tree = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(how)
        code, rest, errors = running.wait(20), running.stdout.read(), running.stderr.read()
    assert rest == ""
    assert code == (130 if how == signal.SIGINT else -how)
    assert "Traceback" not in errors
    assert psutil.wait_procs(tree, timeout=10)[1] == []
