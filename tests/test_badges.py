"""The front pages: one address or none, one version, sentences that the committed tables say."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

import codealign
from codealign.paths import PROJECT
from codealign.workflow.notebooks import NOTEBOOKS
from tools import badges
from tools.badges import BADGE, findings, opening, publish, repository, source, written


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_the_files_have_the_address_and_the_version(path: Path) -> None:
    assert path.read_text("utf-8") == written()[path], "run python -m tools.badges"


URL = "https://github.com/somebody/code-align"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the files that name the address, as the project."""
    files = [path.relative_to(PROJECT) for path in written()]
    tables = map(
        Path,
        (
            "paper_tables/paper/claims.csv",
            badges.ANSWER,
            badges.PLACEBO,
            badges.CONTROLS,
            badges.DOSE,
        ),
    )
    for file in (*files, *tables, Path("pyproject.toml")):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / file, tmp_path / file)
    monkeypatch.setattr(badges, "PROJECT", tmp_path)
    publish("")
    return tmp_path


def pages(clone: Path) -> dict[str, str]:
    return {p.relative_to(clone).as_posix(): p.read_text("utf-8") for p in written()}


def test_without_an_address_nothing_names_one(clone: Path) -> None:
    assert repository() == ""
    for name, text in pages(clone).items():
        assert "colab-badge" not in text and "repository-code" not in text, name
        assert "git clone" not in text and "YOUR_NAME" not in text, name
    assert not BADGE.search("".join(pages(clone).values()))


def test_the_address_is_written_wherever_it_belongs(clone: Path) -> None:
    publish(f"{URL}.git")
    found = pages(clone)
    assert yaml.safe_load(found["CITATION.cff"])["repository-code"] == URL
    assert f"git clone {URL}.git codealign" in found["README.md"]
    assert BADGE.findall(found["docs/how-to/colab.md"]) == list(NOTEBOOKS)
    opens = f"/github/somebody/code-align/blob/v{codealign.__version__}/notebooks/"
    for name in NOTEBOOKS:
        assert f"{opens}{name}.ipynb)" in found[f"notebooks/{name}.ipynb"]
        assert f"git+{URL}@v{codealign.__version__}" in found[f"notebooks/{name}.ipynb"]


def test_an_address_taken_back_leaves_no_trace(clone: Path) -> None:
    before = pages(clone) | {"": (clone / "pyproject.toml").read_text("utf-8")}
    publish(URL)
    publish("")
    assert pages(clone) | {"": (clone / "pyproject.toml").read_text("utf-8")} == before


def test_another_form_of_address_is_refused_and_changes_nothing(clone: Path) -> None:
    before = pages(clone)
    with pytest.raises(SystemExit, match="not an address such as"):
        badges.main(["https://gitlab.example/a/b"])
    assert pages(clone) == before


def test_the_readmes_numbers_are_those_of_the_committed_tables() -> None:
    with (PROJECT / "paper_tables/paper/claims.csv").open(newline="", encoding="utf-8") as file:
        mine = [row for row in csv.DictReader(file) if row["origin"] == "paper"]
    reproduced = sum(row["verdict"] == "reproduced" for row in mine)
    told = findings().splitlines()
    assert len(told) == 3
    assert f"the paper's {len(mine)} checkable statements" in told[0]
    assert f" {reproduced} *reproduced*," in told[0]
    with (PROJECT / badges.ANSWER).open(newline="", encoding="utf-8") as file:
        both = [row for row in csv.DictReader(file) if row["stage"] == "aligned"]
    for line, row in zip(told[1:], both, strict=True):
        assert f"{float(row['ends']):+.1f} [{float(row['ends_low']):+.1f}, " in line


@pytest.mark.parametrize("part", ["placebo", "controls"])
def test_what_the_placebo_does_is_said_as_its_table_has_it(clone: Path, part: str) -> None:
    row = {"Cell": "All cells", "Placebo above its SFT": "+0.1 [-0.2, +0.4]",
           "Main above its SFT": "+2.5 [+1.0, +4.0]", "Verdict": "no gain", "Seeds": 7}  # fmt: skip
    path = {"placebo": badges.PLACEBO, "controls": badges.CONTROLS}[part]
    pd.DataFrame([{**row, "Cell": "PTA, DPO", "Seeds": 9}, row]).to_csv(clone / path, index=False)
    badges.write()
    sentence = pages(clone)["docs/explanation/study.md"].split(f"<!-- {part} -->\n")[1]
    sentence = sentence.split("\n")[0]
    assert "7 seeds" in sentence and "9 seeds" not in sentence
    assert "+0.1 [-0.2, +0.4]" in sentence and "+2.5 [+1.0, +4.0]" in sentence


def test_the_dose_is_said_as_its_table_has_it(clone: Path) -> None:
    rows = [
        *({"Chats": dose, "Base": "30.0"} for dose in ("0", "1,000", "3,000", "7,000")),
        {"Chats": "7,000 above 0", "Base": "+0.0"},
        {"Chats": "1,000 to 7,000, line", "Base": "+2 [+1, +3]"},
    ]
    pd.DataFrame(rows).to_csv(clone / badges.DOSE, index=False)
    badges.write()
    sentence = pages(clone)["docs/explanation/study.md"].split("<!-- dose -->\n")[1]
    assert sentence.startswith("From 1,000 to 7,000 chats, by a line ")
    assert sentence.split("\n")[0].endswith(" in points of pass@1: Base +2 [+1, +3].")


def test_outside_of_colab_the_opening_lines_do_nothing() -> None:
    """`get_ipython` is not there in a plain Python: a call of it would fail."""
    told = "print([n for n in globals() if n[:2] != '__'])"
    command = [sys.executable, "-I", "-S", "-c", opening() + told]
    assert subprocess.check_output(command, text=True) == "['sys', 'find_spec']\n"


def test_on_colab_the_opening_lines_install_this_version_where_it_is_missing() -> None:
    """One call of pip, by a stand-in for Colab's notebook; none where the package is there."""
    start = "import sys; sys.modules['google.colab'] = sys\n"
    start += "class Shell:\n def run_line_magic(self, *given): print(given)\n"
    start += "get_ipython = Shell\n"
    command = [sys.executable, "-I", "-S", "-c", start + opening()]
    wanted = f"install -q --no-deps {source()}"
    assert subprocess.check_output(command, text=True) == f"{('pip', wanted)}\n"
    there = (
        start + "import types, importlib.machinery as m; found = types.ModuleType('codealign')\n"
    )
    there += "found.__spec__ = m.ModuleSpec('codealign', None); sys.modules['codealign'] = found\n"
    command = [sys.executable, "-I", "-S", "-c", there + opening()]
    assert subprocess.check_output(command, text=True) == ""
