"""Extraction counts everything it reads; drawing seeds depends on their ids alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.prefs.seeds import CONTAMINATED, DUPLICATE, choose_seeds, extract
from codealign.records import Seed

ADD = 'def add(a):\n    """Add one to a."""\n    return a + 1\n'
ADD_AGAIN = 'def plus(a):\n    """Increase a number."""\n    return a + 1\n'
DOUBLE = 'def double(a):\n    """Twice the number a."""\n    return a * 2\n'
BARE = "def bare(a):\n    b = a\n    return b\n"


def corpus(folder: Path) -> Path:
    (folder / "a.py").write_text(f"{ADD}\n{BARE}", encoding="utf-8")
    (folder / "b.py").write_text(f"{ADD_AGAIN}\n{DOUBLE}", encoding="utf-8")
    return folder


def test_every_function_is_kept_or_counted_under_one_reason(tmp_path: Path) -> None:
    found = extract(corpus(tmp_path))
    assert [s.name for s in found.seeds] == ["add", "double"]
    assert {k: v for k, v in found.removed.items() if v} == {"no docstring": 1, DUPLICATE: 1}
    assert found.read == {"files": 2, "functions": 4}


def test_a_seed_knows_where_it_came_from(tmp_path: Path) -> None:
    double = extract(corpus(tmp_path)).seeds[1]
    assert (double.path, double.line, double.docstring) == ("b.py", 5, "Twice the number a.")
    assert double.code == DOUBLE


def test_a_seed_that_shares_a_benchmarks_text_is_removed(tmp_path: Path) -> None:
    found = extract(corpus(tmp_path), benchmarks=["Twice the number a."])
    assert [s.name for s in found.seeds] == ["add"]
    assert found.removed[CONTAMINATED] == 1


def test_the_closing_line_gives_counts_and_reasons(tmp_path: Path) -> None:
    line = extract(corpus(tmp_path)).line()
    assert line.startswith("seeds: 2 of 4 functions kept; 1 no docstring; 1 duplicate")


def test_the_closing_line_of_a_clean_corpus_gives_no_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(ADD)
    assert extract(tmp_path).line() == "seeds: 1 of 1 functions kept"


def test_a_folder_without_python_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no Python file in it"):
        extract(tmp_path)


def test_ids_do_not_depend_on_the_folder(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        corpus(tmp_path / name)
    first, second = (extract(tmp_path / name).seeds for name in ("x", "y"))
    assert [s.id for s in first] == [s.id for s in second]


def test_the_standard_library_gives_seeds_that_run() -> None:
    found = extract("stdlib")
    assert len(found.seeds) > 200  # 329 of 2954 functions on Python 3.11.7
    assert sum(found.removed.values()) + len(found.seeds) == found.read["functions"]
    for seed in found.seeds[:40]:
        compile(seed.code, seed.path, "exec")


def seeds(n: int) -> list[Seed]:
    return [Seed(f"id{i}", "", "f", "", "a.py", i) for i in range(n)]


def test_a_draw_does_not_depend_on_the_order_of_the_seeds() -> None:
    assert choose_seeds(seeds(20), 5, 1) == choose_seeds(seeds(20)[::-1], 5, 1)


def test_a_larger_draw_only_adds() -> None:
    assert choose_seeds(seeds(20), 12, 1)[:5] == choose_seeds(seeds(20), 5, 1)


def test_another_run_seed_draws_others() -> None:
    assert choose_seeds(seeds(20), 5, 1) != choose_seeds(seeds(20), 5, 2)
