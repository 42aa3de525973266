"""The command line: one clear error and an exit code for each kind of mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codealign.cli import main


def test_an_error_is_one_line_on_standard_error_and_exit_code_1(capsys) -> None:
    assert main(["reproduce", "--params", "params/none.yaml"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("codealign: params/none.yaml: no such params file")
    assert "Traceback" not in said.err


def test_wrong_usage_is_exit_code_2() -> None:
    with pytest.raises(SystemExit) as error:
        main(["reprodoce"])
    assert error.value.code == 2


def test_status_of_a_run_that_never_was_says_how_to_start(capsys, tmp_path) -> None:
    assert main(["status", str(tmp_path)]) == 1
    assert "no plan; start the run with `codealign reproduce`" in capsys.readouterr().err


def test_claims_are_a_json_list_of_objects_with_the_documented_keys(capsys) -> None:
    assert main(["claims", "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)
    wanted = {"id", "place", "statement", "published", "computed", "rule", "verdict"}
    assert claims
    assert all(wanted <= set(claim) for claim in claims)


def test_tables_go_where_they_are_sent(capsys, tmp_path) -> None:
    assert main(["tables", "--out", str(tmp_path)]) == 0
    assert {f"table{i}.md" for i in range(1, 8)} <= {p.name for p in tmp_path.iterdir()}


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m codealign.cli claims | head -1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert run.stderr == ""


def test_doctor_names_what_is_missing_and_how_to_get_it(capsys, monkeypatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "missing  OPENAI_API_KEY" in said
    assert "-> export OPENAI_API_KEY=" in said
    assert "code isolation: " in said


HEAVY = ("torch", "transformers", "pandas", "matplotlib", "numpy", "openai", "nbformat")
LIGHT = f"""
import sys
from pathlib import Path
from codealign.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)
"""
REFUSED = [
    "--help", "judge --help", "status none", "judge none static", "judge none gpt-4",
    "rating-sheet none", "advise none", "compare none none", "export none --out x",
    "tables --source none", "figures --source none", "claims --source none", "merge none --out x",
    "push-adapter none --repo a/b", "push-pairs none --repo a/b", "plan --params none.yaml",
    "reproduce --params none.yaml", "reproduce --cores -1", "agree none",
    "train none.yaml sft --model nano --variant pretrained", "rating-sheet x --per-dimension 0",
    "evaluate humaneval --samples none", "evaluate humaneval --model none", "init .",
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_help_and_simple_refusals_import_nothing_heavy(words: str, tmp_path) -> None:
    (tmp_path / "x").touch()
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *words.split()], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
    said = done.stderr.splitlines()[:-1]
    assert len(said) == (0 if "--help" in words else 1), done.stderr


def test_a_terminal_without_letters_gets_replacements_and_no_traceback(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codealign.cli", "claims"],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout


def test_an_output_folder_that_is_a_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("kept")
    assert main(["claims", "--source", "paper", "--out", str(tmp_path / "file")]) == 1
    said = capsys.readouterr().err.strip()
    assert str(tmp_path / "file") in said and "Not a directory" in said and "\n" not in said
    assert (tmp_path / "file").read_text() == "kept"
