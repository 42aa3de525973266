"""A stranger's project adds a model, benchmark, judge and dimension, each in one place."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from codealign.additions import own_benchmarks, own_dimension
from codealign.errors import CodealignError
from codealign.evaluate.judges import open_judge
from codealign.paths import NANO_WEIGHTS

PROBLEMS = [
    {"task_id": f"Mine/{i}", "entry_point": "add", "prompt": f"def add(x):\n    # {i}\n",
     "canonical_solution": f"    return x + {i}\n", "base_input": [[1]], "plus_input": [[0], [5]]}
    for i in range(4)
]  # fmt: skip
JUDGE = """
from codealign.records import Rating


class Short:
    name, key = "short", "short, version 1"

    def estimate(self, answers):
        return "no money"

    def rate(self, answers):
        for a in answers:
            value = float(max(1, 10 - len(a.text)))
            yield Rating(a.id, a.dimension, self.name, value, "by length", "")


def make():
    return Short()
"""
SCRIPT = """
import json
from pathlib import Path

import torch
from codealign import (
    Sandbox, claims_ledger, evaluate_functional, load_benchmark, load_model, load_params,
    measured_scores, open_judge, score_changes, write_tables,
)
from codealign.analysis.measured import write_measured
from codealign.cell import Cell
from codealign.evaluate.codal import load_problems
from codealign.evaluate.codal_scores import RATED, scores as codal_rows, values
from codealign.evaluate.functional.registry import expand
from codealign.evaluate.judges.grading import prompt
from codealign.prefs.instructions import Dimensions
from codealign.records import Answer

params = load_params("params/mine.yaml")
names = expand(params.functional.benchmarks)
problems = load_benchmark("mine")
right = {task: [p.canonical] for task, p in problems.items()}
half = {task: [p.canonical if i % 2 else "def add(x): return x"]
        for i, (task, p) in enumerate(problems.items())}
with Sandbox(accept=params.functional.sandbox) as box:
    results = {"base": evaluate_functional("mine", half, problems, box),
               "dpo": evaluate_functional("mine", right, problems, box)}
for stage, result in results.items():
    cell = Cell("mine", "pretrained", "functional", stage, seed=0)
    folder = Path("runs/mine/evals/mine/pretrained/functional") / stage
    folder.mkdir(parents=True)
    write_measured(folder, "mine", cell, result.values())
scores = measured_scores("runs/mine")
asked = load_problems("nano", 1, own=params.codal.dimensions)
answers = [Answer(p.id, p.dimension, p.instruction, p.principle, p.reference, "1234")
           for p in asked]
