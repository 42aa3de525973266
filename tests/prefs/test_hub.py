"""A data set as a corpus: real local data set folders, read by the path that the hub's take."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from codealign.errors import CodealignError
from codealign.params import Filters, Hub, Prefs
from codealign.prefs.seeds import extract
from codealign.prefs.sources import hub_modules

ADD = 'def add(a):\n    """Add one to a."""\n    return a + 1\n'
DOUBLE = 'def double(a):\n    """Twice the number a."""\n    return a * 2\n'
UNTYPED = Prefs(filters=Filters(type_check=False))
ROWS = [
    {"content": ADD, "max_stars_repo_name": "me/one", "max_stars_repo_path": "a.py"},
    {"content": "def f(:\n", "max_stars_repo_name": "me/two", "max_stars_repo_path": "b.py"},
    {"content": DOUBLE, "max_stars_repo_name": "me/two", "max_stars_repo_path": "c.py"},
]


@pytest.fixture(params=["parquet", "jsonl"])
def stack(request, tmp_path: Path) -> Path:
    """A folder laid out like The Stack: a data folder a language."""
    folder = tmp_path / "data" / "python"
    folder.mkdir(parents=True)
    if request.param == "parquet":
        pd.DataFrame(ROWS).to_parquet(folder / "train-00000.parquet")
    else:
        (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    return tmp_path


def test_a_data_set_is_read_row_by_row_and_faults_are_counted(stack: Path) -> None:
    counts: Counter[str] = Counter()
    paths = [m.path for m in hub_modules(str(stack), Hub(), counts)]
    assert paths == ["me/one/a.py", "me/two/c.py"]
    assert counts == {"files": 3, "files that do not parse": 1}


def test_only_the_first_files_are_read_if_so_wished(stack: Path) -> None:
    counts: Counter[str] = Counter()
    assert len(list(hub_modules(str(stack), Hub(files=1), counts))) == 1
    assert counts["files"] == 1


def test_a_data_set_gives_seeds_like_a_folder(stack: Path, tmp_path: Path) -> None:
    extraction = extract(f"hub:{stack}", tmp_path / "out.jsonl", settings=UNTYPED)
    assert (extraction.kept, extraction.read["functions"]) == (2, 2)


def test_a_data_set_is_read_once_for_the_same_settings(stack: Path, tmp_path: Path) -> None:
    out, corpus = tmp_path / "out.jsonl", f"hub:{stack}"
    first = extract(corpus, out, settings=UNTYPED)
    shutil.rmtree(stack / "data")
    assert extract(corpus, out, settings=UNTYPED) == first
    with pytest.raises(CodealignError):
        extract(corpus, out, ["another benchmark"], UNTYPED)


def test_a_column_that_is_not_there_is_named_with_the_nearest(stack: Path) -> None:
    with pytest.raises(CodealignError, match="no column 'contents'; did you mean 'content'"):
        next(hub_modules(str(stack), Hub(column="contents"), Counter()))


def test_a_data_set_without_network_says_what_to_check(monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CodealignError, match="bigcode/no-such-set: cannot be read.*HF_HUB_OFFLINE"):
        next(hub_modules("bigcode/no-such-set", Hub(), Counter()))
