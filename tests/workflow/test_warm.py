"""Jobs forked from a process that has their libraries."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from codealign.workflow import warm
from codealign.workflow.code import code_cells
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job


def jobs(notebook: str, n: int, **parameters: object) -> list[Job]:
    return [Job(f"{notebook}-{i}", notebook, parameters) for i in range(n)]


def test_a_few_jobs_are_not_worth_a_server() -> None:
    assert warm.kinds_of(jobs("04_functional", warm.SEVERAL - 1)) == []
    assert warm.kinds_of(jobs("04_functional", warm.SEVERAL)) == ["evaluation"]


def test_servers_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.OFF, "1")
    assert warm.kinds_of(jobs("04_functional", 9)) == []


def test_training_without_unsloth_never_forks_from_a_process_with_it() -> None:
    many = jobs("02_sft", 9, sft={"backend": "unsloth"})
    assert warm.kinds_of(many) == ["training"]
    plain = jobs("03_align", 1, align={"dpo": {"backend": "peft"}})
    assert warm.kinds_of([*many, *plain]) == []


def test_every_notebook_of_a_kind_exists() -> None:
    for own in warm.KINDS.values():
        assert set(own) <= set(NOTEBOOKS)
        assert all(code_cells(notebook) for notebook in own)


def test_without_a_server_a_job_starts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(warm.FOLDER, raising=False)
    assert warm.hand_over("notebooks/02_sft.ipynb", ["a", "b", "c"]) is None


def test_a_server_that_has_ended_takes_no_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(warm.FOLDER, str(tmp_path))
    warm._listen(tmp_path / "training").close()
    assert warm.hand_over("notebooks/02_sft.ipynb", ["a", "b", "c"]) is None


def test_a_job_waits_for_a_server_and_starts_by_itself_when_that_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(warm.FOLDER, str(tmp_path))
    listening = warm._listen(tmp_path / "training")
    ended = threading.Timer(0.3, listening.close)  # as by a server that may not fork
    started = time.monotonic()
    ended.start()
    assert warm.hand_over("notebooks/02_sft.ipynb", ["a", "b", "c"]) is None
    assert time.monotonic() - started >= 0.3
    ended.join()


def test_a_server_is_listened_to_before_it_is_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is stopped as soon as it has been started: the driver's socket is there already."""
    monkeypatch.setattr(warm.sys, "executable", "/bin/sleep")  # takes the arguments for times, ends
    with warm.servers(["training"], dict(os.environ)) as environment:
        monkeypatch.setenv(warm.FOLDER, environment[warm.FOLDER])
        assert (Path(environment[warm.FOLDER]) / "training").is_socket()
        assert warm.hand_over("notebooks/02_sft.ipynb", ["a", "b", "c"]) is None


@pytest.mark.parametrize(("reply", "code"), [(b"0", 0), (b"1", 1), (b"", 1)])
def test_the_exit_code_of_a_job_comes_back_and_a_killed_job_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reply: bytes, code: int
) -> None:
    monkeypatch.setenv(warm.FOLDER, str(tmp_path))
    listening = warm._listen(tmp_path / "training")

    def answer() -> None:
        client, _ = listening.accept()
        _, files, _, _ = socket.recv_fds(client, 1 << 16, 2)
        client.send(b"+")
        time.sleep(0.05)
        client.send(reply) if reply else None
        client.close()
        for file in files:
            os.close(file)

    server = threading.Thread(target=answer)
    server.start()
    assert warm.hand_over("notebooks/02_sft.ipynb", ["a", "b", "c"]) == code
    server.join()
    listening.close()


def test_a_process_with_a_second_thread_may_not_fork() -> None:
    gate = threading.Event()
    other = threading.Thread(target=gate.wait)
    other.start()
    try:
        assert not warm.may_fork()
    finally:
        gate.set()
        other.join()


def test_a_forked_process_tells_how_it_ended() -> None:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    process = warm.Process(pid)
    assert process.poll() is None
    process.terminate()
    assert process.wait() == -signal.SIGTERM
    process.kill()  # of a process that has ended: nothing
    assert process.poll() == -signal.SIGTERM
