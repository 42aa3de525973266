"""Generation in this process: the same sample wherever an item stands, and where it ends."""

from __future__ import annotations

import copy
import itertools
import math
import re
import time
from pathlib import Path

import pytest
import torch
from tiny import make_tiny, tiny_llama, tiny_tokenizer
from tokenizers import AddedToken
from transformers import MistralConfig, MistralForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from codealign.errors import CodealignError
from codealign.generate import (
    Completion,
    Request,
    cut_at_stop,
    generate,
    open_engine,
    windows,
)
from codealign.generate.cache import grouped_attention
from codealign.generate.local import (
    WINDOW,
    LocalEngine,
    _Batch,
    generators,
    gumbel,
    nucleus,
    pick,
    read_prompts,
    shared_length,
)
from codealign.generate.progress import Progress
from codealign.params import Generation
from codealign.text import encode

ITEMS = [Request(f"item{i}", "hello " + "x" * (5 * i % 17) + str(i)) for i in range(12)]
SAMPLED = Generation(temperature=0.8, max_new_tokens=24, batch_size=16)
GREEDY = Generation(temperature=0.0, max_new_tokens=24, batch_size=5)


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    model = tiny_llama(0)
    model.generation_config.eos_token_id = None
    return LocalEngine(model, tiny_tokenizer("pretrained"))


def run(engine: LocalEngine, items=ITEMS, settings=SAMPLED, n=3, **more) -> dict:
    return {(c.id, c.index): c for c in generate(items, engine, settings, n, **more)}


@pytest.fixture(scope="module")
def samples(engine: LocalEngine) -> dict:
    return run(engine)


def test_every_sample_is_made_once(samples: dict) -> None:
    assert set(samples) == {(item.id, i) for item in ITEMS for i in range(3)}


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_sample_does_not_depend_on_the_batch_size(engine, samples: dict, size: int) -> None:
    settings = SAMPLED.model_copy(update={"batch_size": size})
    assert run(engine, settings=settings) == samples


def test_a_sample_does_not_depend_on_order_or_neighbours(engine, samples: dict) -> None:
    some = run(engine, items=ITEMS[5:2:-1])
    assert some == {key: samples[key] for key in some}


def test_a_sample_does_not_depend_on_how_many_are_drawn(engine, samples: dict) -> None:
    one = run(engine, n=1)
    assert one == {key: samples[key] for key in one}


def test_samples_of_an_item_differ(samples: dict) -> None:
    assert len({samples["item0", i].text for i in range(3)}) == 3


def test_another_seed_gives_other_samples(engine, samples: dict) -> None:
    other = run(engine, seed=1)
    assert all(other[key].text != samples[key].text for key in samples)


def test_done_samples_are_not_made_again(engine, samples: dict) -> None:
    done = set(samples) - {("item3", 1)}
    assert list(generate(ITEMS, engine, SAMPLED, 3, done=done)) == [samples["item3", 1]]


def test_greedy_is_what_the_library_generates(engine) -> None:
    found = run(engine, settings=GREEDY, n=1)
    for item in ITEMS:
        ids = torch.tensor([engine.tokenizer(item.prompt)["input_ids"]])
        out = engine.model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=257)
        text = engine.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        assert found[item.id, 0].text == text


def test_several_greedy_samples_are_refused(engine) -> None:
    with pytest.raises(CodealignError, match="3 greedy samples would be equal"):
        generate(ITEMS, engine, GREEDY, 3)


def test_two_items_with_one_id_are_refused(engine) -> None:
    with pytest.raises(CodealignError, match="share the id 'item0'"):
        list(generate([ITEMS[0], ITEMS[0]], engine, GREEDY))


def test_an_empty_prompt_is_refused_by_name(engine) -> None:
    with pytest.raises(CodealignError, match="empty prompt in request bad"):
        list(generate([Request("bad", "")], engine, GREEDY))


def test_a_completion_cut_at_its_longest_says_so(samples: dict) -> None:
    longest = [c for c in samples.values() if c.tokens == 24]
    assert longest and all(c.finish == "length" for c in longest)


def test_a_completion_ends_at_the_end_token_and_leaves_it_out(engine) -> None:
    # Make an end token of what greedy decoding writes third.
    written = greedy_ids(engine)
    model = tiny_llama(0)
    model.generation_config.eos_token_id = [written[2]]
    found = run(LocalEngine(model, engine.tokenizer), settings=GREEDY, n=1)["item0", 0]
    before = written.index(written[2])
    assert (found.finish, found.tokens) == ("stop", before + 1)
    assert found.text == engine.tokenizer.decode(written[:before])


