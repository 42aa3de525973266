"""Where a run's parts keep their files: one seed as ever, several seeds and ablations apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.paths import PACKAGE, RunPaths, find_project, part_folder

CELL = Cell("nano", "pretrained", "functional", "dpo")


def test_one_seed_without_ablation_works_in_the_run_itself() -> None:
    assert part_folder("runs/x") == "runs/x"
    paths = RunPaths(Path("runs/x"))
    assert (paths.top, paths.seeded, paths.suffix) == (paths.root, paths.root, ())


def test_a_part_knows_its_seed_its_ablation_and_its_run() -> None:
    paths = RunPaths(Path(part_folder("runs/x", 3, "align", "beta_1")))
    assert paths.root == Path("runs/x/seeds/3/ablations/align/beta_1")
    assert (paths.top, paths.seeded) == (Path("runs/x"), Path("runs/x/seeds/3"))
    assert (paths.varied, paths.ablation, paths.suffix) == ("align", "beta_1", ("seed3", "beta_1"))


def test_an_ablation_of_a_run_with_one_seed_lies_in_the_run() -> None:
    paths = RunPaths(Path(part_folder("runs/x", None, "sft", "short")))
    assert (paths.top, paths.suffix) == (Path("runs/x"), ("short",))


@pytest.mark.parametrize(
    ("section", "own"),
    [("prefs", {"prefs", "sft", "dpo"}), ("sft", {"sft", "dpo"}), ("align", {"dpo"})],
)
def test_an_ablation_makes_what_it_varies_and_all_after_it(section: str, own: set[str]) -> None:
    paths = RunPaths(Path(part_folder("runs/x", 0, section, "other")))
    found = {stage: paths.checkpoint(CELL.at(stage=stage)) for stage in ("sft", "dpo")}
    found["prefs"] = paths.prefs("nano", "functional")
    assert {name for name, path in found.items() if "ablations" in path.parts} == own


def test_cross_evaluations_lie_apart_from_the_models_own() -> None:
    paths = RunPaths(Path("runs/x"))
    cross = CELL.at(trained="non_functional")
    assert paths.evals(CELL) == Path("runs/x/evals/nano/pretrained/functional/dpo")
    assert paths.evals(cross) == Path("runs/x/cross/nano/pretrained/functional/dpo")
    # Its model is the other requirement's.
    made = Path("runs/x/checkpoints/nano/pretrained/non_functional/dpo")
    assert paths.checkpoint(cross) == made


def test_what_belongs_to_the_whole_run_is_in_its_folder() -> None:
    paths = RunPaths(Path("runs/x/seeds/3"))
    assert paths.scores == Path("runs/x/scores.csv")
    assert paths.jobs == Path("runs/x/jobs")


def test_parts_are_those_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.lock.json").write_text(json.dumps({"parts": [".", "seeds/1"]}))
    (tmp_path / "seeds/2").mkdir(parents=True)
    parts = RunPaths(tmp_path / "seeds/1").parts()
    assert [p.root for p in parts] == [tmp_path, tmp_path / "seeds/1"]


def test_a_run_without_a_plan_is_one_part(tmp_path: Path) -> None:
    assert RunPaths(tmp_path).parts() == [RunPaths(tmp_path)]


def a_project(folder: Path) -> Path:
    for name in ("notebooks", "params"):
        (folder / name).mkdir(parents=True)
    return folder


def test_the_project_is_the_folder_one_is_in_or_the_nearest_above(tmp_path, monkeypatch) -> None:
    mine, other = a_project(tmp_path / "mine"), a_project(tmp_path / "other")
    monkeypatch.setenv("CODEALIGN_PROJECT", str(other))
    monkeypatch.chdir(mine / "notebooks")
    assert find_project() == mine


def test_elsewhere_it_is_what_the_variable_names_else_the_source_tree(
    tmp_path, monkeypatch
) -> None:
    (tmp_path / "params").mkdir()  # no project without notebooks
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODEALIGN_PROJECT", str(tmp_path / "named"))
    assert find_project() == tmp_path / "named"
    monkeypatch.delenv("CODEALIGN_PROJECT")
    assert find_project() == PACKAGE.parent


def test_a_broken_plan_is_one_error_wherever_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.lock.json").write_text("{")
    with pytest.raises(CodealignError, match="broken plan"):
        RunPaths(tmp_path).parts()
