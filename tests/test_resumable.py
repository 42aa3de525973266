"""A torn or full file is continued; its index holds as many ids as wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.records import Execution, read_jsonl
from codealign.resumable import Index, Resumable, drop_torn_line


def execution(name: str, verdict: str = "pass") -> Execution:
    return Execution(name, verdict, "", "strong", 0.5)


def ids(path: Path) -> list[str]:
    return [r.id for r in read_jsonl(path, Execution)]


def test_an_interrupted_file_is_continued_without_its_torn_line(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    first = Resumable(path, Execution)
    first.append(execution("a"))
    first.close()
    with first.partial.open("a") as file:
        file.write('{"id": "torn')
    second = Resumable(path, Execution)
    assert {r.id for r in second} == {"a"}
    second.append(execution("b"))
    assert second.finish() == 2
    assert ids(path) == ["a", "b"]
    assert not second.partial.exists()


def test_a_record_that_is_there_is_not_written_twice(tmp_path) -> None:
    file = Resumable(tmp_path / "x.jsonl", Execution)
    file.append(execution("a"))
    file.append(execution("a"))
    assert file.finish() == 1


def test_a_finished_file_can_be_put_in_order(tmp_path) -> None:
    file = Resumable(tmp_path / "x.jsonl", Execution)
    for name in "cab":
        file.append(execution(name))
    file.finish(order=["a", "b", "c"])
    assert ids(tmp_path / "x.jsonl") == ["a", "b", "c"]


def test_reopening_a_finished_file_keeps_its_records(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    file = Resumable(path, Execution)
    file.append(execution("a"))
    file.finish()
    assert [r.id for r in Resumable(path, Execution)] == ["a"]


def test_a_forgotten_record_gives_way_to_a_new_one_with_its_id(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    file = Resumable(path, Execution)
    file.append(execution("a", "sandbox_error"))
    file.append(execution("b"))
    file.forget("a")
    assert "a" not in file
    file.append(execution("a", "fail"))
    file.finish(order=["a", "b"])
    assert [(r.id, r.verdict) for r in read_jsonl(path, Execution)] == [
        ("a", "fail"),
        ("b", "pass"),
    ]


def test_a_kill_after_a_replacement_keeps_the_newer_record(tmp_path) -> None:
    file = Resumable(tmp_path / "x.jsonl", Execution)
    file.append(execution("a", "sandbox_error"))
    file.forget("a")
    file.append(execution("a", "fail"))
    file.close()
    assert [r.verdict for r in Resumable(tmp_path / "x.jsonl", Execution)] == ["fail"]


def test_an_order_with_an_id_that_is_not_there_is_an_error_and_loses_nothing(tmp_path) -> None:
    file = Resumable(tmp_path / "x.jsonl", Execution)
    file.append(execution("a"))
    with pytest.raises(CodealignError, match="no record b"):
        file.finish(order=["a", "b"])
    assert [r.id for r in Resumable(tmp_path / "x.jsonl", Execution)] == ["a"]


def test_a_torn_line_longer_than_a_block_is_dropped(tmp_path) -> None:
    # the block is 65536 bytes: the newline is found in the block before the last two
    path = tmp_path / "x"
    path.write_bytes(b"whole\n" + b"x" * 140_000)
    with path.open("r+b") as file:
        drop_torn_line(file.fileno())
    assert path.read_bytes() == b"whole\n"


def test_a_file_of_one_torn_line_becomes_empty(tmp_path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"torn")
    with path.open("r+b") as file:
        drop_torn_line(file.fileno())
    assert path.read_bytes() == b""


FULL = """
import resource, signal, sys
from codealign.errors import CodealignError
from codealign.records import Execution
from codealign.resumable import Resumable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = Resumable(sys.argv[1], Execution)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for number in range(100):
        file.append(Execution(f"id{number}", "pass", "x" * 100, "strong", 0.5))
except CodealignError as error:
    print(error)
"""


def test_a_full_disk_is_one_clear_line_and_the_next_run_continues(tmp_path) -> None:
    # a line has 180 bytes or so, so that five fit into 1000 bytes and the sixth is torn
    path = tmp_path / "x.jsonl"
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large)" in run.stdout
    assert "run again" in run.stdout
    partial = path.with_name("x.jsonl.partial")
    assert partial.read_bytes().endswith(b"}\n")
    kept = [r.id for r in Resumable(path, Execution)]
    assert kept == [f"id{i}" for i in range(len(kept))]
    assert len(kept) == 5


def test_an_index_yields_its_texts_in_alphabetical_order() -> None:
    index = Index()
    for text, number in (("b", 1), ("a", 2), ("c", 3)):
        index.put(text, number)
    assert list(index.items()) == [("a", 2), ("b", 1), ("c", 3)]


def test_adding_a_known_text_to_an_index_says_so_and_keeps_the_old_number() -> None:
    index = Index()
    assert index.add("a", 1)
    assert not index.add("a", 2)
    assert (index.get("a"), len(index)) == (1, 1)


def test_an_index_of_many_texts_stays_small_in_memory() -> None:
    # 200,000 keys of 16 characters in a Python dict take 25 MB or more; SQLite's cache takes 2
    code = (
        "import resource\nfrom codealign.resumable import Index\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "index = Index()\nindex.add('x')\nbefore = peak()\n"
        "for i in range(200_000): index.add(f'{i * 7919 % 200_003:016x}', i)\n"
        "assert len(index) == 200_001\nprint(peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 8_000  # kB
