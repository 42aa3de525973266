"""Records: ids depend on content alone; writing is atomic; a torn file is continued."""

from __future__ import annotations

import hashlib

import pytest

from codealign.errors import CodealignError
from codealign.records import (
    Execution,
    read_jsonl,
    seed_of,
    stable_id,
    to_json,
    write_jsonl,
)


def execution(name: str) -> Execution:
    return Execution(name, "pass", "", "strong", 0.5)


def test_an_id_is_the_hash_of_the_parts_as_json() -> None:
    # By hand: the parts become the JSON list ["a", "1"].
    assert stable_id("a", 1) == hashlib.sha256(b'["a", "1"]').hexdigest()[:16]


def test_parts_are_kept_apart() -> None:
    assert stable_id("ab", "c") != stable_id("a", "bc")


def test_a_seed_fits_63_bits() -> None:
    seeds = [seed_of("x", i) for i in range(200)]
    assert all(0 <= s < 2**63 for s in seeds)
    assert len(set(seeds)) == 200


def test_records_come_back_as_written(tmp_path) -> None:
    records = [execution("a"), execution("ü")]
    assert write_jsonl(tmp_path / "x.jsonl", records) == 2
    assert list(read_jsonl(tmp_path / "x.jsonl", Execution)) == records


def test_a_failed_write_leaves_the_old_file(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    write_jsonl(path, [execution("a")])
    with pytest.raises(TypeError):
        write_jsonl(path, [{"bad": object()}])
    assert [r.id for r in read_jsonl(path, Execution)] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["x.jsonl"]


def test_a_bad_line_is_named_with_file_and_number(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(to_json(execution("a")) + "\n{broken\n")
    with pytest.raises(CodealignError, match=r"x\.jsonl:2: not a JSON line"):
        list(read_jsonl(path, Execution))


def test_a_record_of_another_kind_is_refused(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"colour": "red"}\n')
    with pytest.raises(CodealignError, match=r"x\.jsonl:1: not a Execution record.*colour"):
        list(read_jsonl(path, Execution))


def test_a_missing_file_says_what_to_do(tmp_path) -> None:
    with pytest.raises(CodealignError, match="run the stage that writes it first"):
        list(read_jsonl(tmp_path / "none.jsonl", Execution))


def test_a_line_that_is_not_utf8_is_named(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": "a"}\n{"id": "\xe9"}\n')
    with pytest.raises(CodealignError, match="x.jsonl:2: not a JSON line"):
        list(read_jsonl(path, dict))


def test_half_a_surrogate_pair_survives_writing_and_reading(tmp_path) -> None:
    write_jsonl(tmp_path / "x.jsonl", [{"text": "\ud800"}])
    assert list(read_jsonl(tmp_path / "x.jsonl", dict)) == [{"text": "\ud800"}]


def test_records_are_written_one_at_a_time_and_the_old_file_stays_until_the_end(tmp_path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("old\n")

    def records():
        assert path.read_text() == "old\n"
        yield {"id": "a"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_jsonl(path, records())
    assert [p.name for p in tmp_path.iterdir()] == ["x.jsonl"]
    assert path.read_text() == "old\n"
