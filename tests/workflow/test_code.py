"""The code a notebook runs: cells, modules behind it, one hash."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.paths import PACKAGE
from codealign.workflow import code


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Write a notebook with the given code cells; return its name."""
    for function in (code.code_cells, code.closure, code.code_hash):
        function.cache_clear()
    monkeypatch.setattr(code, "notebook_path", lambda name: tmp_path / f"{name}.ipynb")

    def write(name: str, *sources: str, outputs: tuple = ()) -> str:
        cells = [
            {"cell_type": "code", "source": [s], "outputs": list(outputs),
             "metadata": {"tags": ["parameters"] if i == 0 else []}}
            for i, s in enumerate(sources)
        ]  # fmt: skip
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
        return name

    return write


def test_parameters_are_the_names_of_the_tagged_cell(notebook) -> None:
    name = notebook("a", "model = 'nano'  # x\nseed: int = 0  # y\n", "other = 1")
    assert code.notebook_parameters(name) == ["model", "seed"]


def test_modules_are_followed_to_their_imports(notebook) -> None:
    name = notebook("a", "seed = 0", "from codealign.records import Pair")
    assert set(code.closure(name)) == {
        PACKAGE / f"{m}.py" for m in ("__init__", "records", "errors")
    } - {PACKAGE / "__init__.py"}


def test_a_changed_cell_changes_the_hash(notebook) -> None:
    one = code.code_hash(notebook("a", "seed = 0", "print(1)"))
    two = code.code_hash(notebook("b", "seed = 0", "print(2)"))
    assert one != two


def test_saved_outputs_do_not_change_the_hash(notebook) -> None:
    one = code.code_hash(notebook("a", "seed = 0", "print(1)"))
    two = code.code_hash(notebook("b", "seed = 0", "print(1)", outputs=({"text": "1"},)))
    assert one == two


def test_an_imported_module_is_part_of_the_hash(notebook) -> None:
    one = code.code_hash(notebook("a", "seed = 0", "import codealign.records"))
    two = code.code_hash(notebook("b", "seed = 0", "import codealign.paths  # records"))
    assert one != two


def test_nanos_weights_are_part_of_what_a_model_user_computes() -> None:
    found = code._read_by(PACKAGE / "models.py")
    assert PACKAGE / "nano/data/codal.jsonl.gz" in found


def test_templates_are_part_of_the_package_that_holds_them() -> None:
    assert PACKAGE / "prompts/response.txt" in code._read_by(PACKAGE / "prompts/__init__.py")


def test_a_broken_notebook_is_one_clear_error(tmp_path: Path, monkeypatch) -> None:
    code.code_cells.cache_clear()
    (tmp_path / "x.ipynb").write_text("{")
    monkeypatch.setattr(code, "notebook_path", lambda name: tmp_path / f"{name}.ipynb")
    with pytest.raises(CodealignError, match="cannot be read as a notebook"):
        code.code_cells("x")


def test_the_packages_front_door_does_not_pull_in_the_whole_package(notebook) -> None:
    name = notebook("a", "seed = 0", "from codealign import __version__")
    assert code.closure(name) == ()


ON_COLAB = """import sys
if "google.colab" in sys.modules:  # on Colab
    source = "tag 1"
    from codealign.records import Pair

print(1)
"""


def test_what_a_cell_does_on_colab_alone_is_no_part_of_the_hash(notebook) -> None:
    one = code.code_hash(notebook("a", "seed = 0", ON_COLAB))
    two = code.code_hash(
        notebook("b", "seed = 0", ON_COLAB.replace('"tag 1"', '"tag 2"\n    more = 1'))
    )
    assert one == two
    assert code.closure("a") == ()


def test_comments_and_docstrings_are_no_part_of_the_hash(notebook) -> None:
    bare = "def f(x):\n    return '# ' + x\n"
    told = '# why\n\ndef f(x):  # what\n    """Say.\n\n    More.\n    """\n    return \'# \' + x\n'
    assert code.plain(told) == code.plain(bare) == bare.rstrip()
    assert code.code_hash(notebook("a", "seed = 0", told)) == code.code_hash(
        notebook("b", "seed = 0", bare)
    )