def greedy_ids(engine) -> list[int]:
    """Return the ids that greedy decoding writes behind the first prompt."""
    prompt = torch.tensor([engine.tokenizer(ITEMS[0].prompt)["input_ids"]])
    out = engine.model.generate(prompt, max_new_tokens=24, do_sample=False, pad_token_id=257)
    return out[0, prompt.shape[1] :].tolist()


def test_a_stop_string_that_is_a_special_token_leaves_nothing_behind_it(engine) -> None:
    # Make a special token of what greedy decoding writes second: decoding leaves it out.
    written = greedy_ids(engine)
    tokenizer = copy.deepcopy(engine.tokenizer)
    stop = tokenizer.convert_ids_to_tokens(written[1])
    tokenizer.add_tokens(AddedToken(stop, special=True))
    found = run(LocalEngine(engine.model, tokenizer), settings=GREEDY, n=1, stop=[stop])["item0", 0]
    before = written.index(written[1])
    assert (found.finish, found.tokens) == ("stop", before + 1)
    assert found.text == engine.tokenizer.decode(written[:before])


def test_a_stop_string_ends_a_completion_and_is_cut_off(engine) -> None:
    whole = run(engine, settings=GREEDY, n=1)
    for key, completion in whole.items():
        stop = completion.text[5:8]
        found = run(engine, settings=GREEDY, n=1, stop=[stop])[key]
        assert found.finish == "stop"
        assert found.text == completion.text[: completion.text.index(stop)]


def test_a_stop_string_saves_the_steps_behind_it(engine) -> None:
    stop = run(engine, settings=GREEDY, n=1)["item0", 0].text[2:5]
    assert run(engine, settings=GREEDY, n=1, stop=[stop])["item0", 0].tokens <= 8


def test_the_earliest_of_several_stop_strings_counts() -> None:
    assert cut_at_stop("one two three", ["three", "two"]) == "one "


def test_a_text_without_a_stop_string_is_not_cut() -> None:
    assert cut_at_stop("one", ["two"]) is None


def test_a_prompt_that_fills_the_context_is_an_overflow_not_an_answer(engine) -> None:
    (found,) = generate([Request("long", "x" * 512)], engine, GREEDY)
    assert found == Completion("long", 0, "", "overflow", 0)


def test_a_completion_ends_with_the_context(engine) -> None:
    (found,) = generate([Request("long", "x" * 500)], engine, GREEDY)
    assert (found.tokens, found.finish) == (12, "length")


def test_an_engine_of_a_model_folder_asks_in_its_chat_format(tmp_path: Path) -> None:
    found = open_engine("transformers", str(make_tiny(tmp_path)), "finetuned")
    assert found.chat("Hi") == "<|user|>\nHi<|end|>\n<|assistant|>\n"


def test_absent_vllm_names_the_other_engine() -> None:
    with pytest.raises(CodealignError, match="vLLM is not installed.*engine: transformers"):
        open_engine("vllm", "nano", "pretrained")


LOGITS = torch.log(torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64))


def numbers(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize(
    ("noise", "token"),
    # ln 0.5 = -0.69, ln 0.3 = -1.20, ln 0.2 = -1.61: the second needs 0.51 more than the first
    [
        ([0, 0, 0], 0),
        ([0, 0.50, 0], 0),
        ([0, 0.52, 0], 1),
        ([0, 0.52, 0.92], 1),
        ([0, 0.52, 0.94], 2),
    ],
)
def test_a_draw_is_the_token_whose_logit_and_noise_are_largest(noise, token: int) -> None:
    assert pick(LOGITS, numbers(noise), 1.0, 1.0).tokens.tolist() == [token]


def test_temperature_sharpens_the_distribution() -> None:
    # At 0.5 the log-probabilities are doubled: the second needs 1.02 more than the first.
    noise = numbers([0, 1.01, 0], [0, 1.03, 0])
    assert pick(LOGITS.repeat(2, 1), noise, 0.5, 1.0).tokens.tolist() == [0, 1]


def test_temperature_0_takes_the_first_of_the_most_likely() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0]])
    assert pick(logits, None, 0.0, 1.0).tokens.tolist() == [1]


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, 1), (0.5, 1), (0.55, 2), (0.8, 2), (0.9, 3)])
def test_the_nucleus_is_the_fewest_tokens_that_hold_top_p(top_p: float, kept: int) -> None:
    p = torch.tensor([[0.3, 0.5, 0.2]], dtype=torch.float64)
    assert (nucleus(p, top_p)[0] > 0).sum().item() == kept


