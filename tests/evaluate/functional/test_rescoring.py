"""What is written can be read, and scored again, by the evalplus command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.registry import load
from codealign.evaluate.functional.results import Results
from codealign.sandbox import Sandbox

SOLUTIONS = {
    "HumanEval/0": ["def f(x): return 2 * x", "def f(x): return 2 * abs(x)", "def f(x): return 0"],
    "HumanEval/2": ["def h(): return 1", "def h(): return 2"],  # a problem without added tests
    "HumanEval/1": ["def g(s): return s[:1]", "def g(s): return s[0]", "", "def g(s: return"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    common = {"contract": "", "atol": 0}
    rows = [
        {**common, "task_id": "HumanEval/0", "entry_point": "f", "prompt": "def f(x):\n",
         "canonical_solution": "    return x + x\n", "base_input": [[1], [0.1]],
         "plus_input": [[-2]]},
        {**common, "task_id": "HumanEval/1", "entry_point": "g", "prompt": "def g(s):\n",
         "canonical_solution": "    return s[:1]\n", "base_input": [["ab"]], "plus_input": [[""]]},
        {**common, "task_id": "HumanEval/2", "entry_point": "h", "prompt": "def h():\n",
         "canonical_solution": "    return 1\n", "base_input": [[]], "plus_input": []},
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("data") / "data.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


@pytest.fixture(scope="module")
def results(data: Path) -> Results:
    with Sandbox(accept="basic") as box:
        return evaluate("humaneval", SOLUTIONS, load("humaneval", data=data), box)


def evalplus(folder: Path, data: Path) -> str:
    """Run the evalplus command on the samples in a folder; return what it prints."""
    command = [sys.executable, "-m", "evalplus.evaluate", "--dataset", "humaneval"]
    command += ["--samples", str(folder / "samples.jsonl"), "--parallel", "1"]
    environment = {
        **os.environ,
        "HUMANEVAL_OVERRIDE_PATH": str(data),
        "XDG_CACHE_HOME": str(folder),
    }
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_the_command_reads_our_results(results: Results, data: Path, tmp_path: Path) -> None:
    """Base: 2 of 3, 2 of 4 and 1 of 2 samples pass, so pass@1 is 0.556; with plus 1, 1 and 1."""
    results.write(tmp_path)
    output = evalplus(tmp_path, data)
    assert "Load from previous results" in output
    assert output.count("pass@1:\t0.556") == output.count("pass@1:\t0.361") == 1


def test_the_command_scores_our_samples_as_we_do(
    results: Results, data: Path, tmp_path: Path
) -> None:
    results.write(tmp_path)
    file = tmp_path / "samples_eval_results.json"
    ours = json.loads(file.read_text())["eval"]
    file.unlink()
    evalplus(tmp_path, data)
    theirs = json.loads(file.read_text())["eval"]
    compared = ("task_id", "solution", "base_status", "plus_status")
    for task_id, rows in theirs.items():
        for row, own in zip(rows, ours[task_id], strict=True):
            assert {k: row[k] for k in compared} == {k: own[k] for k in compared}
            assert set(row) == set(own)