ratings = list(open_judge(params.codal.judge).rate(answers))
static = list(open_judge("static").rate(answers))
rated = values(ratings)
cell = Cell("mine", "pretrained", "non_functional", "base", seed=0)
rows = codal_rows(ratings, "mine", cell)
folder = Path("runs/mine/evals/mine/pretrained/non_functional/base")
folder.mkdir(parents=True)
kept = [r for r in rows if r.metric == RATED]
write_measured(folder, "mine", cell, rated, kept)
scores = measured_scores("runs/mine")
seeds = [f"seed{i}" for i in range(6)]
shares = Dimensions(seeds, "non_functional", params.prefs.dimensions)
model, _ = load_model("mine", "pretrained", training=False)
print(json.dumps({
    "names": names,
    "scores": {r.stage: r.value for r in scores.itertuples() if r.benchmark == "mine"},
    "change": score_changes(scores)["absolute"].tolist(),
    "claims": len(claims_ledger(scores, source="mine")),
    "tables": len(write_tables(Path("tables"), scores)),
    "rating": [ratings[0].judge, ratings[0].rating],
    "principle": answers[-1].principle,
    "grading": prompt(answers[-1]),
    "static": [static[-1].rating, static[-1].reason],
    "codal": {r.benchmark: r.value for r in scores.itertuples() if r.metric == "rating"},
    "counted": len(rated["codal"]),
    "trained": sorted(shares.of(seed) for seed in seeds),
    "parameters": sum(p.numel() for p in model.parameters()),
}))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict:
    """Return what a stranger's project computes with its own model, benchmark and judge."""
    project = tmp_path_factory.mktemp("project")
    (project / "params").mkdir()
    (project / "notebooks").mkdir()
    own = {"pretrained": str(NANO_WEIGHTS / "pretrained")}
    files = {
        "params/models.yaml": {"mine": {"family": "llama", "hub": own}},
        "params/benchmarks.yaml": {"mine": {"problems": "mine.jsonl", "label": "My own"}},
        "params/mine.yaml": {
            "profile": "mine", "models": ["mine"],
            "functional": {"benchmarks": ["mbpp", "mine"], "sandbox": "basic"},
            "codal": {"judge": "python:my_judges:make", "dimensions": ["security"]},
            "prefs": {"dimensions": ["security"]},
        },
        "params/dimensions.yaml": {
            "security": {
                "principles": ["Trust no input."], "rubric": "Is input checked?",
                "problems": "security.jsonl",
            }
        },
    }  # fmt: skip
    for name, content in files.items():
        (project / name).write_text(yaml.safe_dump(content))
    (project / "mine.jsonl").write_text("\n".join(map(json.dumps, PROBLEMS)))
    task = {"instruction": "Read a number.", "reference": "int(input())"}
    (project / "security.jsonl").write_text(json.dumps(task))
    (project / "my_judges.py").write_text(JUDGE)
    (project / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "CODEALIGN_PROJECT": str(project), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_profile_names_an_own_benchmark_beside_the_papers(results) -> None:
    assert results["names"] == ["mbpp", "mine"]


def test_its_score_is_pass_at_1_over_all_its_tests(results) -> None:
    # Mine/1 and Mine/3 are answered rightly; "return x" is wrong for x + 2 and right for x + 0.
    assert results["scores"] == {"base": 0.75, "dpo": 1.0}


def test_it_has_changes_as_any_other(results) -> None:
    assert results["change"] == [0.25]


def test_the_papers_tables_and_ledger_leave_it_out_and_work(results) -> None:
    assert results["claims"] > 100
    assert results["tables"] > 0


def test_an_own_judge_rates(results) -> None:
    assert results["rating"] == ["short", 6.0]  # 10 less the 4 characters of the answer


def test_an_own_dimension_is_asked_for_by_its_principle_and_graded_by_its_rubric(results) -> None:
    assert results["principle"] == "Trust no input."
    assert "Is input checked?" in results["grading"]


def test_it_has_a_score_and_the_papers_codal_score_leaves_it_out(results) -> None:
    assert results["codal"]["codal_security"] == 6.0
    assert results["counted"] == 5  # one problem of each of the paper's dimensions


def test_it_is_trained_for_in_the_same_share_as_the_others(results) -> None:
    # six seeds, and six dimensions in turn
    papers = ["instruction_following", "readability", "complexity", "style", "explanation"]
    assert results["trained"] == sorted([*papers, "security"])


def test_a_static_judge_has_no_formula_for_it_and_says_so(results) -> None:
    assert results["static"] == [None, "no measure of the rubric is defined for this answer"]


def test_a_dimension_that_the_project_does_not_have_is_refused() -> None:
    with pytest.raises(CodealignError, match="no dimension 'security'"):
        own_dimension("security")


def test_an_own_model_is_an_entry_of_the_registry(results) -> None:
    assert 1.9e6 < results["parameters"] < 2.1e6  # nano's weights under another name


def test_a_name_that_the_paper_has_is_refused(tmp_path) -> None:
    path = tmp_path / "benchmarks.yaml"
    path.write_text("mbpp: {problems: a.jsonl}")
    with pytest.raises(CodealignError, match="'mbpp': the name is taken"):
        own_benchmarks(path)


def test_a_misspelt_key_of_an_entry_is_refused_with_the_nearest(tmp_path) -> None:
    path = tmp_path / "benchmarks.yaml"
    path.write_text("mine: {problem: a.jsonl}")
    with pytest.raises(CodealignError, match="did you mean 'problems'"):
        own_benchmarks(path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("python:no_such_module:make", "No module named 'no_such_module'"),
        ("python:json:no_such_function", "no_such_function"),
        ("python:collections:Counter", "lacks name, key, estimate, rate"),
        ("answer_first:python:json:loads", "reads no prompt of ours"),
    ],
)
def test_a_judge_that_cannot_be_had_is_an_error(name: str, said: str) -> None:
    with pytest.raises(CodealignError, match=said):
        open_judge(name)