def test_a_token_outside_the_nucleus_is_never_drawn() -> None:
    noise = numbers([0, 0, 9], [9, 0, 99], [0, 9, 99])
    assert pick(LOGITS.repeat(3, 1), noise, 1.0, 0.7).tokens.tolist() == [0, 0, 1]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_samples_follow_the_models_distribution(temperature: float) -> None:
    noise = gumbel(generators(range(20_000)), 3)
    tokens = pick(LOGITS.repeat(20_000, 1), noise, temperature, 1.0).tokens
    shares = torch.bincount(tokens, minlength=3) / 20_000
    wanted = (LOGITS[0] / temperature).softmax(-1).tolist()
    # four standard errors of a share of one half
    assert shares.tolist() == pytest.approx(wanted, abs=4 * math.sqrt(0.25 / 20_000))


def test_a_rows_numbers_depend_on_its_seed_alone() -> None:
    assert torch.equal(gumbel(generators([7, 8]), 5)[1], gumbel(generators([8]), 5)[0])


def test_each_step_has_numbers_of_its_own() -> None:
    rows = generators([7])
    assert not torch.equal(gumbel(rows, 5), gumbel(rows, 5))


@pytest.mark.parametrize(("ahead", "doubtful"), [(0.002, False), (0.0005, True), (-0.0005, True)])
def test_a_draw_within_rounding_of_another_is_doubtful(ahead: float, doubtful: bool) -> None:
    drawn = pick(torch.zeros(1, 3), numbers([1 + ahead, 1, 0]), 1.0, 1.0)
    assert drawn.doubtful.tolist() == [doubtful]


def test_a_greedy_choice_between_near_equals_is_doubtful() -> None:
    logits = torch.tensor([[1.0, 2.0, 2.0005], [1.0, 2.0, 2.1]])
    assert pick(logits, None, 0.0, 1.0).doubtful.tolist() == [True, False]


@pytest.mark.parametrize(
    ("probabilities", "doubtful"),
    [
        ([0.5, 0.3, 0.2], False),
        ([0.69998, 0.2, 0.10002], True),  # 0.7 - 2e-5 before the second token: it may be in or out
        ([0.5, 0.25, 0.24999], True),  # the last token in and the first one out may change places
    ],
)
def test_a_nucleus_that_rounding_could_change_is_doubtful(probabilities, doubtful) -> None:
    assert nucleus(torch.tensor([probabilities], dtype=torch.float64), 0.7)[1].tolist() == [
        doubtful
    ]


def test_a_doubtful_choice_is_made_from_the_row_alone(samples: dict, monkeypatch) -> None:
    """With every choice in doubt, each sample is what a model without batches would draw."""
    model = tiny_llama(0)
    model.generation_config.eos_token_id = None
    engine = LocalEngine(model, tiny_tokenizer("pretrained"))
    monkeypatch.setattr("codealign.generate.local.LOGIT_SLACK", 99.0)
    alone = []
    monkeypatch.setattr(model, "forward", watched(model.forward, alone))
    assert run(engine, items=ITEMS[:2], n=1) == {
        k: samples[k] for k in [("item0", 0), ("item1", 0)]
    }
    assert alone.count(1) >= 2 * 20


def watched(forward, rows: list[int], width: int = 1):
    """Note how many rows each forward pass of at least `width` tokens has."""

    def call(input_ids, **options):
        if input_ids.shape[1] >= width:
            rows.append(len(input_ids))
        return forward(input_ids=input_ids, **options)

    return call


def test_items_are_read_a_bounded_number_ahead(engine) -> None:
    read = itertools.count()
    items = (Request(str(next(read)), "x") for _ in itertools.count())
    settings = SAMPLED.model_copy(update={"batch_size": 2, "max_new_tokens": 1})
    assert len(list(itertools.islice(generate(items, engine, settings), 40))) == 40
    assert next(read) <= 40 + WINDOW * 2


