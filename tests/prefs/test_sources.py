"""Functions read from source files, with what each needs from its module."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.prefs import sources
from codealign.prefs.sources import corpus_folder, free_names, functions, read_modules


def first_function(folder: Path, text: str):
    (folder / "one.py").write_text(text, encoding="utf-8")
    return next(f for m in read_modules(folder, Counter()) for f in functions(m))


def test_free_names_leave_out_builtins_arguments_and_locals() -> None:
    code = "def f(a):\n    b = len(a)\n    return math.sqrt(b) + LIMIT\n"
    assert free_names(code) == {"math", "LIMIT"}


def test_free_names_include_defaults_and_annotations() -> None:
    assert free_names("def f(a: Sized = DEFAULT):\n    return a\n") == {"Sized", "DEFAULT"}


def test_free_names_of_a_comprehension_leave_out_its_variable() -> None:
    assert free_names("X = [f(i) for i in range(3)]") == {"f"}


def test_the_code_of_a_function_brings_its_imports_and_constants(tmp_path: Path) -> None:
    text = "import math, os\nA = 2\nB = A + 1\n\ndef f(x):\n    return math.sqrt(x) * B\n"
    code = first_function(tmp_path, text).standalone
    assert code == ("import math\nA = 2\nB = A + 1\n\n\ndef f(x):\n    return math.sqrt(x) * B\n")


def test_a_renamed_import_is_kept_as_it_was(tmp_path: Path) -> None:
    text = "from math import sqrt as root\n\ndef f(x):\n    return root(x)\n"
    assert first_function(tmp_path, text).standalone.startswith("from math import sqrt as root\n")


def test_a_name_nobody_provides_means_no_requirements(tmp_path: Path) -> None:
    assert first_function(tmp_path, "def f(x):\n    return helper(x)\n").requirements is None


def test_recursion_is_not_a_requirement(tmp_path: Path) -> None:
    assert first_function(tmp_path, "def f(x):\n    return f(x - 1)\n").requirements == []


def test_methods_and_nested_functions_are_left_out(tmp_path: Path) -> None:
    text = "class A:\n    def m(self):\n        pass\n\ndef f():\n    def g():\n        pass\n"
    (tmp_path / "one.py").write_text(text)
    names = [f.node.name for m in read_modules(tmp_path, Counter()) for f in functions(m)]
    assert names == ["f"]


def test_a_file_that_is_not_utf8_and_one_that_does_not_parse_are_counted(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "good.py").write_text("x = 1\n")
    counts: Counter[str] = Counter()
    assert [m.path for m in read_modules(tmp_path, counts)] == ["good.py"]
    assert counts == {"files": 3, "files that are not UTF-8": 1, "files that do not parse": 1}


def test_test_folders_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("tests", ".venv", "pkg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("x = 1\n")
    assert [m.path for m in read_modules(tmp_path, Counter())] == ["pkg/a.py"]


def test_an_unknown_corpus_is_an_error_that_says_what_to_give() -> None:
    with pytest.raises(CodealignError, match="'nowhere': no such folder; give `stdlib`"):
        corpus_folder("nowhere")


def test_a_relative_corpus_is_the_projects_wherever_the_command_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project/corpora/mine").mkdir(parents=True)
    monkeypatch.setattr(sources, "PROJECT", tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    assert corpus_folder("corpora/mine") == tmp_path / "project/corpora/mine"
    assert corpus_folder(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_give_the_same_code(tmp_path: Path, end: bytes) -> None:
    text = b"X = 1\n\ndef f(x):\n    return x\n"
    (tmp_path / "one.py").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", end))
    function = next(f for m in read_modules(tmp_path, Counter()) for f in functions(m))
    assert function.code == "def f(x):\n    return x\n"


def test_a_file_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    counts: Counter[str] = Counter()
    assert list(read_modules(tmp_path, counts)) == []
    assert counts == {"files": 1, "files that cannot be read": 1}
