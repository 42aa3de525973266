"""The judge behind a real client, against a real local server that misbehaves."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.judges import open_judge
from codealign.evaluate.judges.openai_judge import OpenAIJudge

SLOW_DOWN = (429, {"Retry-After": "1"}, b'{"error": {"message": "slow down"}}')
QUICKLY = {"retry-after-ms": "10"}
BROKEN = (500, QUICKLY, b'{"error": {"message": "oops"}}')


def judge(server, **options) -> OpenAIJudge:
    return OpenAIJudge("judge", base_url=server.url, **options)


def test_every_answer_is_rated_once(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Fine.\nRating: [[7]]"))
    found = list(judge(server).rate(answers(12)))
    assert sorted(r.id for r in found) == sorted(a.id for a in answers(12))
    assert {r.rating for r in found} == {7.0}
    assert len(server.prompts) == 12


def test_it_asks_at_temperature_zero_for_its_model(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    list(judge(server).rate(answers(1)))
    assert (server.bodies[0]["temperature"], server.bodies[0]["model"]) == (0, "judge")


def test_no_more_requests_are_under_way_than_allowed(serve, good, answers) -> None:
    def script(k, prompt):
        time.sleep(0.05)
        return good("Rating: [[7]]")

    server = serve(script)
    list(judge(server, in_flight=3).rate(answers(12)))
    assert server.busiest == 3


def test_a_rate_limit_is_waited_for_as_long_as_the_server_says(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]") if k else SLOW_DOWN)
    (found,) = judge(server).rate(answers(1))
    assert found.rating == 7
    assert server.times[1] - server.times[0] >= 1.0


def test_with_a_fifth_of_the_requests_failing_all_ratings_arrive(serve, good, answers) -> None:
    server = serve(lambda k, prompt: BROKEN if k % 5 == 2 else good("Rating: [[6]]"))
    found = list(judge(server).rate(answers(50)))
    assert sorted(r.id for r in found) == sorted(a.id for a in answers(50))
    assert {r.rating for r in found} == {6.0}


def test_a_server_error_that_stays_leaves_the_answer_unrated(serve, good, answers) -> None:
    server = serve(lambda k, prompt: BROKEN if "Task 1." in prompt else good("Rating: [[6]]"))
    found = {r.id: r for r in judge(server, retries=2).rate(answers(3))}
    assert (found["p1"].rating, found["p1"].reason) == (None, "server error 500 in 3 tries")
    assert found["p0"].rating == found["p2"].rating == 6


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("No opinion.", "no rating in the reply"),
        ("Rating: 11", "rating 11 is outside 1 to 10"),
        ("Rating: [[2]] Rating: [[9]]", "different ratings: 2, 9"),
    ],
)
def test_a_reply_without_a_clear_rating_is_unrated(serve, good, answers, reply, reason) -> None:
    server = serve(lambda k, prompt: good(reply))
    (found,) = judge(server).rate(answers(1))
    assert (found.rating, found.reason) == (None, reason)


def test_malformed_json_is_asked_for_again_and_then_unrated(serve, good, answers) -> None:
    server = serve(lambda k, prompt: (200, {}, b'{"choices": [{"mess'))
    (found,) = judge(server).rate(answers(1))
    assert (found.rating, found.reason) == (None, "malformed reply in 3 tries")
    assert len(server.prompts) == 3


def test_one_malformed_reply_is_overcome(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[5]]") if k else (200, {}, b'{"choices": []}'))
    (found,) = judge(server).rate(answers(1))
    assert found.rating == 5


def test_a_refused_request_is_unrated(serve, answers) -> None:
    server = serve(lambda k, prompt: (400, {}, b'{"error": {"message": "repeated tokens"}}'))
    (found,) = judge(server).rate(answers(1))
    assert (found.rating, found.reason) == (None, "the server refused the request (400)")


def test_a_refusal_of_the_model_is_unrated(serve, answers) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": "no"}}
    body = json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()
    server = serve(lambda k, prompt: (200, {}, body))
    (found,) = judge(server).rate(answers(1))
    assert (found.rating, found.reason) == (None, "the model refused to judge")


def test_a_refused_key_stops_with_advice_and_without_the_key(serve, answers) -> None:
    body = b'{"error": {"message": "bad key sk-secret-of-the-test"}}'
    server = serve(lambda k, prompt: (401, {}, body))
    with pytest.raises(CodealignError, match="refuses the key in OPENAI_API_KEY") as caught:
        list(judge(server).rate(answers(3)))
    assert "sk-secret" not in str(caught.value)


def test_an_unreachable_server_stops_with_advice(serve, answers) -> None:
    nobody = OpenAIJudge("judge", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(CodealignError, match="cannot be reached; start it"):
        list(nobody.rate(answers(2)))


def test_a_server_that_never_answers_stops_with_advice(serve, good, answers) -> None:
    def script(k, prompt):
        time.sleep(0.6)
        return good("Rating: [[5]]")

    with pytest.raises(CodealignError, match="no reply within 0.2 s in 1 tries"):
        list(judge(serve(script), retries=0, timeout_s=0.2).rate(answers(1)))


def test_a_paid_reply_is_not_asked_for_again(serve, good, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    first = list(judge(server, cache=tmp_path).rate(answers(5)))
    again = list(judge(server, cache=tmp_path).rate(answers(6)))
    assert len(server.prompts) == 6
    assert {r.id: r for r in again}["p0"] == {r.id: r for r in first}["p0"]


def test_what_was_paid_before_an_error_is_kept(serve, good, answers, tmp_path: Path) -> None:
    denied = (401, {}, b"{}")
    server = serve(lambda k, prompt: denied if k == 3 else good("Rating: [[4]]"))
    with pytest.raises(CodealignError):
        list(judge(server, cache=tmp_path, in_flight=1).rate(answers(5)))
    assert len(list(judge(server, cache=tmp_path, in_flight=1).rate(answers(5)))) == 5
    assert len(server.prompts) == 6  # 3 kept, 1 denied, 2 more


def test_a_malformed_reply_is_not_cached(serve, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: (200, {}, b"{"))
    list(judge(server, cache=tmp_path).rate(answers(1)))
    assert not list(tmp_path.rglob("*.json"))


def test_the_key_is_written_nowhere(serve, good, answers, tmp_path: Path) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    found = list(judge(server, cache=tmp_path).rate(answers(2)))
    assert server.keys == {"Bearer sk-secret-of-the-test"}
    kept = "".join(p.read_text() for p in tmp_path.rglob("*.json"))
    assert "sk-secret" not in kept + str(found) + str(vars(judge(server)))


def test_stopping_early_leaves_no_request_behind(serve, good, answers) -> None:
    def script(k, prompt):
        time.sleep(0.05)
        return good("Rating: [[4]]")

    server = serve(script)
    ratings = judge(server, in_flight=2).rate(answers(50))
    next(ratings)
    ratings.close()
    asked = len(server.prompts)
    time.sleep(0.2)
    assert len(server.prompts) == asked < 10


def test_it_works_inside_a_running_event_loop(serve, good, answers) -> None:
    import asyncio

    server = serve(lambda k, prompt: good("Rating: [[4]]"))

    async def notebook_cell() -> int:
        return len(list(judge(server).rate(answers(2))))

    assert asyncio.run(notebook_cell()) == 2


def test_a_missing_key_is_an_early_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(CodealignError, match="set OPENAI_API_KEY in the environment"):
        open_judge("gpt-3.5-turbo")


def test_a_server_of_ones_own_needs_no_key(serve, good, answers, monkeypatch) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    monkeypatch.delenv("OPENAI_API_KEY")
    (found,) = open_judge("judge", base_url=server.url).rate(answers(1))
    assert found.rating == 4


def test_twenty_in_flight_hide_the_servers_latency(serve, good, answers) -> None:
    # 100 answers of 0.1 s, 20 at once: ideally 0.5 s; the first call also opens connections
    def script(k, prompt):
        time.sleep(0.1)
        return good("Rating: [[4]]")

    server = serve(script)
    start = time.monotonic()
    list(judge(server, in_flight=20).rate(answers(100)))
    assert time.monotonic() - start < 3.0