def test_a_sample_does_not_depend_on_the_window(engine, samples: dict, monkeypatch) -> None:
    monkeypatch.setattr("codealign.generate.local.WINDOW", 1)
    assert run(engine, settings=SAMPLED.model_copy(update={"batch_size": 5})) == samples


def test_a_completion_comes_when_it_ends_not_when_its_batch_does(engine, monkeypatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(engine.model, "forward", watched(engine.model.forward, calls))
    made = generate([ITEMS[0], Request("long", "x" * 500)], engine, GREEDY)
    assert next(made).id == "long"  # has room for 12 tokens; the other for all of its 24
    assert len(calls) == 12
    assert (next(made).id, len(calls)) == ("item0", 24)


def endings(engine) -> LocalEngine:
    """Return an engine whose rows end at many different steps."""
    model = tiny_llama(0)
    model.generation_config.eos_token_id = list(range(0, 256, 8))  # one token in eight
    return LocalEngine(model, engine.tokenizer)


FEW_SHOT = [Request(item.id, "an example that all share: " + item.prompt) for item in ITEMS]


@pytest.mark.parametrize("size", [2, 4, 9])
@pytest.mark.parametrize("items", [ITEMS, FEW_SHOT], ids=["own", "shared beginning"])
@pytest.mark.parametrize("stop", [(), ("e", "ab")], ids=["no stop", "stop"])
def test_rows_that_join_a_batch_give_the_samples_made_alone(
    engine, size: int, items: list[Request], stop: tuple[str, ...]
) -> None:
    ending, settings = endings(engine), SAMPLED.model_copy(update={"max_new_tokens": 40})
    alone = run(ending, items, settings.model_copy(update={"batch_size": 1}), stop=stop)
    assert len({completion.tokens for completion in alone.values()}) > 5
    ending.weight_bytes = 10**12  # no padding is too dear for them: every free place is taken
    assert run(ending, items, settings.model_copy(update={"batch_size": size}), stop=stop) == alone


def test_rows_join_near_the_end_of_the_context(engine) -> None:
    ending = endings(engine)
    items = [Request(str(i), "x" * (480 + 3 * i)) for i in range(9)]
    alone = run(ending, items, SAMPLED.model_copy(update={"batch_size": 1}))
    ending.weight_bytes = 10**12
    assert run(ending, items, SAMPLED.model_copy(update={"batch_size": 4})) == alone


def test_a_long_shared_beginning_is_not_read_again_for_a_few_rows(engine, monkeypatch) -> None:
    """Of 200 shared tokens and one free place of 24: the next rows wait for a whole batch."""
    ending, calls = endings(engine), []
    ending.weight_bytes = 10**12
    monkeypatch.setattr(ending.model, "forward", watched(ending.model.forward, calls, width=100))
    items = [Request(item.id, "x" * 200 + item.prompt) for item in ITEMS]
    run(ending, items, SAMPLED.model_copy(update={"batch_size": 4}), n=1)
    assert len(calls) == 3  # 12 prompts, four at a time: the shared beginning of each batch


def test_a_longer_prompt_joins_shorter_ones(engine, monkeypatch) -> None:
    ending = endings(engine)
    alone = run(ending, settings=SAMPLED.model_copy(update={"batch_size": 1}))
    ending.weight_bytes = 10**12
    run_batch = _Batch.run
    monkeypatch.setattr(_Batch, "run", lambda batch, rows: run_batch(batch, rows[::-1]))
    assert run(ending, settings=SAMPLED.model_copy(update={"batch_size": 4})) == alone


def test_rows_join_where_the_weights_outweigh_the_padding_and_save_steps(
    engine, monkeypatch
) -> None:
    ending, calls = endings(engine), {}
    for weight_bytes in (0, 10**12):
        ending.weight_bytes, calls[weight_bytes] = weight_bytes, []
        with monkeypatch.context() as patch:
            forward = watched(ending.model.forward, calls[weight_bytes])
            patch.setattr(ending.model, "forward", forward)
            run(ending, settings=SAMPLED.model_copy(update={"batch_size": 4}))
    assert len(calls[10**12]) < 0.8 * len(calls[0])


def test_before_rows_join_nothing_is_held_of_those_that_ended(engine) -> None:
    prompts = [encode(engine.tokenizer, text) for text in ("x" * 30, "x" * 30 + "y", "short")]
    with torch.inference_mode():
        read, _ = read_prompts(engine, prompts, steps=8)
        read.drop(torch.tensor([True, True, False]))
        read.trim()
    assert read.width == read.mask.shape[1] - 8 == len("short")
    for layer in read.cache.layers:
        assert all(b.shape[0] == 1 and b.shape[2] == len("short") for b in layer.buffers)


def test_no_row_joins_a_sliding_window(engine, monkeypatch) -> None:
    """Its layers forget positions, so that a batch is written to its end; samples stay the same."""
    config = MistralConfig(**tiny_llama(0).config.to_diff_dict() | {"sliding_window": 16})
    torch.manual_seed(0)
    model = MistralForCausalLM(config).eval()
    model.generation_config.eos_token_id = list(range(0, 256, 8))
    windowed, joined = LocalEngine(model, engine.tokenizer), []
    windowed.weight_bytes = 10**12
    join = _Batch._join
    monkeypatch.setattr(
        _Batch, "_join", lambda batch, *new: joined.append(len(batch.rows)) or join(batch, *new)
    )
    together = run(windowed, FEW_SHOT, SAMPLED.model_copy(update={"batch_size": 4}))
    assert joined == [0] * 9  # 36 samples, four at a time into an empty batch
    alone = run(windowed, FEW_SHOT, SAMPLED.model_copy(update={"batch_size": 1}))
    assert together == alone
    assert len({completion.tokens for completion in alone.values()}) > 5


def test_windows_hold_every_item_once_in_order() -> None:
    assert list(windows("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_progress_tells_count_tokens_a_second_and_time_left(capsys) -> None:
    with Progress(5, "answers", initial=2) as bar:
        for index in range(2):
            bar.took(Completion("a", index, "", "stop", 7))
            time.sleep(0.11)  # a bar is drawn ten times a second
    said = capsys.readouterr().err
    assert "answers:" in said and "4/5" in said and "tokens/s" in said
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, ", said)  # time spent, time left


def test_grouped_queries_attend_bit_by_bit_as_by_transformers() -> None:
    """A batch with padding, three query heads for each key, twice the positions that are asked."""
    torch.manual_seed(0)
    module = torch.nn.Module()
    module.num_key_value_groups = 3
    query, (key, value) = torch.randn(2, 6, 1, 8), torch.randn(2, 2, 2, 40, 8)
    mask = torch.ones(2, 1, 1, 40, dtype=torch.bool)
    mask[1, :, :, :7] = False
    ours, theirs = (
        attend(module, query, key, value, mask, scaling=0.3)[0]
        for attend in (grouped_attention, sdpa_attention_forward)
    )
    assert torch.equal(ours, theirs)


def test_an_engine_on_a_cpu_attends_without_copies(engine) -> None:
    assert engine.model.config._attn_implementation == "codealign_grouped"


def test_attention_that_a_user_chose_stays() -> None:
    model = tiny_llama(0)
    model.set_attn_implementation("eager")
    assert LocalEngine(model, tiny_tokenizer("pretrained")).model.config._attn_implementation == (
        "eager"
    )


def test_what_prompts_begin_with_is_read_once(monkeypatch) -> None:
    """Three prompts of one beginning, twenty bytes long: 20 + 3 x 3 tokens instead of 3 x 23."""
    model = tiny_llama(0)
    read: list[tuple[int, ...]] = []
    plain = model.forward

    def watched_shapes(input_ids, **options):
        read.append(tuple(input_ids.shape))
        return plain(input_ids=input_ids, **options)

    monkeypatch.setattr(model, "forward", watched_shapes)
    engine = LocalEngine(model, tiny_tokenizer("pretrained"))
    asked = [Request(end, "x" * 20 + end) for end in ("a", "bc", "def")]
    once = list(generate(asked, engine, GREEDY))
    assert read[:2] == [(1, 20), (3, 3)]
    monkeypatch.setattr("codealign.generate.local.SHARED", 1000)
    read.clear()
    assert {c.id: c for c in generate(asked, engine, GREEDY)} == {c.id: c for c in once}
    assert read[0] == (3, 23)


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([(1,) * 30, (1,) * 20 + (2,)], 20),
        ([(1,) * 30, (1,) * 20], 19),  # the shorter one keeps a token of its own
        ([(1,) * 15 + (2,) * 9, (1,) * 15 + (3,) * 9], 0),  # fewer than pay
        ([(1,) * 30], 0),
    ],
)
def test_the_shared_beginning_leaves_each_prompt_a_token(prompts, shared: int) -> None:
    assert shared_length(prompts) == shared
