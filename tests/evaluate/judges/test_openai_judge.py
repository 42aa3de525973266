"""The judge behind a real client, against a real local server that misbehaves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from chat_server import completion

from codealign.errors import CodealignError
from codealign.evaluate.codal import rate
from codealign.evaluate.judges import open_judge
from codealign.evaluate.judges.openai_judge import OpenAIJudge

KILLED = """
from codealign.evaluate.codal import rate
from codealign.evaluate.judges.openai_judge import OpenAIJudge
from codealign.records import DIMENSIONS, Answer

answers = [
    Answer(f"p{{i}}", DIMENSIONS[i % 5], f"Task {{i}}.", "Be brief.", "ref", f"answer {{i}}")
    for i in range(40)
]
judge = OpenAIJudge("judge", base_url="{url}", in_flight=4, cache="{folder}/replies")
rate(answers, judge, "{folder}/r.jsonl")
"""
SLOW_DOWN = (429, {"Retry-After": "1"}, b'{"error": {"message": "slow down"}}')
QUICKLY = {"retry-after-ms": "10"}
BROKEN = (500, QUICKLY, b'{"error": {"message": "oops"}}')


def judge(server, **options) -> OpenAIJudge:
    return OpenAIJudge("judge", base_url=server.url, **options)


def test_every_answer_is_rated_once(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Fine.\nRating: [[7]]"))
    ratings = list(judge(server).rate(answers(12)))
    assert sorted(r.id for r in ratings) == sorted(a.id for a in answers(12))
    assert {r.rating for r in ratings} == {7.0}
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


def retry_at(seconds: float) -> tuple[int, dict[str, str], bytes]:
    """A rate limit until a point in time, as an HTTP date (whole seconds)."""
    return 429, {"Retry-After": formatdate(time.time() + seconds, usegmt=True)}, b"{}"


@pytest.mark.parametrize(
    ("limited", "least"),
    [(lambda: SLOW_DOWN, 1.0), (lambda: retry_at(2.5), 1.2)],
    ids=["seconds", "http_date"],
)
def test_a_rate_limit_is_waited_for_as_long_as_the_server_says(
    serve, good, answers, limited, least
) -> None:
    # the date has no fraction of a second: of 2.5 s at least 1.5 s remain
    server = serve(lambda k, prompt: good("Rating: [[7]]") if k else limited())
    (rating,) = judge(server).rate(answers(1))
    assert rating.rating == 7
    assert server.times[1] - server.times[0] >= least


def test_a_wait_longer_than_the_client_follows_stops_with_the_time(serve, answers) -> None:
    server = serve(lambda k, prompt: (429, {"Retry-After": "600"}, b"{}"))
    with pytest.raises(CodealignError, match="asks to wait for 600 s"):
        list(judge(server).rate(answers(1)))
    assert len(server.prompts) == 1


def test_with_a_fifth_of_the_requests_failing_all_500_ratings_arrive_none_twice(
    serve, good, answers, tmp_path: Path
) -> None:
    lost = (200, {"Content-Length": "999"}, b'{"choices": [')
    limited = (429, QUICKLY, b"{}")
    faults = {2: BROKEN, 7: limited, 12: lost, 17: BROKEN}

    def script(k, prompt):
        return faults.get(k % 20, good("Rating: [[6]]"))

    server = serve(script)
    ratings = rate(answers(500), judge(server, in_flight=16), tmp_path / "ratings.jsonl")
    lines = (tmp_path / "ratings.jsonl").read_text().splitlines()
    assert [r.id for r in ratings] == [json.loads(x)["id"] for x in lines]
    assert len({r.id for r in ratings}) == len(ratings) == 500
    assert {r.rating for r in ratings} == {6.0}
    assert len(server.prompts) > 600  # a fifth of what is sent fails: 500 / 0.8 = 625


def test_a_server_error_that_stays_leaves_the_answer_unrated(serve, good, answers) -> None:
    server = serve(lambda k, prompt: BROKEN if "Task 1." in prompt else good("Rating: [[6]]"))
    by_id = {r.id: r for r in judge(server, retries=2).rate(answers(3))}
    assert (by_id["p1"].rating, by_id["p1"].reason) == (None, "server error 500 in 3 tries")
    assert by_id["p0"].rating == by_id["p2"].rating == 6


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("No opinion.", "no rating in the reply"),
        ("I'm sorry, but I can't rate other people's work.", "no rating in the reply"),
        ("Rating: 11", "rating 11 is outside 1 to 10"),
        ("Rating: [[2]] Rating: [[9]]", "different ratings: 2, 9"),
        ("评分：七", "no rating in the reply"),
    ],
)
def test_a_reply_without_a_clear_rating_is_unrated(serve, good, answers, reply, reason) -> None:
    server = serve(lambda k, prompt: good(reply))
    (rating,) = judge(server).rate(answers(1))
    assert (rating.rating, rating.reason) == (None, reason)


@pytest.mark.parametrize("digits", ["٧", "७", "７"], ids=["arabic", "devanagari", "full_width"])
def test_digits_of_another_language_are_a_rating(serve, good, answers, digits: str) -> None:
    server = serve(lambda k, prompt: good(f"Rating: [[{digits}]]"))
    (rating,) = judge(server).rate(answers(1))
    assert rating.rating == 7


def test_a_reply_that_ended_at_its_longest_says_so(serve, answers) -> None:
    body = completion("It does well, because", finish="length")
    server = serve(lambda k, prompt: (200, {}, body))
    (rating,) = judge(server).rate(answers(1))
    assert rating.reason == "no rating in the reply (it was cut at its longest)"


def test_a_reply_lost_on_the_way_is_asked_for_again(serve, good, answers) -> None:
    half = (200, {"Content-Length": "999"}, b'{"choices": [')
    server = serve(lambda k, prompt: good("Rating: [[5]]") if k else half)
    (rating,) = judge(server).rate(answers(1))
    assert (rating.rating, len(server.prompts)) == (5, 2)


def test_a_slow_reply_is_asked_for_again(serve, good, answers) -> None:
    def script(k, prompt):
        time.sleep(0 if k else 0.6)
        return good("Rating: [[5]]")

    server = serve(script)
    (rating,) = judge(server, timeout_s=0.3).rate(answers(1))
    assert (rating.rating, len(server.prompts)) == (5, 2)


def test_malformed_json_is_asked_for_again_and_then_unrated(serve, good, answers) -> None:
    server = serve(lambda k, prompt: (200, {}, b'{"choices": [{"mess'))
    (rating,) = judge(server).rate(answers(1))
    assert (rating.rating, rating.reason) == (None, "malformed reply in 3 tries")
    assert len(server.prompts) == 3


def test_one_malformed_reply_is_overcome(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[5]]") if k else (200, {}, b'{"choices": []}'))
    (rating,) = judge(server).rate(answers(1))
    assert rating.rating == 5


def test_a_refused_request_is_unrated(serve, answers) -> None:
    server = serve(lambda k, prompt: (400, {}, b'{"error": {"message": "repeated tokens"}}'))
    (rating,) = judge(server).rate(answers(1))
    assert (rating.rating, rating.reason) == (None, "the server refused the request (400)")


def refuses(parameter: str, **more: object):
    """A server that refuses a parameter, as OpenAI's does for its reasoning models."""
    error = {"message": f"Unsupported parameter: '{parameter}'", "param": parameter, **more}
    return 400, {}, json.dumps({"error": {"type": "invalid_request_error", **error}}).encode()


