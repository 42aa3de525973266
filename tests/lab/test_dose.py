"""The dose: which models are made, and a table whose numbers are known by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import ttest_1samp

from codealign.analysis.figures.style import styled
from codealign.analysis.scores import benchmarks, frame_of
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.records import STAGES, VARIANTS, Score
from nano.lab import dose
from nano.lab.build import corpus_hash
from nano.lab.dose import DOSES, PRETRAININGS, build_doses, dose_figure, dose_table, doses, name_of
from nano.lab.recipe import Recipe

START = (30.0, 32.0, 37.0)
"""The base score of each pretraining, percent."""
SLOPE = (1.7, 2.0, 2.3)
"""Points that a thousand chats give to each."""


def percent(number: int, chats: int, stage: str, variant: str) -> float:
    """SFT takes a point from every dose, alignment one for every 1,000 chats.

    The pretrained variant starts at the base score; its alignment takes a point for every 1,000
    chats of its folder, whose pairs it is trained on.
    """
    thousands = chats / 1000
    taken = {"base": 0, "sft": 1}.get(stage, thousands)
    given = SLOPE[number] * thousands if variant == "finetuned" else 0
    return START[number] + given - taken


def told(values: list[float], form: str) -> str:
    low, high = ttest_1samp(values, 0).confidence_interval()
    mean, low, high = (format(one, form) for one in (np.mean(values), low, high))
    return f"{mean} [{low}, {high}]"


def made_up(models: list[tuple[int, int]]) -> StudyRun:
    names = [b for b in benchmarks().values() if b.requirement == "functional"]
    return study_of(frame_of([
        Score("mine", name_of(n, chats), variant, "functional", stage, b.name, b.metric,
              percent(n, chats, stage, variant) / 100 * b.scale, 100, seed=0)
        for n, chats in models for variant in VARIANTS for stage in STAGES for b in names
    ]))  # fmt: skip


EVERY = [(n, chats) for n in range(PRETRAININGS) for chats in DOSES]


def rows_of(models: list[tuple[int, int]]) -> dict[str, list[str]]:
    table = dose_table(*doses(made_up(models)))
    return {row[0].text: [entry.text for entry in row[1:]] for row in table.rows}


def test_the_pretraining_is_the_unit() -> None:
    rows = rows_of(EVERY)
    assert rows["0"][:2] == [told(START, ".1f"), told([start - 1 for start in START], ".1f")]
    full = [start + 7 * slope for start, slope in zip(START, SLOPE, strict=True)]
    assert rows["7,000"][0] == told(full, ".1f")
    assert rows["7,000"][3] == told([score - 7 for score in full], ".1f")
    assert rows["7,000"][4] == "-7.0 [no interval]"  # three equal values have none
    rise = [6 * slope for slope in SLOPE]
    assert rows["1,000 to 7,000, line"][:2] == [told(rise, "+.1f")] * 2
    assert rows["1,000 to 7,000, line"][3] == told([one - 6 for one in rise], "+.1f")


def test_above_0_is_within_a_folder_and_the_dose_0_a_mean_over_the_folders() -> None:
    rows = rows_of(EVERY)
    assert rows["3,000 above 0"][2] == told([3 * slope for slope in SLOPE], "+.1f")
    taken = (1 + 3 + 7) / 3  # of the aligned models of the three folders
    assert rows["0"][2] == told([start - taken for start in START], ".1f")


def test_the_figure_draws_the_tables_numbers() -> None:
    with styled():
        drawn = dose_figure(*doses(made_up(EVERY)))
    data = drawn.data.set_index(["stage", "chats"])
    assert list(data.loc["sft"].index) == [0, *DOSES]
    base = data.loc[("base", 7000)]
    written = f"{base['mean']:.1f} [{base['low']:.1f}, {base['high']:.1f}]"
    assert written == rows_of(EVERY)["7,000"][0]
    assert "Base 33.0, 35.0, 39.0, 47.0;" in drawn.alt


def test_one_pretraining_has_no_interval() -> None:
    assert rows_of(EVERY[:3])["1,000"][0] == "31.7 [no interval]"


def test_a_run_that_lacks_a_model_or_has_another_is_refused() -> None:
    with pytest.raises(CodealignError, match="pretraining2_chats7000: no score of base"):
        doses(made_up(EVERY[:-1]))
    b = benchmarks()["humaneval"]
    row = Score("mine", "nano", "pretrained", "functional", "base", b.name, b.metric, 0.1, 100)
    with pytest.raises(CodealignError, match="nano: no model of a dose"):
        doses(study_of(frame_of([row])))


def test_the_profile_names_the_models_that_are_made() -> None:
    profile = yaml.safe_load((PROJECT / "params/nano_dose.yaml").read_text("utf-8"))
    assert profile["models"] == [f".cache/dose/{name_of(*key)}" for key in EVERY]


class Builder:
    """Stands in for hours of training; notes what is made from what."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int, int]] = []

    def write(self, folder: Path, recipe: Recipe, start: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / dose.MADE).write_text(
            json.dumps({"recipe": asdict(recipe), "corpus": corpus_hash(recipe), "from": start})
        )

    def pretrained(self, folder: Path, recipe: Recipe, log: dose.Log) -> None:
        self.made.append(("pretrained", recipe.seed - Recipe.seed, 0))
        self.write(folder, recipe, "nothing")

    def finetuned(self, folder: Path, recipe: Recipe, start: Path, log: dose.Log) -> None:
        self.made.append(("finetuned", recipe.seed - Recipe.seed, recipe.chats))
        seed = json.loads((start / dose.MADE).read_text())["recipe"]["seed"]
        self.write(folder, recipe, f"pretraining {seed - Recipe.seed}")


@pytest.fixture
def builder(monkeypatch, tmp_path: Path) -> Builder:
    builder = Builder()
    monkeypatch.setattr(dose, "build_pretrained", builder.pretrained)
    monkeypatch.setattr(dose, "build_finetuned", builder.finetuned)
    for variant in VARIANTS:
        builder.write(tmp_path / "weights" / variant, Recipe(), "shipped")
    return builder


def build(folder: Path) -> list[Path]:
    return build_doses(folder / "dose", folder / "weights", lambda line: None)


def test_each_pretraining_is_made_once_and_each_dose_from_it(builder, tmp_path: Path) -> None:
    pairs = build(tmp_path)
    assert [pair.name for pair in pairs] == [name_of(*key) for key in EVERY]
    tuned = [("finetuned", *key) for key in EVERY if key != (0, Recipe.chats)]
    pretrained = [("pretrained", n, 0) for n in (1, 2)]
    assert sorted(builder.made) == sorted(tuned + pretrained)  # the shipped pair is not made again
    for (number, chats), pair in zip(EVERY, pairs, strict=True):
        start, end = (json.loads((pair / v / dose.MADE).read_text()) for v in VARIANTS)
        assert start["recipe"]["seed"] - Recipe.seed == number
        shipped = (number, chats) == (0, Recipe.chats)
        assert end["from"] == ("shipped" if shipped else f"pretraining {number}")
        assert end["recipe"]["chats"] == chats


def test_what_is_there_is_kept_unless_its_recipe_is_another(builder, tmp_path: Path) -> None:
    build(tmp_path)
    builder.made.clear()
    build(tmp_path)
    assert not builder.made
    other = tmp_path / "dose" / name_of(1, 3000) / "finetuned"
    builder.write(other, Recipe(width=64), "another")
    build(tmp_path)
    assert builder.made == [("finetuned", 1, 3000)]
