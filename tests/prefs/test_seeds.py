"""Extraction counts everything it reads; drawing seeds depends on their ids alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.params import Filters, Prefs
from codealign.prefs.seeds import (
    CONTAMINATED,
    DUPLICATE,
    NEAR,
    TYPE_ERROR,
    Extraction,
    choose_seeds,
    extract,
)
from codealign.records import Seed, read_jsonl, write_jsonl

ADD = 'def add(a):\n    """Add one to a."""\n    return a + 1\n'
ADD_AGAIN = 'def plus(a):\n    """Increase a number."""\n    return a + 1\n'
DOUBLE = 'def double(a):\n    """Twice the number a."""\n    return a * 2\n'
BARE = "def bare(a):\n    b = a\n    return b\n"
UNTYPED = Prefs(filters=Filters(type_check=False))


def corpus(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "a.py").write_text(f"{ADD}\n{BARE}", encoding="utf-8")
    (folder / "b.py").write_text(f"{ADD_AGAIN}\n{DOUBLE}", encoding="utf-8")
    return folder


def of(folder: Path, benchmarks: tuple[str, ...] = (), settings: Prefs = UNTYPED):
    """Return the extraction of a folder and its seeds."""
    extraction = extract(folder, folder.parent / f"{folder.name}.jsonl", benchmarks, settings)
    return extraction, list(read_jsonl(extraction.path, Seed))


def nonzero(extraction: Extraction) -> dict[str, int]:
    return {k: v for k, v in extraction.removed.items() if v}


def test_every_function_is_kept_or_counted_under_one_reason(tmp_path: Path) -> None:
    extraction, kept = of(corpus(tmp_path / "x"))
    assert [s.name for s in kept] == ["add", "double"]
    assert nonzero(extraction) == {"no docstring": 1, DUPLICATE: 1}
    assert (extraction.kept, extraction.read) == (2, {"files": 2, "functions": 4})


def test_a_seed_knows_where_it_came_from(tmp_path: Path) -> None:
    double = of(corpus(tmp_path / "x"))[1][1]
    assert (double.path, double.line, double.docstring) == ("b.py", 5, "Twice the number a.")
    assert double.code == DOUBLE


def test_a_seed_that_shares_a_benchmarks_text_is_removed(tmp_path: Path) -> None:
    extraction, kept = of(corpus(tmp_path / "x"), ("Twice the number a.",))
    assert [s.name for s in kept] == ["add"]
    assert extraction.removed[CONTAMINATED] == 1


def test_a_function_with_a_type_error_is_removed_before_it_can_hide_another(tmp_path) -> None:
    wrong = ADD.replace("a + 1", "a + 1 + len(2)")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.py").write_text(f"{wrong}\n{DOUBLE}")
    extraction, kept = of(tmp_path / "x", settings=Prefs())
    assert [s.name for s in kept] == ["double"]
    assert nonzero(extraction) == {TYPE_ERROR: 1}


def test_of_two_functions_that_resemble_each_other_the_first_stays(tmp_path: Path) -> None:
    body = "".join(f"    b{i} = a + {i}\n" for i in range(20))
    text = 'def {name}(a):\n    """Add numbers to a."""\n' + body + "    return b1 {sign} b2\n"
    (tmp_path / "x").mkdir()
    both = text.format(name="f", sign="+") + "\n" + text.format(name="f", sign="-")
    (tmp_path / "x" / "a.py").write_text(both)
    extraction, kept = of(tmp_path / "x")
    assert [s.line for s in kept] == [1]
    assert nonzero(extraction) == {NEAR: 1}
    exact = Prefs(filters=Filters(type_check=False, near_duplicates=1.0))
    assert of(tmp_path / "x", settings=exact)[0].kept == 2


def test_the_closing_line_gives_counts_and_reasons(tmp_path: Path) -> None:
    (corpus(tmp_path / "x") / "latin.py").write_bytes(b"x = '\xe9'\n")
    line = of(tmp_path / "x")[0].line()
    assert line.startswith("seeds: 2 of 4 functions kept; 1 no docstring; 1 duplicate")
    assert line.endswith("; 1 files that are not UTF-8")


def test_the_closing_line_of_a_clean_corpus_gives_no_reasons(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.py").write_text(ADD)
    assert of(tmp_path / "x")[0].line() == "seeds: 1 of 1 functions kept"


def test_a_folder_without_python_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no Python file in it"):
        extract(tmp_path, tmp_path / "out.jsonl")


def test_ids_do_not_depend_on_the_folder(tmp_path: Path) -> None:
    first, second = (of(corpus(tmp_path / name))[1] for name in ("x", "y"))
    assert [s.id for s in first] == [s.id for s in second]


def test_the_standard_library_gives_seeds_that_run(tmp_path: Path) -> None:
    extraction = extract("stdlib", tmp_path / "out.jsonl")
    kept = list(read_jsonl(extraction.path, Seed))
    assert extraction.kept == len(kept) > 200  # 319 of 2954 functions on Python 3.11.7
    assert sum(extraction.removed.values()) + extraction.kept == extraction.read["functions"]
    for seed in kept[:40]:
        compile(seed.code, seed.path, "exec")


def drawn(folder: Path, limit: int, seed: int, order: int = 1) -> list[Seed]:
    """Draw from twenty seeds; `order` -1 has them the other way round in the file."""
    seeds = [Seed(f"id{i}", "", "f", "", "a.py", i) for i in range(20)]
    write_jsonl(folder / "seeds.jsonl", seeds[::order])
    return list(choose_seeds(folder / "seeds.jsonl", limit, seed))


def test_a_draw_does_not_depend_on_the_order_of_the_seeds(tmp_path: Path) -> None:
    assert drawn(tmp_path, 5, 1) == drawn(tmp_path, 5, 1, -1)


def test_a_larger_draw_only_adds(tmp_path: Path) -> None:
    assert drawn(tmp_path, 12, 1)[:5] == drawn(tmp_path, 5, 1)


def test_a_draw_larger_than_the_file_takes_all(tmp_path: Path) -> None:
    assert len(drawn(tmp_path, 99, 1)) == 20


def test_another_run_seed_draws_others(tmp_path: Path) -> None:
    assert drawn(tmp_path, 5, 1) != drawn(tmp_path, 5, 2)
