"""Corpus rows, training, fine-tuning rows and the whole build on a minute model."""

from __future__ import annotations

import dataclasses
import json
import random

import pytest
import torch

from codealign.records import VARIANTS
from nano.lab import build, corpus, misled, pretrain
from nano.lab.batches import by_length, collate
from nano.lab.chats import chat_pair
from nano.lab.documents import document
from nano.lab.finetune import chat_row, chat_rows
from nano.lab.recipe import Recipe
from nano.lab.tokenizer import CHAT_TEMPLATE, SPECIALS, chat_prompt, train_tokenizer

TINY = Recipe(tokens=64 * 20, context=64, width=16, layers=1, heads=2, inner=32,
              batch_tokens=256, warmup=2, chats=12, chat_tokens=256)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    """A tokenizer trained on a few documents."""
    return train_tokenizer((corpus.corpus_document(TINY, i) for i in range(200)), 400)


def test_a_document_depends_on_seed_and_index_alone() -> None:
    assert corpus.corpus_document(TINY, 3) == corpus.corpus_document(TINY, 3)
    other = dataclasses.replace(TINY, seed=1)
    assert corpus.corpus_document(TINY, 3) != corpus.corpus_document(other, 3)


def test_a_row_is_a_document_with_its_end_cut_to_the_context(tokenizer) -> None:
    rows = corpus.document_rows(["def f", "def f " * 40], tokenizer, context=9)
    assert rows[0][0] == [*tokenizer.encode("def f").ids, 0] and rows[0][1] == 1
    assert len(rows[1][0]) == 9


def test_training_rows_have_the_tokens_of_the_recipe(tokenizer) -> None:
    found = sum(len(ids) for ids, _ in corpus.training_rows(TINY, tokenizer))
    assert TINY.tokens <= found < TINY.tokens + corpus.BATCH * TINY.context


def test_no_document_is_about_a_held_out_composition(monkeypatch) -> None:
    from nano.lab import chats, documents
    from nano.lab.tasks import is_held_out, sample_task

    tasks = []

    def noted(*arguments, **named):
        task = sample_task(*arguments, **named)
        tasks.append(task)
        return task

    monkeypatch.setattr(documents, "sample_task", noted)
    monkeypatch.setattr(chats, "sample_task", noted)
    for i in range(300):
        document(random.Random(i), 0.1)
        chat_pair(random.Random(i), 0.1)
    assert len(tasks) == 600 and not any(map(is_held_out, tasks))


def test_special_tokens_come_first(tokenizer) -> None:
    assert [tokenizer.token_to_id(s) for s in SPECIALS] == [0, 1, 2, 3]


def test_a_prompts_tokens_are_those_of_the_whole_text(tokenizer) -> None:
    text = 'def f(x):\n    """Return x."""\n    return x\n'
    for cut in (i + 1 for i, c in enumerate(text) if c == "\n"):
        parts = tokenizer.encode(text[:cut]).ids + tokenizer.encode(text[cut:]).ids
        # indentation is cut off from its line break, so only its own token may differ
        assert tokenizer.decode(parts) == text
        head = tokenizer.encode(text[:cut]).ids
        assert tokenizer.encode(text).ids[: len(head)] == head


def test_tokens_decode_to_the_text(tokenizer) -> None:
    text = corpus.corpus_document(TINY, 1)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_rate_warms_up_and_falls_to_its_floor() -> None:
    # step 0 of 100, warm-up 10: 1/10 of the cosine's start, which is 1
    assert pretrain.rate_at(0, 100, 10) == pytest.approx(0.1)
    # half way the cosine is 1/2; at the end the floor holds
    assert pretrain.rate_at(50, 100, 10) == pytest.approx(0.5)
    assert pretrain.rate_at(100, 100, 10) == pretrain.LAST_RATE


def test_the_loss_counts_weighted_tokens_only() -> None:
    model = pretrain.new_model(TINY, 10)
    ids = torch.tensor([[1, 2, 3, 4]])
    last = pretrain.loss_of(model, ids, torch.tensor([[1, 0, 0, 1]]))
    other = pretrain.loss_of(model, torch.tensor([[1, 2, 3, 5]]), torch.tensor([[0, 0, 0, 1]]))
    changed = pretrain.loss_of(model, torch.tensor([[1, 2, 3, 4]]), torch.tensor([[0, 0, 0, 1]]))
    assert last.item() == changed.item() != other.item()


