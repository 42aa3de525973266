"""What a judge costs: estimate, ledger and a limit that stops it cleanly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.codal import rate
from codealign.evaluate.judges import open_judge
from codealign.evaluate.judges.replies import Reply
from codealign.evaluate.judges.spending import Price, SpendingLimit, estimate, price_of, tokens_of

DEAR = Price(1_000_000.0, 2_000_000.0, "test")  # a dollar for a token in, two for one out


def budget(limit: float = 0.0, ledger: Path | None = None) -> SpendingLimit:
    return SpendingLimit(limit, DEAR, ledger, longest=10)


def test_a_listed_price_has_source_and_date() -> None:
    price = price_of("gpt-3.5-turbo")
    assert (price.input, price.output) == (0.5, 1.5)
    assert "developers.openai.com" in price.source and "read 2026-" in price.source


def test_the_batch_api_costs_half() -> None:
    single, batch = price_of("gpt-4-turbo"), price_of("gpt-4-turbo", batch=True)
    assert (batch.input, batch.output) == (single.input / 2, single.output / 2)


def test_a_given_price_replaces_the_list() -> None:
    price = price_of("gpt-4-turbo", given=(3.0, 4.0), batch=True)
    assert (price.input, price.output) == (3.0, 4.0)


def test_the_listed_prices_hold_for_no_other_server() -> None:
    assert price_of("gpt-4-turbo", "http://localhost:8000/v1") is None
    assert price_of("some-model") is None


def test_tokens_are_estimated_from_bytes() -> None:
    assert tokens_of("a" * 35) == 10
    assert tokens_of("é" * 35) == 20  # two bytes each


def test_the_estimate_by_hand() -> None:
    # 2 prompts of 10 tokens and 2 replies of 150: 20 * 1 + 300 * 2 = 620 dollars;
    # 2 requests one after the other at 4 s are 8 s = 0.13 min
    line = estimate(["a" * 35, "b" * 35], paid=3, price=DEAR, in_flight=1, batch=False)
    assert line.startswith("2 requests (3 more already paid), about 20 tokens out and 300 back")
    assert "about 620.00 USD (test)" in line and "about 0.1 min at 4 s per reply" in line


def test_the_estimate_of_a_batch_gives_its_window() -> None:
    assert "up to 24 h" in estimate(["a"], 0, None, 8, batch=True)


def test_an_unknown_price_is_said() -> None:
    assert "price not known (set codal.price_input" in estimate(["a"], 0, None, 8, False)


def test_a_request_is_booked_by_the_servers_count(tmp_path: Path) -> None:
    ledger = tmp_path / "spending.jsonl"
    budgeted = budget(ledger=ledger)
    budgeted.book("k", "a" * 35, Reply("fine", "", False, 7, 3))
    assert json.loads(ledger.read_text()) == {"reply": "k", "sent": 7, "received": 3, "usd": 13.0}
    assert budgeted.spent == 13


def test_without_a_count_it_is_booked_by_the_estimate() -> None:
    budgeted = budget()
    budgeted.book("k", "a" * 35, Reply("b" * 7))  # 10 in, 2 out
    budgeted.book("k", "a" * 35, None)  # could not be read: 10 in
    assert budgeted.spent == 14 + 10


def test_the_most_a_request_may_cost_by_hand() -> None:
    # 1.5 times 10 tokens in, and the longest reply, 10 tokens, out
    assert budget().most("a" * 35) == 15 + 20


def test_a_reservation_beyond_the_limit_is_refused() -> None:
    budgeted = budget(limit=50)
    assert budgeted.reserve(30) and not budgeted.reserve(21)
    budgeted.release(30)
    assert budgeted.reserve(50)


def test_jobs_share_the_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "spending.jsonl"
    first, second = budget(50, ledger), budget(50, ledger)
    first.book("k", "", Reply("", "", False, 20, 0))
    assert second.spent == 20
    first.book("k", "", Reply("", "", False, 20, 0))
    assert second.spent == 40 and not second.reserve(11)


def test_a_line_of_another_job_that_is_half_written_is_read_later(tmp_path: Path) -> None:
    ledger = tmp_path / "spending.jsonl"
    ledger.write_text('{"usd": 1.0}\n{"us')
    budgeted = budget(ledger=ledger)
    assert budgeted.spent == 1
    ledger.write_text('{"usd": 1.0}\n{"usd": 2.0}\n')
    assert budgeted.spent == 3


def test_a_limit_without_a_price_is_refused() -> None:
    with pytest.raises(CodealignError, match="the model's price is not known"):
        open_judge("judge", base_url="http://localhost:1/v1", spend_limit=1.0)


def test_the_limit_stops_cleanly_and_a_higher_one_continues(
    serve, good, answers, tmp_path: Path
) -> None:
    # a reply costs 100 in and 20 out at a dollar each: 120; a prompt of about 1.9 kB may cost
    # 1.5 * 540 + 1024 = 1,834 at most, so with 3,000 there is room for a few of ten answers
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    options = {"base_url": server.url, "in_flight": 1, "cache": tmp_path / "replies"}
    options["price"] = (1e6, 1e6)
    file = tmp_path / "ratings.jsonl"
    with pytest.raises(CodealignError, match="raise codal.spend_limit and run again"):
        rate(answers(20), open_judge("judge", **options, spend_limit=3000), file)
    asked = len(server.prompts)
    assert 0 < asked < 20
    ratings = rate(answers(20), open_judge("judge", **options, spend_limit=30_000), file)
    assert [r.rating for r in ratings] == [4.0] * 20
    assert len(server.prompts) == 20


def test_what_was_spent_stays_within_the_limit(serve, good, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    judge = open_judge(
        "judge", base_url=server.url, in_flight=4, cache=tmp_path, price=(1e6, 1e6),
        spend_limit=9000,
    )  # fmt: skip
    with pytest.raises(CodealignError, match="spending limit reached"):
        list(judge.rate(answers(80)))
    assert 0 < judge.budget.spent <= 9000


def test_the_judges_estimate_knows_what_is_paid(serve, good, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    judge = open_judge("judge", base_url=server.url, cache=tmp_path)
    list(judge.rate(answers(3)))
    assert judge.estimate(answers(5)).startswith("2 requests (3 more already paid)")
    assert len(server.prompts) == 3
