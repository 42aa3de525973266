"""The Batch API against a real local server: upload, create, poll, download, failing lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.codal import rate
from codealign.evaluate.judges import batches, open_judge

BROKEN = (500, {}, b'{"error": {"message": "oops"}}')


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "poll_s", 0.01)


def judge(server, **options):
    return open_judge("judge", base_url=server.url, batch=True, **options)


def test_every_answer_is_rated_in_one_batch(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    ratings = {r.id: r.rating for r in judge(server).rate(answers(12))}
    assert ratings == {a.id: 7.0 for a in answers(12)}
    assert len(server.batches.made) == 1 and server.prompts == []


def test_it_asks_what_single_requests_ask(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    list(judge(server).rate(answers(1)))
    (line,) = [json.loads(x) for x in server.batches.files["file-0"].splitlines()]
    list(open_judge("judge", base_url=server.url).rate(answers(1)))
    assert line["body"] == server.bodies[0]
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")


def test_failing_lines_go_into_another_batch(serve, good, answers) -> None:
    server = serve(lambda k, prompt: BROKEN if k in (1, 3) else good("Rating: [[7]]"))
    ratings = list(judge(server).rate(answers(5)))
    assert sorted(r.id for r in ratings) == [f"p{i}" for i in range(5)]
    assert {r.rating for r in ratings} == {7.0}
    assert len(server.batches.asked) == 5 + 2


@pytest.mark.parametrize("kind", ["lost", "torn"])
def test_lines_that_are_missing_or_cut_are_asked_for_again(serve, good, answers, kind) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    setattr(server.batches, kind, {2})
    assert [r.rating for r in judge(server).rate(answers(4))] == [7.0] * 4
    assert len(server.batches.asked) == 5


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (BROKEN, "server error 500 in 3 tries"),
        ((400, {}, b"{}"), "the server refused the request (400)"),
        ((429, {}, b"{}"), "request failed (429) in 3 batches"),
        ((200, {}, b'{"choices": []}'), "malformed reply in 3 batches"),
    ],
)
def test_a_line_that_always_fails_is_unrated(serve, good, answers, sent, reason) -> None:
    server = serve(lambda k, prompt: sent if "Task 1." in prompt else good("Rating: [[7]]"))
    ratings = {r.id: r for r in judge(server).rate(answers(3))}
    assert (ratings["p1"].rating, ratings["p1"].reason) == (None, reason)
    assert ratings["p0"].rating == ratings["p2"].rating == 7


def test_a_refused_parameter_stops_by_its_name(serve, answers) -> None:
    body = b'{"error": {"message": "Unsupported parameter", "param": "max_tokens"}}'
    server = serve(lambda k, prompt: (400, {}, body))
    with pytest.raises(CodealignError, match="refuses the parameter `max_tokens`"):
        list(judge(server).rate(answers(3)))


def test_what_failed_in_every_batch_is_sent_again_in_the_next_run(
    serve, good, answers, tmp_path: Path
) -> None:
    broken = [True]
    server = serve(lambda k, p: BROKEN if broken[0] and "Task 1." in p else good("Rating: [[7]]"))
    path = tmp_path / "r.jsonl"
    first = rate(answers(3), judge(server, cache=tmp_path), path)
    assert [r.rating for r in first] == [7, None, 7]
    broken[0] = False
    again = rate(answers(3), judge(server, cache=tmp_path), path)
    assert [r.rating for r in again] == [7, 7, 7]


def test_a_paid_reply_is_in_no_further_batch(serve, good, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    list(judge(server, cache=tmp_path).rate(answers(3)))
    list(judge(server, cache=tmp_path).rate(answers(5)))
    assert len(server.batches.asked) == 5


def test_after_a_kill_the_batch_is_found_again(
    serve, good, answers, tmp_path: Path, monkeypatch
) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))

    def killed(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batches.time, "sleep", killed)
    with pytest.raises(KeyboardInterrupt):
        list(judge(server, cache=tmp_path).rate(answers(4)))
    monkeypatch.undo()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    monkeypatch.setattr(batches, "poll_s", 0.01)
    assert len(list(judge(server, cache=tmp_path).rate(answers(4)))) == 4
    assert len(server.batches.made) == 1


def test_what_an_expired_batch_gave_is_kept_and_the_rest_sent_again(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    server.batches.status, server.batches.lost = "expired", {3}
    assert len(list(judge(server).rate(answers(4)))) == 4
    assert len(server.batches.asked) == 5


def test_a_batch_that_failed_stops_and_another_is_sent_next_time(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    server.batches.status = "failed"
    with pytest.raises(CodealignError, match="batch batch_0 failed; look at it in the account"):
        list(judge(server).rate(answers(2)))
    server.batches.status = "completed"
    assert len(list(judge(server).rate(answers(2)))) == 2


def test_a_large_set_is_sent_in_several_batches(serve, good, answers, monkeypatch) -> None:
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    assert len({r.id for r in judge(server).rate(answers(5))}) == 5
    assert len(server.batches.made) == 3


def test_of_several_batches_that_a_kill_left_under_way_none_is_paid_twice(
    serve, good, answers, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    retrieved = []

    def killed(seconds: float) -> None:
        retrieved.append(seconds)
        if len(retrieved) == 2:  # the first part's replies are there, the second's are not
            raise KeyboardInterrupt

    monkeypatch.setattr(batches.time, "sleep", killed)
    with pytest.raises(KeyboardInterrupt):
        list(judge(server, cache=tmp_path).rate(answers(6)))
    monkeypatch.setattr(batches.time, "sleep", lambda seconds: None)
    assert len(list(judge(server, cache=tmp_path).rate(answers(6)))) == 6
    assert len(server.batches.asked) == 6 and len(server.batches.made) == 3


def test_a_batch_beyond_the_limit_is_not_sent(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    with pytest.raises(CodealignError, match="spending limit reached: 0.0000 of 0.001 USD"):
        list(judge(server, spend_limit=0.001, price=(1.0, 1.0)).rate(answers(5)))
    assert server.batches.made == []


def test_an_unreachable_server_stops_with_advice(answers, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    nobody = open_judge("judge", base_url="http://127.0.0.1:9/v1", batch=True)
    nobody.retries = 0
    with pytest.raises(CodealignError, match="cannot be reached; start it"):
        list(nobody.rate(answers(2)))