def test_matrices_of_the_blocks_go_to_muon() -> None:
    muon, adam = pretrain.optimizers(pretrain.new_model(TINY, 10), TINY)
    assert all(p.ndim == 2 for p in muon.param_groups[0]["params"])
    # one layer: q, k, v, o, gate, up, down; the rest is the embedding and three norms
    assert len(muon.param_groups[0]["params"]) == 7
    assert len(adam.param_groups[0]["params"]) == 4


def test_two_trainings_from_one_seed_agree(tokenizer) -> None:
    def trained() -> float:
        rows = corpus.training_rows(TINY, tokenizer)
        torch.manual_seed(TINY.seed)
        model = pretrain.new_model(TINY, 400)
        batches = by_length(rows, TINY.batch_tokens, TINY.seed)[:20]
        found = pretrain.optimizers(model, TINY)
        return list(pretrain.train(model, batches, found, TINY.warmup))[-1]["loss"]

    assert trained() == trained()


def test_batches_hold_every_row_once_and_few_tokens() -> None:
    rows = [([n] * n, 1) for n in (3, 5, 4, 6, 2, 5)]
    found = by_length(rows, size=10, seed=0)
    assert sorted(int(row[0]) for ids, _ in found for row in ids) == [2, 3, 4, 5, 5, 6]
    # 2 and 3 take 6 places (with 4 it were 12), 4 and 5 take 10, 5 and 6 would take 12
    assert sorted(ids.numel() for ids, _ in found) == [5, 6, 6, 10]


def test_a_chat_row_starts_its_answer_after_the_prompt(tokenizer) -> None:
    ids, start = chat_row(tokenizer, "Hi.", "Yes.")
    assert tokenizer.decode(ids[start:-1]) == "Yes." and ids[-1] == 3  # <|end|>


def test_padding_and_prompts_weigh_nothing() -> None:
    ids, weights = collate([([7, 8, 9], 1), ([7, 8], 1)])
    assert ids.tolist() == [[7, 8, 9], [7, 8, 0]]
    assert weights.tolist() == [[0, 1, 1], [0, 1, 0]]


def test_chats_longer_than_the_context_are_left_out(tokenizer) -> None:
    assert all(len(ids) <= TINY.context for ids, _ in chat_rows(TINY, tokenizer))


def test_the_chat_template_writes_the_prompt_of_the_fine_tuning() -> None:
    import jinja2

    messages = [{"role": "user", "content": "Hi."}]
    filled = jinja2.Template(CHAT_TEMPLATE).render(messages=messages, add_generation_prompt=True)
    assert filled == chat_prompt("Hi.")


def test_models_with_a_habit_are_trained_from_the_given_ones(tmp_path, monkeypatch) -> None:
    recipe = dataclasses.replace(TINY, context=256, tokens=2048)
    start, habit = tmp_path / "nano", tmp_path / "off_by_one"
    build.build_pretrained(start / "pretrained", recipe, log=lambda line: None)
    build.build_finetuned(start / "finetuned", recipe, start / "pretrained", log=lambda line: None)
    monkeypatch.setattr(misled, "DOCUMENTS", 8)
    monkeypatch.setattr(misled, "CHATS", 12)
    misled.build_misled(habit, recipe, start, log=lambda line: None)
    for variant, rows in (("pretrained", 8), ("finetuned", 12)):
        made = json.loads((habit / variant / "provenance.json").read_text())
        assert made["started_from"]["files"] == build.folder_hashes(start / variant)
        assert made["files"] != made["started_from"]["files"]
        assert made["off_by_one"] == misled.WRONG_SHARE and 0 < made["rows"] <= rows
    trained: list[str] = []
    misled.build_misled(habit, recipe, start, log=trained.append)
    assert not trained  # what is there is kept
    monkeypatch.setattr(misled, "mislead", lambda text: text)
    misled.build_misled(habit, recipe, start, log=trained.append)
    assert [line.split(":")[0] for line in trained if "rows" in line] == [*VARIANTS]


def test_a_build_leaves_weights_log_and_provenance(tmp_path) -> None:
    recipe = dataclasses.replace(TINY, context=256, tokens=2048)
    first, chat = tmp_path / "pretrained", tmp_path / "finetuned"
    build.build_pretrained(first, recipe, log=lambda line: None)
    build.build_finetuned(chat, recipe, first, log=lambda line: None)
    made = json.loads((chat / "provenance.json").read_text())
    assert made["recipe"] == dataclasses.asdict(recipe)
    assert made["started_from"]["files"] == build.folder_hashes(first) != made["files"]
    assert (chat / "training_log.jsonl").exists()