def test_a_refused_parameter_stops_by_its_name_and_is_asked_again(
    serve, good, answers, tmp_path: Path
) -> None:
    open_to_it = [False]

    def script(k, prompt):
        return good("Rating: [[7]]") if open_to_it[0] else refuses("max_tokens")

    server = serve(script)
    with pytest.raises(CodealignError, match="`max_tokens`.*name the model `reasoning:judge`"):
        rate(answers(3), judge(server, cache=tmp_path), tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()
    open_to_it[0] = True
    ratings = rate(answers(3), judge(server, cache=tmp_path), tmp_path / "r.jsonl")
    assert [r.rating for r in ratings] == [7.0] * 3


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"param": "temperature", "message": "no"}, "`temperature`"),
        ({"param": None, "message": "Unrecognized request argument supplied: temperature"},
         "`temperature`"),
        ({"param": None, "code": "model_not_found", "message": "x"}, "has no model 'judge'"),
        ({"param": None, "message": "The model `judge` does not exist."}, "has no model 'judge'"),
    ],
    ids=["param", "words", "code", "model_in_words"],
)  # fmt: skip
def test_what_a_server_refuses_is_named(serve, answers, error, message) -> None:
    server = serve(lambda k, prompt: (400, {}, json.dumps({"error": error}).encode()))
    with pytest.raises(CodealignError, match=message):
        list(judge(server).rate(answers(1)))


