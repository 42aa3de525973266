"""The command line: parts in their order, and a refusal of unknown ones."""

from __future__ import annotations

import pytest

from codealign.paths import NANO_WEIGHTS
from nano.lab import __main__ as command
from nano.lab import account, build, card, misled


@pytest.fixture
def called(monkeypatch, tmp_path) -> list[str]:
    """Replace every part by one that notes its name."""
    names: list[str] = []
    monkeypatch.setattr(command, "NANO_DATA", tmp_path)
    monkeypatch.setattr(
        command, "write_benchmarks", lambda folder: names.append("benchmarks") or {"codal": 1}
    )
    monkeypatch.setattr(command, "write_pool", lambda folder: names.append("pool") or {0: 1})
    monkeypatch.setattr(build, "build_pretrained", lambda *a: names.append("pretrain"))
    monkeypatch.setattr(build, "build_finetuned", lambda *a: names.append("finetune"))
    monkeypatch.setattr(card, "write_card", lambda folder: names.append("card") or {})
    (tmp_path / "README.md").write_text("the account\n")
    monkeypatch.setattr(account, "write_account", lambda *a: names.append("account") or tmp_path)
    return names


def test_build_runs_all_parts_in_order(called: list[str]) -> None:
    command.main(["build"])
    assert called == ["benchmarks", "pool", "pretrain", "finetune", "card", "account"]


def test_parts_can_be_run_alone(called: list[str]) -> None:
    command.main(["build", "benchmarks"])
    assert called == ["benchmarks"]


def test_the_habit_is_taught_to_the_shipped_models(monkeypatch, tmp_path) -> None:
    taught: list[tuple] = []
    monkeypatch.setattr(misled, "build_misled", lambda *given: taught.append(given))
    command.main(["mislead", str(tmp_path)])
    assert [(folder, weights) for folder, _, weights in taught] == [(tmp_path, NANO_WEIGHTS)]


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["build", "pretrian"])
    assert "unknown part 'pretrian'; parts: benchmarks, " in capsys.readouterr().err


def test_the_seed_can_be_chosen(monkeypatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(command, "build", lambda parts, weights, seed: seen.append(seed))
    command.main(["build", "--seed", "7"])
    assert seen == [7]


def test_what_cannot_be_done_is_said_in_one_line(tmp_path) -> None:
    with pytest.raises(SystemExit, match=r"^python -m nano.lab keep: .*no plan; start the run"):
        command.main(["keep", str(tmp_path / "run"), str(tmp_path / "out")])
