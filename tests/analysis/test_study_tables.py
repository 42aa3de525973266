"""Tables and figures of a study: what each shows, and what one seed shows instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_study import CHANGES, WOBBLE, ablated, made_up, one_seed, rows

from codealign.analysis.effects import Effect
from codealign.analysis.figures.study import study_figures
from codealign.analysis.figures.style import save, styled
from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import study_of
from codealign.analysis.study.findings import findings
from codealign.analysis.tables import findings_table, save_tables, study_markdown, study_tables
from codealign.analysis.tables.model import Group, Table, to_markdown
from codealign.analysis.tables.study import ONE_SEED, number


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return {table.name: table for table in study_tables(made_up())}


def texts(table: Table) -> list[list[str]]:
    return [[c.text for c in row] for row in table.rows if not isinstance(row, Group)]


def test_a_whole_study_has_all_its_tables(tables: dict[str, Table]) -> None:
    assert list(tables) == [
        "study_effects", "study_pathways", "study_tax", "study_ablations", "study_placebo",
    ]  # fmt: skip


def test_a_stage_has_score_changes_and_its_gain_over_sft(tables: dict[str, Table]) -> None:
    # By hand: 40 + 4 with t interval 4.3027 / sqrt(3) = 2.5 around; 4 of 40 is 10 %; 4 - 2 over SFT
    # in every seed.
    row = next(r for r in texts(tables["study_effects"]) if r[0] == "PTA, DPO")
    assert row == [
        "PTA, DPO", "44.0 [41.5, 46.5]", "+4.0 [+1.5, +6.5]", "+10.0 [+3.8, +16.2]",
        "+2.0 [+2.0, +2.0]", "3",
    ]  # fmt: skip


def test_the_base_has_the_interval_of_its_problems(tables: dict[str, Table]) -> None:
    row = next(r for r in texts(tables["study_effects"]) if r[0] == "PTA, Base")
    assert row[1:4] == ["40.0 [40.0, 40.0]", "-", "-"]


def test_the_pathways_are_compared_within_seeds(tables: dict[str, Table]) -> None:
    row = next(r for r in texts(tables["study_pathways"]) if r[1:3] == ["functional", "BoNBoN"])
    assert row[3:5] == ["+3.0 [+3.0, +3.0]", "+3.0 [+3.0, +3.0]"]


def test_a_loss_on_the_other_benchmarks_is_a_tax(tables: dict[str, Table]) -> None:
    rows_ = texts(tables["study_tax"])
    assert len(rows_) == 2 * 2 * 3  # trained for, pathways, trained stages
    assert {row[5] for row in rows_} == {"tax"}


def test_ablations_name_the_main_cells_value(tables: dict[str, Table]) -> None:
    values = [row[0] for row in texts(tables["study_ablations"])]
    assert values == ["0.01", "0.1 (main)", "1.0", "0 (main)", "9", "False (main)", "True"]


def test_a_base_is_set_beside_no_base_in_the_ablations() -> None:
    asked = [score for score in ablated("asked", -5.0, "base") if WOBBLE[score.seed] == 0]
    changes = {"asked": {"functional.format": ["own", "instruction"]}}
    (table,) = [t for t in study_tables(study_of(frame_of([*rows(), *asked]), changes))
                if t.name == "study_ablations"]  # fmt: skip
    main, varied = texts(table)
    assert (main[0], main[3], main[4], main[5]) == ("own (main)", "-", "", "3")
    assert varied[3].startswith("-5.0 [") and varied[4].startswith("-5.0 [")


def test_the_placebo_has_its_verdict(tables: dict[str, Table]) -> None:
    row, every = texts(tables["study_placebo"])
    assert row[5] == ""
    assert (every[0], every[5]) == ("All cells", "no gain, as it must be")


def test_one_seed_alone_is_said_in_a_sentence() -> None:
    assert study_tables(one_seed()) == []
    assert study_markdown(one_seed(), []) == ONE_SEED


def test_a_study_is_said_in_a_sentence() -> None:
    line = study_markdown(made_up(), []).splitlines()[0]
    assert line == "3 seeds, with cross-evaluation; ablations: beta_1, beta_0, few, random."


def test_a_run_with_seeds_and_nothing_else_has_neither_tax_nor_ablations() -> None:
    own = [s for s in rows() if s.trained in ("", s.requirement)]
    names = [table.name for table in study_tables(study_of(frame_of(own)))]
    assert names == ["study_effects", "study_pathways"]


def test_a_number_without_interval_stands_alone() -> None:
    assert number(Effect(-0.04)) == "+0.0"
    assert number(Effect()) == "no number"


def test_findings_are_a_table_of_twenty() -> None:
    table = findings_table(findings(made_up()))
    assert len(table.rows) == 20
    assert "+2.0 [+2.0, +2.0] points, 3 seeds | same sign" in to_markdown(table)


def test_findings_of_one_seed_are_one_sentence() -> None:
    table = findings_table(findings(one_seed()))
    assert table.rows == []
    text = to_markdown(table)
    assert "in this one training run" in text and "|" not in text  # no empty table


def test_tables_are_saved_in_every_format(tmp_path: Path) -> None:
    paths = save_tables(tmp_path, study_tables(made_up()))
    assert {p.suffix for p in paths} == {".md", ".csv", ".tex"}
    assert all(p.stat().st_size for p in paths)


def test_figures_are_drawn_for_what_there_is(tmp_path: Path) -> None:
    with styled():
        drawn = study_figures(made_up())
        paths = [path for figure in drawn for path in save(figure, tmp_path)]
    assert [d.stem for d in drawn] == ["study_effects_nano", "study_tax", "study_ablations"]
    assert sorted({path.suffix for path in paths}) == [".csv", ".pdf", ".png", ".svg"]
    assert len(paths) == 4 * len(drawn)


def test_one_seed_alone_has_no_figures() -> None:
    assert study_figures(one_seed()) == []


def test_an_ablation_in_a_run_of_one_seed_is_drawn_without_bounds() -> None:
    first = [s for s in [*rows(seeds=(0,)), *ablated("beta_1", 1.0)] if s.seed == 0]
    found = study_of(frame_of(first), {"beta_1": {"align.dpo.beta": [0.1, 1.0]}})
    with styled():
        assert study_figures(found)[-1].stem == "study_ablations"


def test_a_run_of_which_only_an_ablation_has_finished_shows_what_there_is() -> None:
    base = [s for s in rows() if s.stage == "base"]
    found = study_of(frame_of([*base, *ablated("beta_1", 1.0)]), {"beta_1": CHANGES["beta_1"]})
    assert "study_ablations" in [table.name for table in study_tables(found)]
    with styled():
        assert [drawn.stem for drawn in study_figures(found)] == ["study_ablations"]
