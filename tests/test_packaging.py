"""What is released: one version, and a wheel that works outside the source tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import codealign
from codealign.cli import main
from codealign.params import load_params
from codealign.paths import PACKAGE, PROJECT

DATA = (".py", ".yaml", ".csv", ".txt", ".gz", ".safetensors", ".json", ".jsonl", ".css", ".js")


def test_the_citation_names_the_packages_version() -> None:
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == codealign.__version__


def test_the_changelog_knows_the_version_or_what_is_unreleased() -> None:
    heads = re.findall(r"^## (\S+)", (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] in ("Unreleased", f"[{codealign.__version__}]")


def test_init_lays_out_a_project_that_can_be_run(tmp_path, capsys) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    notebooks = {p.name for p in (tmp_path / "mine/notebooks").glob("*.ipynb")}
    assert notebooks == {p.name for p in (PROJECT / "notebooks").glob("*.ipynb")}
    for path in (tmp_path / "mine/params").glob("nano*.yaml"):
        assert load_params(path) == load_params(PROJECT / "params" / path.name)
    assert (tmp_path / "mine/params/nano.yaml").exists()
    assert (tmp_path / "mine/workflow/Snakefile").exists()
    assert "next: cd" in capsys.readouterr().out


def test_init_leaves_a_folder_with_something_in_it_alone(tmp_path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Return the committed files, without what lies about in the working tree."""
    folder = tmp_path_factory.mktemp("source")
    subprocess.run(f"git archive HEAD | tar -x -C {folder}", shell=True, cwd=PROJECT, check=True)
    return folder


def build_wheel(source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory) -> Path:
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    return next(folder.glob("*.tar.gz"))


@pytest.mark.long
def test_the_sdist_holds_every_committed_file_but_what_hosts_read(
    source: Path, sdist: Path
) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    made = ("build/", "codealign.egg-info/")
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    lacking = {name for name in files - held if not name.startswith(made)}
    assert lacking <= {".gitignore", ".pre-commit-config.yaml", ".github/workflows/test.yml"}


@pytest.mark.long
def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    again = build_wheel(sdist, tmp_path)
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.long
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in PACKAGE.rglob("*"):
        if path.suffix in DATA and "__pycache__" not in path.parts:
            assert path.relative_to(PACKAGE.parent).as_posix() in names


@pytest.mark.long
def test_an_installed_wheel_works_far_from_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    venv, away = tmp_path / "venv", tmp_path / "away"
    away.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    # The dependencies of this environment, without its own codealign.
    packages = next((venv / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CODEALIGN_PROJECT")}

    def run(*args: str, cwd: Path = away) -> subprocess.CompletedProcess[str]:
        command = [str(python.parent / "codealign"), *args]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)

    assert run("claims", "--json").stdout.startswith("[")
    assert "codealign init" in run("reproduce", "--dry-run").stderr
    assert run("init", "mine").returncode == 0
    planned = run("reproduce", "--dry-run", cwd=away / "mine")
    assert "07_paper" in planned.stdout, planned.stderr
    assert planned.stdout.startswith(f"project: {away / 'mine'}\n")
    assert not (away / "mine" / "runs").exists()
    # The base of a profile is the package's own where the project has none of that name.
    (away / "mine/params/nano.yaml").unlink()
    (away / "mine/params/own.yaml").write_text("base: nano.yaml\nprofile: own\n")
    plan = run("plan", "--params", "params/own.yaml", cwd=away / "mine")
    assert "own: 32 jobs" in plan.stdout, plan.stderr