def test_a_validation_error_names_its_field(serve, answers) -> None:
    detail = {"detail": [{"loc": ["body", "max_tokens"], "msg": "extra fields not permitted"}]}
    server = serve(lambda k, prompt: (422, {}, json.dumps(detail).encode()))
    with pytest.raises(CodealignError, match="`max_tokens`"):
        list(judge(server).rate(answers(1)))


def test_a_prompt_beyond_the_context_is_one_unrated_answer(serve, good, answers) -> None:
    words = (
        b'{"error": {"message": "This model\'s maximum context length is 8 tokens; max_tokens"}}'
    )
    server = serve(lambda k, p: (400, {}, words) if "Task 1." in p else good("Rating: [[7]]"))
    by_id = {r.id: r for r in judge(server).rate(answers(3))}
    assert by_id["p1"].reason == "the prompt does not fit the model"
    assert by_id["p0"].rating == by_id["p2"].rating == 7


def test_a_server_that_refuses_everything_is_no_row_of_unrated_answers(serve, answers) -> None:
    server = serve(lambda k, prompt: (400, {}, b'{"error": {"message": "no"}}'))
    with pytest.raises(CodealignError, match="refuses the requests"):
        list(judge(server).rate(answers(30)))


def test_a_reasoning_model_is_asked_without_what_it_refuses(serve, good, answers) -> None:
    server = serve(lambda k, prompt: good("Rating: [[7]]"))
    (rating,) = open_judge("reasoning:o9", base_url=server.url).rate(answers(1))
    assert (rating.rating, rating.judge) == (7, "reasoning:o9")
    assert set(server.bodies[0]) == {"model", "messages", "max_completion_tokens"}
    assert (server.bodies[0]["model"], server.bodies[0]["max_completion_tokens"]) == ("o9", 8192)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "headers",
    [
        lambda: {"Retry-After": "600"},
        lambda: {"Retry-After": "599.5"},
        lambda: {"retry-after-ms": "600000"},
        lambda: {"Retry-After": formatdate(time.time() + 600, usegmt=True)},
    ],
    ids=["seconds", "decimals", "milliseconds", "date"],
)
def test_a_long_wait_is_named_and_nothing_is_unrated_for_good(
    serve, good, answers, tmp_path: Path, status: int, headers
) -> None:
    busy = [True]
    server = serve(lambda k, p: (status, headers(), b"{}") if busy[0] else good("Rating: [[7]]"))
    with pytest.raises(CodealignError, match=r"asks to wait for (600|599) s; run again"):
        rate(answers(1), judge(server, cache=tmp_path), tmp_path / "r.jsonl")
    busy[0] = False
    (rating,) = rate(answers(1), judge(server, cache=tmp_path), tmp_path / "r.jsonl")
    assert rating.rating == 7


def test_an_answer_that_a_servers_error_left_unrated_is_asked_again(
    serve, good, answers, tmp_path: Path
) -> None:
    broken = [True]

    def script(k, prompt):
        return BROKEN if broken[0] and "Task 1." in prompt else good("Rating: [[6]]")

    server = serve(script)
    path = tmp_path / "r.jsonl"
    first = rate(answers(3), judge(server, cache=tmp_path, retries=0), path)
    assert [r.rating for r in first] == [6, None, 6]
    broken[0], before = False, len(server.prompts)
    again = rate(answers(3), judge(server, cache=tmp_path, retries=0), path)
    assert [r.rating for r in again] == [6, 6, 6]
    assert len(server.prompts) == before + 1


def test_a_model_that_thought_to_the_end_of_its_room_can_be_given_more(
    serve, answers, tmp_path: Path
) -> None:
    def script(k, prompt):
        if server.bodies[k]["max_tokens"] < 2000:
            return 200, {}, completion(None, "length", reasoning_content="A 6 perhaps")
        return 200, {}, completion("Rating: [[8]]")

    server = serve(script)
    path = tmp_path / "r.jsonl"
    (short,) = rate(answers(1), judge(server, cache=tmp_path), path)
    assert short.reason == "the reply was cut at its longest (1024 tokens) before an answer"
    rate(answers(1), judge(server, cache=tmp_path), path)
    assert len(server.prompts) == 1  # the same room: paid for once
    (long,) = rate(answers(1), judge(server, cache=tmp_path, max_tokens=4000), path)
    assert (long.rating, len(server.prompts)) == (8, 2)