def test_a_text_over_several_lines_is_whole() -> None:
    text = 'SAID = """a  # b\n\n# c\n"""  # of\n# no more\n'
    assert code.plain(text) == 'SAID = """a  # b\n\n# c\n"""'


def test_what_draws_is_code_of_the_notebooks_that_show_alone(notebook) -> None:
    drawn = "from codealign.analysis.tables import write_tables"
    assert code.closure(notebook("02_sft", "seed = 0", drawn)) == ()
    assert PACKAGE / "analysis/tables/__init__.py" in code.closure(
        notebook("07_paper", "seed = 0", drawn)
    )


def test_intervals_decide_a_result_but_make_no_work_stale(notebook) -> None:
    name = notebook("a", "seed = 0", "from codealign.analysis.measured import write_measured")
    assert PACKAGE / "analysis/measured.py" in code.closure(name)
    assert code.closure(name, anew=False) == ()


@pytest.mark.parametrize("notebook", ["01_preferences", "04_functional"])
def test_no_stage_takes_a_name_from_the_package_that_loads_it_late(notebook: str) -> None:
    """Such a name's module would not be seen as code of the stage."""
    late = {
        path.name
        for path in code.closure(notebook)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "codealign.evaluate.functional"
        if any(not code._module_file(f"{node.module}.{alias.name}") for alias in node.names)
    }
    assert late == set()


def test_what_is_named_as_left_out_or_taken_in_is_there() -> None:
    """A module that was renamed would count again, or no more, in silence."""
    named = (*code.WORDING, *code.DECIDING, *code.DRIVING, code.SETTINGS, code.JUDGES)
    assert [name for name in named if not code._module_file(name)] == []


STAGED = "from codealign.stages.{0} import run_{0}\nfrom codealign.analysis.{1} import x\n"


def test_the_code_of_a_notebook_with_a_stage_is_the_stages(notebook) -> None:
    """Its cells show: other words, other pictures and another order make nothing again."""
    one = notebook("02_sft", "seed = 0", STAGED.format("sft", "figures.stages"), "show(1)")
    first = code.code_hash(one), code.closure(one)
    assert {PACKAGE / "stages/sft.py", PACKAGE / "train/trainers.py"} <= set(first[1])
    assert not [p for p in first[1] if (PACKAGE / "analysis") in p.parents]
    for function in (code.code_cells, code.closure, code.code_hash):
        function.cache_clear()
    other = notebook("02_sft", "seed = 1", STAGED.format("sft", "stage_text"), "show(2)")
    assert (code.code_hash(other), code.closure(other)) == first


@pytest.mark.parametrize("stage", ["functional", "codal"])
def test_intervals_and_gates_decide_a_stages_result_but_make_no_work_stale(notebook, stage) -> None:
    name = notebook("a", "seed = 0", STAGED.format(stage, "stage_text"))
    deciding = {PACKAGE / "analysis/measured.py", PACKAGE / "analysis/gating.py"}
    assert deciding <= set(code.closure(name))
    assert not [p for p in code.closure(name, anew=False) if (PACKAGE / "analysis") in p.parents]


def test_any_other_condition_is_part_of_it(notebook) -> None:
    other = ON_COLAB.replace('"google.colab"', '"google"')
    assert code.closure(notebook("a", "seed = 0", other))


@pytest.mark.parametrize(("name", "read"), [("04_functional", False), ("06_survey_kappa", True),
                                            ("07_paper", True)])  # fmt: skip
def test_the_data_behind_claims_and_tables_are_read_where_they_are_shown(name, read) -> None:
    files = {file for path in code.closure(name) for file in code._read_by(path)}
    assert (PACKAGE / "data/sources.yaml" in files) == read
    assert PACKAGE / "data/benchmarks.yaml" in files
