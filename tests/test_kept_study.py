"""A fresh run agrees with the committed reference result within the stated spread.

`CODEALIGN_RUN=runs/nano make check` holds a finished run (one seed or several) against it. Without
it the test evaluates the two base models on every benchmark anew: their greedy answers are the part
of the result that another machine must give again but for rounding, so that changed weights,
problems, prompts or scoring fail here until the reference is made anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import papermill
import pytest

from codealign.analysis.study.reference import agreement, read_seeds, run_seeds
from codealign.paths import PROJECT

REFERENCE = PROJECT / "nano" / "results" / "seeds.csv"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not REFERENCE.exists(), reason="no reference result: make keep-study"),
]


def evaluated(folder: Path) -> Path:
    """Evaluate the base models with the default profile's settings."""
    for notebook in ("04_functional", "05_codal"):
        for variant in ("pretrained", "finetuned"):
            papermill.execute_notebook(
                PROJECT / "notebooks" / f"{notebook}.ipynb", folder / f"{notebook}-{variant}.ipynb",
                {"profile": "nano", "run": str(folder), "variant": variant, "stage": "base"},
                cwd=PROJECT, progress_bar=False,
            )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    given = os.environ.get("CODEALIGN_RUN")
    run = PROJECT / given if given else evaluated(tmp_path_factory.mktemp("base"))
    return agreement(read_seeds(REFERENCE), run_seeds(run))


def test_every_cell_agrees_with_the_reference(found: pd.DataFrame) -> None:
    off = found[~found["agrees"]]
    assert off.empty, "\n" + off.round(2).to_string(index=False)


def test_both_base_models_are_held_against_it_on_both_kinds_of_benchmark(found) -> None:
    base = found[found["stage"] == "base"]
    assert set(zip(base["variant"], base["requirement"], strict=True)) == {
        (v, r) for v in ("pretrained", "finetuned") for r in ("functional", "non_functional")
    }