def test_a_thinking_block_and_a_list_of_parts_hide_no_rating(serve, answers) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Rating: [[3]]"}]},
        {"type": "text", "text": "Clear.\n"},
        {"type": "text", "text": "Rating: [[8]]"},
    ]
    texts = [completion("<think>\nRating: [[5]]\n</think>\n\nRating: 8"), completion(parts)]
    server = serve(lambda k, prompt: (200, {}, texts[k % 2]))
    assert {r.rating for r in judge(server).rate(answers(4))} == {8.0}


def test_an_estimate_needs_no_key(monkeypatch: pytest.MonkeyPatch, answers) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert "4 requests" in open_judge("gpt-4-turbo", paying=False).estimate(answers(4))


def test_a_refusal_of_the_model_is_unrated(serve, answers, tmp_path: Path) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": "no"}}
    body = json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()
    server = serve(lambda k, prompt: (200, {}, body))
    (rating,) = judge(server, cache=tmp_path).rate(answers(1))
    assert (rating.rating, rating.reason) == (None, "the model refused to judge")
    (again,) = judge(server, cache=tmp_path).rate(answers(1))
    assert again == rating and len(server.prompts) == 1  # a refusal was paid for too


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


def test_answers_with_the_same_words_share_a_request(serve, good, answers) -> None:
    first, second = answers(2)
    same = replace(first, id="other")
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    by_id = {r.id: r.rating for r in judge(server).rate([first, same, second])}
    assert by_id == {"p0": 4, "other": 4, "p1": 4} and len(server.prompts) == 2


def test_a_reply_that_a_power_cut_left_empty_is_asked_for_again(
    serve, good, answers, tmp_path: Path
) -> None:
    server = serve(lambda k, prompt: good("Rating: [[4]]"))
    list(judge(server, cache=tmp_path).rate(answers(1)))
    next(tmp_path.glob("??/*.json")).write_text("")
    (rating,) = judge(server, cache=tmp_path).rate(answers(1))
    assert (rating.rating, len(server.prompts)) == (4, 2)


def test_killed_in_the_middle_it_resumes_without_asking_twice(
    serve, good, answers, tmp_path: Path
) -> None:
    # the first 20 requests are answered, all others wait until the judge has been killed
    killed = threading.Event()

    def script(k, prompt):
        if k >= 20 and not killed.is_set():
            killed.wait(30)
            return 500, {}, b"{}"
        return good("Rating: [[4]]")

    server = serve(script)
    code = KILLED.format(url=server.url, folder=tmp_path)
    process = subprocess.Popen([sys.executable, "-c", code])
    while len(list(tmp_path.glob("replies/??/*.json"))) < 20 or len(server.prompts) < 24:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    killed.set()
    answered, before = set(server.prompts[:20]), len(server.prompts)
    ratings = rate(answers(40), judge(server, cache=tmp_path / "replies"), tmp_path / "r.jsonl")
    assert [r.rating for r in ratings] == [4.0] * 40
    assert not answered & set(server.prompts[before:])
    assert len(server.prompts) == before + 20


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
    ratings = list(judge(server, cache=tmp_path).rate(answers(2)))
    assert server.keys == {"Bearer sk-secret-of-the-test"}
    kept = "".join(p.read_text() for p in tmp_path.rglob("*.json"))
    assert "sk-secret" not in kept + str(ratings) + str(vars(judge(server)))


def test_stopping_early_leaves_no_request_behind(serve, good, answers) -> None:
    def script(k, prompt):
        time.sleep(0.05)
        return good("Rating: [[4]]")

    server = serve(script)
    ratings = judge(server, in_flight=2).rate(answers(50))
    next(ratings)
    ratings.close()
    time.sleep(0.2)  # what was on its way has arrived
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
    (rating,) = open_judge("judge", base_url=server.url).rate(answers(1))
    assert rating.rating == 4
