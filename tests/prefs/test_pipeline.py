"""The pipeline from seeds to pairs, with a hand-made generator and sandbox."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tiny import tiny_llama, tiny_tokenizer

from codealign.errors import CodealignError
from codealign.generate import generate
from codealign.params import Generation, Pairing, Prefs
from codealign.prefs import steps
from codealign.prefs.pipeline import run_pipeline
from codealign.records import (
    DIMENSIONS,
    Execution,
    Instruction,
    Pair,
    Rating,
    Response,
    read_jsonl,
    seed_of,
)
from codealign.sandbox import Sandbox

SETTINGS = Prefs(seeds=15, responses=6)


class ByPlace:
    """Rates each answer by a number drawn from its id, 1 to 10."""

    def __init__(self, name: str = "by place") -> None:
        self.name, self.key, self.rated = name, name, 0

    def rate(self, answers):
        for answer in answers:
            self.rated += 1
            mark = 1.0 + seed_of(answer.id) % 10
            yield Rating(answer.id, answer.dimension, self.name, mark, "", "")


FILES = ["checks", "concepts", "executions", "instructions", "pairs", "responses", "seeds"]


def run(candidates, generator, sandbox, folder: Path, **changes):
    arguments = {"settings": SETTINGS, "requirement": "functional", "seed": 0, "model": "nano"}
    arguments |= {"report": lambda line: None} | changes
    return run_pipeline(candidates, generate=generator, sandbox=sandbox, folder=folder, **arguments)


def pairs_of(folder: Path) -> list[Pair]:
    return list(read_jsonl(folder / "pairs.jsonl", Pair))


def text_of(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()}


@pytest.fixture
def finished(candidates, generator, sandbox, tmp_path: Path):
    return run(candidates, generator(), sandbox(), tmp_path / "made"), tmp_path / "made"


def test_every_step_leaves_its_file_and_nothing_unfinished(finished) -> None:
    assert sorted(p.name for p in finished[1].iterdir()) == sorted(
        [f"{f}.jsonl" for f in FILES] + ["card.json", "README.md"]
    )


def test_every_pair_is_one_that_passed_and_one_that_failed(finished) -> None:
    verdicts = {e.id: e.verdict for e in read_jsonl(finished[1] / "executions.jsonl", Execution)}
    pairs = list(read_jsonl(finished[1] / "pairs.jsonl", Pair))
    assert pairs
    for pair in pairs:
        assert (verdicts[pair.chosen_id], verdicts[pair.rejected_id]) == ("pass", "fail")
        assert "x + 1" in pair.chosen and "x + 1" not in pair.rejected


def test_nothing_is_lost_between_the_steps(finished) -> None:
    summary, folder = finished
    instructions = summary.counts["instructions"]
    assert instructions["kept"] + instructions["duplicate"] + instructions["too short"] == 15
    assert len(list(read_jsonl(folder / "responses.jsonl", Response))) == 6 * instructions["kept"]
    pairs = summary.counts["pairs"]
    assert sum(pairs.values()) == instructions["kept"]


def test_the_closing_lines_give_what_was_kept_and_what_not(finished) -> None:
    lines = finished[0].lines
    assert [line.split(":")[0] for line in lines] == [
        "seeds", "concepts", "instructions", "responses", "executions", "checks", "pairs"
    ]  # fmt: skip
    assert lines[0] == "seeds: 15 kept"


def test_the_card_holds_counts_level_hashes_and_the_row_of_table_2(finished) -> None:
    card = json.loads((finished[1] / "card.json").read_text())
    samples = finished[0].pairs
    assert card["table_2"] == {"model": "nano", "type": "functional", "samples": samples}
    assert card["sandbox_level"] == ["hand-made"]
    assert len(card["templates"]["response"]) == 16
    assert card["settings"]["responses"] == 6


def test_running_again_asks_and_executes_nothing_and_changes_no_byte(
    finished, candidates, generator, sandbox
) -> None:
    before = text_of(finished[1])
    again, box = generator(), sandbox()
    run(candidates, again, box, finished[1])
    assert (again.asked, box.ran) == (0, 0)
    assert text_of(finished[1]) == before


@pytest.mark.parametrize("killed_after", [7, 20, 47])
def test_a_killed_run_continues_to_the_same_bytes(
    finished, candidates, generator, sandbox, tmp_path: Path, killed_after: int
) -> None:
    folder = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        run(candidates, generator(killed_after), sandbox(), folder)
    rest = generator()
    run(candidates, rest, sandbox(), folder)
    whole = 15 + 15 + 6 * finished[0].counts["instructions"]["kept"]
    assert rest.asked == whole - killed_after
    assert text_of(folder) == text_of(finished[1])


def test_only_a_window_of_requests_is_handed_to_the_engine_at_once(
    finished, candidates, generator, sandbox, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(steps, "TOGETHER", 12)  # 12 requests of one, 2 of six completions
    engine, handed = generator(), []

    def watched(items, **more):
        handed.append((len(list(items)), more["n"]))
        return engine(items, **more)

    run(candidates, watched, sandbox(), tmp_path / "windows")
    assert {n: max(size for size, m in handed if m == n) for n in (1, 6)} == {1: 12, 6: 2}
    assert text_of(tmp_path / "windows") == text_of(finished[1])


def test_ratings_decide_the_pairs_of_rule_judge(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"pairs": Pairing(rule="judge", judge="length")})
    options = {"settings": settings, "requirement": "non_functional", "judge": ByPlace()}
    summary = run(candidates, generator(), sandbox(), tmp_path, **options)
    marks = {r.id: r.rating for r in read_jsonl(tmp_path / "ratings.jsonl", Rating)}
    for pair in pairs_of(tmp_path):
        assert marks[pair.chosen_id] > marks[pair.rejected_id]
    instructions = summary.counts["instructions"]["kept"]
    assert sum(summary.counts["pairs"].values()) == instructions
    assert summary.counts["ratings"]["kept"] == summary.counts["executions"]["pass"]


def test_ratings_by_another_judge_are_not_used_again(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"pairs": Pairing(rule="judge", judge="length")})
    first, again, other = ByPlace("one"), ByPlace("one"), ByPlace("other")
    for judge in (first, again, other):
        options = {"settings": settings, "requirement": "non_functional", "judge": judge}
        run(candidates, generator(), sandbox(), tmp_path, **options)
    assert again.rated == 0
    assert other.rated == first.rated > 0
    assert {r.judge for r in read_jsonl(tmp_path / "ratings.jsonl", Rating)} == {"other"}


def test_ratings_by_other_rubrics_or_of_texts_with_tests_are_not_used_again(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    first, changed, kept = ByPlace(), ByPlace(), ByPlace()
    changed.key = kept.key = "another rubric"
    for judge, tests in ((first, "drop"), (changed, "drop"), (kept, "keep")):
        pairs = Pairing(rule="judge", judge="length", tests=tests)
        options = {"settings": SETTINGS.model_copy(update={"pairs": pairs}), "judge": judge}
        run(candidates, generator(), sandbox(), tmp_path, requirement="non_functional", **options)
    assert first.rated == changed.rated == kept.rated > 0


def test_answers_that_stayed_unrated_are_asked_for_again_where_replies_are_kept(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    class Failing(ByPlace):
        asks_again = True

        def rate(self, answers):
            for rating in super().rate(answers):
                yield replace(rating, rating=None, reason="server fault")

    settings = SETTINGS.model_copy(update={"pairs": Pairing(rule="judge", judge="length")})
    first, again = Failing(), ByPlace()
    again.asks_again = True
    for judge in (first, again):
        options = {"settings": settings, "requirement": "non_functional", "judge": judge}
        run(candidates, generator(), sandbox(), tmp_path, **options)
    assert again.rated == first.rated > 0


@pytest.mark.parametrize(
    ("requirement", "judge", "message"),
    [
        ("functional", "static", "functional data have none"),
        ("non_functional", "", "needs a judge"),
    ],
)
def test_rule_judge_without_a_dimension_or_a_judge_is_refused_at_once(
    candidates, generator, sandbox, tmp_path: Path, requirement: str, judge: str, message: str
) -> None:
    settings = SETTINGS.model_copy(update={"pairs": Pairing(rule="judge", judge=judge)})
    asked = generator()
    with pytest.raises(CodealignError, match=message):
        run(candidates, asked, sandbox(), tmp_path, settings=settings, requirement=requirement)
    assert asked.asked == 0


def test_each_response_is_lost_for_one_reason_or_can_stand_on_a_side(finished) -> None:
    summary = finished[0]
    executed, lost = summary.counts["executions"], summary.card["lost"]
    usable = summary.counts["checks"]["kept"] + executed["fail"]
    assert sum(lost.values()) + usable == summary.counts["responses"]["kept"]


def test_rule_agreement_runs_all_tests_once_and_chooses_from_those_that_agree(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"pairs": Pairing(rule="agreement")})
    first = run(candidates, generator(), sandbox(), tmp_path, settings=settings)
    assert first.pairs > 0 and first.card["cost"]["trials"]["executions"] > 0
    for pair in pairs_of(tmp_path):
        assert "x + 1" in pair.chosen and "x + 1" not in pair.rejected
        assert "### Tests" not in pair.chosen + pair.rejected
    before, box = text_of(tmp_path), sandbox()
    run(candidates, generator(), box, tmp_path, settings=settings)
    assert (box.ran, text_of(tmp_path)) == (0, before)


def test_other_limits_execute_again(finished, candidates, generator, sandbox) -> None:
    box, longer = sandbox(), SETTINGS.model_copy(update={"cpu_s": 3.0})
    again = generator()
    run(candidates, again, box, finished[1], settings=longer)
    assert again.asked == 0
    executed = finished[0].counts["executions"]
    assert box.ran == executed["kept"] + executed["pass"]  # own tests, and checks of what passed


def test_changed_sampling_does_not_reuse_old_items(
    finished, candidates, generator, sandbox
) -> None:
    again = generator()
    warmer = SETTINGS.model_copy(update={"sampling": Generation(temperature=1.0)})
    summary = run(candidates, again, sandbox(), finished[1], settings=warmer)
    kept = summary.counts["instructions"]["kept"]
    assert again.asked == 6 * kept
    assert len(list(read_jsonl(finished[1] / "responses.jsonl", Response))) == 6 * kept


def test_an_error_of_the_sandbox_is_counted_and_tried_by_the_next_run(
    finished, candidates, generator, sandbox, tmp_path: Path
) -> None:
    programs = finished[0].counts["executions"]["kept"]
    broken = run(candidates, generator(), sandbox(errors=programs), tmp_path / "broken")
    assert broken.pairs == 0
    assert broken.lines[-1].endswith(f", {programs} sandbox errors (retried)")
    repaired = run(candidates, generator(), sandbox(), tmp_path / "broken")
    assert repaired.pairs == finished[0].pairs > 0
    assert pairs_of(tmp_path / "broken") == pairs_of(finished[1])


def test_the_real_sandbox_gives_the_pairs_that_the_hand_made_one_gives(
    finished, candidates, generator, tmp_path: Path
) -> None:
    with Sandbox(workers=1, accept="basic") as real:
        summary = run(candidates, generator(), real, tmp_path / "real")
    assert pairs_of(tmp_path / "real") == pairs_of(finished[1])
    assert summary.card["sandbox_level"] in (["strong"], ["basic"])


def test_a_real_engine_fits_the_pipeline(candidates, sandbox, tmp_path: Path) -> None:
    from codealign.generate.local import LocalEngine

    engine = LocalEngine(tiny_llama(), tiny_tokenizer())
    short = Generation(temperature=1.0, max_new_tokens=24)
    tiny = Prefs(seeds=3, responses=2, concepts=short, instructions=short, sampling=short)
    bound = partial(generate, engine=engine)
    summary = run(candidates, bound, sandbox(), tmp_path, settings=tiny)
    kept = summary.counts["instructions"]["kept"]
    assert summary.counts["responses"]["kept"] == 2 * kept
    concepts = summary.counts["concepts"]
    assert concepts["kept"] + concepts["seeds without concepts"] == 3


def test_non_functional_instructions_share_out_the_dimensions(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    run(candidates, generator(), sandbox(), tmp_path, requirement="non_functional")
    dimensions = [i.dimension for i in read_jsonl(tmp_path / "instructions.jsonl", Instruction)]
    assert [dimensions.count(d) for d in DIMENSIONS] == [3] * 5


def test_non_functional_pairs_name_their_dimension_and_principle(
    candidates, generator, sandbox, tmp_path: Path
) -> None:
    summary = run(candidates, generator(), sandbox(), tmp_path, requirement="non_functional")
    principles = {
        i.id: i.principle for i in read_jsonl(tmp_path / "instructions.jsonl", Instruction)
    }
    pairs = pairs_of(tmp_path)
    assert all(p.prompt.endswith(principles[p.instruction_id]) for p in pairs)
    assert sum(summary.card["dimensions"].values()) == len(pairs) > 0
    assert summary.card["shares"] == dict.fromkeys(sorted(DIMENSIONS), 3)


def test_the_folder_loads_as_a_preference_data_set(finished, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(finished[1]), split="train", cache_dir=str(tmp_path / "cache"))
    assert {"prompt", "chosen", "rejected"} <= set(loaded.column_names)
    assert loaded["chosen"][:] == [p.chosen for p in pairs_of(finished[1])]


def test_no_seeds_is_an_error(generator, sandbox, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").touch()
    with pytest.raises(CodealignError, match="no seed function passed the filters"):
        run(tmp_path / "none.jsonl", generator(), sandbox(), tmp_path)


def test_an_engine_that_leaves_items_out_is_an_error(candidates, sandbox, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no completion for 15 items"):
        run(candidates, lambda items, **more: iter(()), sandbox(), tmp_path)


def test_an_unknown_requirement_is_an_error(candidates, generator, sandbox, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="requirement 'fun'; valid"):
        run(candidates, generator(), sandbox(), tmp_path, requirement="fun")
