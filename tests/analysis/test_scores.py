"""The tidy table: published numbers as printed, measured ones checked."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from codealign.analysis import scores
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.paths import DATA, RunPaths
from codealign.records import Score, write_jsonl


def score(**changed: object) -> Score:
    cell = {
        "source": "nano", "model": "nano", "variant": "pretrained", "requirement": "functional",
        "stage": "base", "benchmark": "humaneval", "metric": "pass@1", "value": 0.5, "n": 20,
        "missing": 0, "low": 0.3, "high": 0.7, "interval": "Wilson",
    }  # fmt: skip
    return Score(**(cell | changed))


def printed(model: str, variant: str, stage: str, benchmark: str) -> pd.Series:
    p = scores.published()
    found = p[
        (p.model == model) & (p.variant == variant) & (p.stage == stage)
        & (p.benchmark == benchmark)
    ]  # fmt: skip
    assert len(found) == 1
    return found.iloc[0]


def test_all_720_printed_numbers_are_there() -> None:
    # 5 models x 2 variants x 4 stages x (5 + 6 + 7) columns
    assert len(scores.published()) == 5 * 2 * 4 * 18


def test_evoeval_has_828_problems() -> None:
    sizes = [b.n for b in scores.benchmarks().values() if b.table == 5]
    assert sum(sizes) == 828 and len(sizes) == 7


def test_a_number_of_each_table_as_printed() -> None:
    assert printed("Meta-Llama-3-8B", "pretrained", "dpo", "humaneval")["value"] == 0.53
    assert printed("Qwen2.5-Coder-7B", "finetuned", "bonbon", "evalperf")["value"] == 73.5
    assert printed("CodeLlama-7b", "pretrained", "bonbon", "codal")["value"] == 0.84
    assert printed("deepseek-coder-7b", "finetuned", "base", "evoeval_combine")["value"] == 0.32


def test_printed_bold_is_kept() -> None:
    assert printed("CodeLlama-7b", "pretrained", "sft", "mbpp_plus")["bold"]
    assert not printed("CodeLlama-7b", "pretrained", "dpo", "mbpp_plus")["bold"]


def test_every_printed_pass_rate_is_a_count_of_its_n() -> None:
    p = scores.published()
    for row in p[p.metric == "pass@1"].itertuples():
        b = scores.benchmark(row.benchmark)
        count = scores.count_of(row.value, b.n)
        assert round(count / b.n, b.decimals) == pytest.approx(row.value)


def test_the_printed_interval_is_of_the_count_behind_it() -> None:
    # 0.372 of 164 are 61; Wilson: centre (61 + z²/2)/(164 + z²) = 0.374856, half width
    # z sqrt(0.371951 · 0.628049 / 164 + z²/(4 · 164²)) / (1 + z²/164) = 0.073184
    row = printed("Meta-Llama-3-8B", "pretrained", "base", "humaneval")
    assert (row.low, row.high) == pytest.approx((0.301672, 0.448040), abs=2e-4)
    assert row.interval == "Wilson"


def test_scores_without_published_items_say_so_in_their_interval() -> None:
    row = printed("Qwen2.5-Coder-7B", "finetuned", "base", "codal")
    assert row.interval == "Wilson, variance bound"
    assert row.low < row.value < row.high


def test_published_returns_a_copy() -> None:
    mine = scores.published()
    mine.loc[:, "value"] = 0.0
    assert scores.published()["value"].max() > 0


def test_rows_come_in_a_fixed_order() -> None:
    frame = scores.frame_of([score(stage="dpo"), score(), score(benchmark="mbpp")])
    assert list(frame["stage"]) == ["base", "dpo", "base"]


@pytest.mark.parametrize(
    ("field", "wrong", "right"),
    [("benchmark", "humanevl", "humaneval"), ("stage", "bonbom", "bonbon"),
     ("variant", "fine_tuned", "finetuned")],
)  # fmt: skip
def test_an_unknown_name_is_an_error_with_the_nearest(field: str, wrong: str, right: str) -> None:
    with pytest.raises(CodealignError, match=f"{wrong}.*did you mean '{right}'"):
        scores.frame_of([score(**{field: wrong})])


def test_two_rows_for_a_cell_are_refused() -> None:
    with pytest.raises(CodealignError, match="two rows for nano, pretrained"):
        scores.frame_of([score(), score(value=0.6)])


def test_a_percentage_in_place_of_a_fraction_is_refused() -> None:
    with pytest.raises(CodealignError, match="outside 0 to 1"):
        scores.frame_of([score(value=50.0)])


def test_a_cell_of_which_nothing_could_be_scored_is_kept() -> None:
    frame = scores.frame_of([score(value=math.nan, n=0, missing=20)])
    assert frame["missing"].item() == 20


def test_collect_reads_every_score_file(tmp_path: Path) -> None:
    for stage in ("base", "sft"):
        folder = tmp_path / "evals" / "nano" / "pretrained" / "functional" / stage
        write_jsonl(folder / "scores.jsonl", [score(stage=stage), score(stage=stage,
                    benchmark="mbpp")])  # fmt: skip
    assert len(scores.collect(tmp_path)) == 4


def test_a_cell_of_several_seeds_is_shown_by_its_mean() -> None:
    rows = [
        score(seed=0, value=0.4, low=0.2, high=0.6),
        score(seed=1, value=0.5, low=0.4, high=0.8),
    ]
    found = scores.over_seeds(scores.frame_of(rows))
    # By hand: (0.4 + 0.5) / 2; t(0.975, 1) * 0.05 = 0.6353 over seeds; the bounds' own distances
    # are (0.2 + 0.1) / 2 below and (0.2 + 0.3) / 2 above. So below 0, cut there, and
    # 0.45 + sqrt(0.25^2 + 0.6353^2) = 1.13, cut at 1.
    assert len(found) == 1
    assert found.loc[0, ["value", "low", "high"]].tolist() == pytest.approx([0.45, 0.0, 1.0])
    assert found.loc[0, "interval"].endswith("and t over 2 seeds")
    assert found.loc[0, "seed"] == scores.MEAN


def test_seeds_that_agree_keep_the_bounds_of_one() -> None:
    rows = [score(seed=k, value=0.5, low=0.4, high=0.7) for k in (0, 1)]
    found = scores.over_seeds(scores.frame_of(rows))
    assert found.loc[0, ["low", "high"]].tolist() == pytest.approx([0.4, 0.7])


def test_a_seed_without_a_value_is_left_out_of_the_mean() -> None:
    rows = [score(seed=0, value=math.nan, n=0, missing=20), score(seed=1, value=0.5)]
    assert scores.over_seeds(scores.frame_of(rows))["value"].tolist() == [0.5]


def test_cross_evaluations_and_ablations_are_no_main_cells() -> None:
    rows = [score(), score(trained="non_functional"), score(ablation="beta_1")]
    frame = scores.frame_of(rows)
    assert len(frame) == 3
    found = scores.over_seeds(frame)
    assert found[["trained", "ablation"]].values.tolist() == [["functional", ""]]


def test_collect_reads_the_parts_of_the_plan_and_keeps_the_main_cells(tmp_path: Path) -> None:
    parts = [".", "seeds/0", "seeds/1", "seeds/1/ablations/align/beta_1"]
    (tmp_path / "plan.lock.json").write_text(json.dumps({"parts": parts}))
    for part in [*parts, "seeds/9"]:
        paths = RunPaths(tmp_path / part)
        row = score(stage="base" if part == "." else "dpo", ablation=paths.ablation)
        row = dataclasses.replace(row, seed=1 if "seeds/1" in part else 0)
        write_jsonl(
            paths.evals(Cell("nano", "pretrained", "functional", row.stage)) / "scores.jsonl", [row]
        )
    # The plan does not know seeds/9: left from an earlier one.
    assert len(scores.collect_all(tmp_path)) == 4
    assert scores.collect(tmp_path)["stage"].tolist() == ["base", "dpo"]


def test_a_run_without_scores_is_an_empty_table(tmp_path: Path) -> None:
    frame = scores.collect(tmp_path)
    assert frame.empty and list(frame.columns) == scores.COLUMNS


def test_scores_survive_the_csv(tmp_path: Path) -> None:
    frame = scores.frame_of([score(), score(stage="sft", low=None, high=None, interval="")])
    scores.write_scores(tmp_path / "scores.csv", frame)
    texts = ["interval", "ablation", "failures"]
    back = pd.read_csv(tmp_path / "scores.csv", dtype=dict.fromkeys(texts, str))
    back[texts] = back[texts].fillna("")
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)


def test_every_data_file_names_its_source() -> None:
    known = yaml.safe_load((DATA / "sources.yaml").read_text())["files"]
    here = {p.name for p in DATA.iterdir() if p.name != "sources.yaml"}
    assert here == set(known)
