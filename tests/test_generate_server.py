"""The server engine against a real local HTTP server that speaks the OpenAI interface."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codealign.errors import CodealignError
from codealign.generate import Request, generate, open_engine
from codealign.generate.server import MAX_SEED, ServerEngine
from codealign.params import Generation
from codealign.records import seed_of

SETTINGS = Generation(temperature=0.7, top_p=0.9, max_new_tokens=11)
ITEMS = [Request("a", "first"), Request("b", "second")]


class Server(ThreadingHTTPServer):
    """Remembers requests; answers with the prompt, or first with the faults in `faults`.

    A fault is a status, or what to do in place of an answer: "cut" ends it amid its body, "text"
    sends what is not JSON, "empty" an answer without a choice.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.times: list[float] = []
        self.faults: list[int | str] = []
        self.finish = "stop"
        self.content: Any = None
        self.most_stops, self.torn = 99, None
        self.message, self.retry_after, self.nap = "no", "0", 0.0
        self.lock, self.running, self.most = threading.Lock(), 0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.seen.append((self.path, body))
            server.times.append(time.monotonic())
            server.running += 1
            server.most = max(server.most, server.running)
            fault = server.faults.pop(0) if server.faults else 200
        time.sleep(server.nap)
        with server.lock:
            server.running -= 1
        self.reply(body, fault)

    def reply(self, body: dict[str, Any], fault: int | str) -> None:
        status = fault if isinstance(fault, int) else 200
        if len(body.get("stop", [])) > self.server.most_stops:
            status, self.server.message = 400, "Invalid 'stop': array too long."
        reply = {"error": {"message": self.server.message}} if status != 200 else self.answer(body)
        if fault == "empty":
            reply["choices"] = []
        data = b"<html>" if fault == "text" else json.dumps(reply).encode()
        if self.server.torn is not None and self.server.torn in body.get("prompt", ""):
            data = b'{"choices": [{"te'
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if fault == "text" else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(data[:20] if fault == "cut" else data)

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.server.finish}
        if self.path.endswith("/chat/completions"):
            text = f"chat: {body['messages'][0]['content']}"
            content = text if self.server.content is None else self.server.content
            choice["message"] = {"role": "assistant", "content": content}
        else:
            choice["text"] = f"plain: {body['prompt']}"
        usage = {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}
        return {"id": "x", "object": "o", "created": 0, "model": "m", "choices": [choice],
                "usage": usage}  # fmt: skip

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = Server()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def ask(server: Server, variant: str = "pretrained", **more: Any) -> dict[str, Any]:
    engine = open_engine("openai", "m", variant, base_url=server.url)
    return {c.id: c for c in generate(ITEMS, engine, SETTINGS, **more)}


def test_a_pretrained_model_is_asked_to_complete(server: Server) -> None:
    answers = ask(server)
    assert {a.text for a in answers.values()} == {"plain: first", "plain: second"}
    assert {path for path, _ in server.seen} == {"/v1/completions"}


def test_a_finetuned_model_is_asked_in_chat(server: Server) -> None:
    assert ask(server, "finetuned")["a"].text == "chat: first"


def test_settings_and_stop_strings_are_passed_on(server: Server) -> None:
    ask(server, stop=["###"])
    body = server.seen[0][1]
    assert (body["model"], body["temperature"], body["top_p"]) == ("m", 0.7, 0.9)
    assert (body["max_tokens"], body["stop"]) == (11, ["###"])


def test_each_sample_is_sent_its_own_seed(server: Server) -> None:
    ask(server, n=2, seed=5)
    sent = {body["seed"] for _, body in server.seen}
    assert sent == {seed_of(5, i, k) & MAX_SEED for i in "ab" for k in range(2)}


def test_tokens_and_finish_are_the_servers(server: Server) -> None:
    server.finish = "length"
    assert {(a.tokens, a.finish) for a in ask(server).values()} == {(5, "length")}


@pytest.mark.parametrize("fault", [429, 500, 503, "cut"])
def test_a_passing_fault_is_tried_again(server: Server, fault: int | str) -> None:
    server.faults = [fault]
    answers = ask(server)
    assert {a.text for a in answers.values()} == {"plain: first", "plain: second"}
    assert len(server.seen) == 3


def test_the_wait_that_the_server_asks_for_is_kept(server: Server) -> None:
    server.faults, server.retry_after = [429], "1"
    engine = open_engine("openai", "m", "pretrained", base_url=server.url)
    assert len(list(generate(ITEMS[:1], engine, SETTINGS))) == 1
    assert server.times[1] - server.times[0] >= 1


@pytest.mark.parametrize("fault", [429, 500, "cut"])
def test_a_fault_that_does_not_pass_ends_with_its_reason(server: Server, fault: int | str) -> None:
    server.faults = [fault] * 10
    engine = ServerEngine("m", base_url=server.url, retries=1)
    with pytest.raises(CodealignError, match=server.url):
        list(generate(ITEMS[:1], engine, SETTINGS))
    assert len(server.seen) == 2


@pytest.mark.parametrize("fault", ["text", "empty"])
def test_an_answer_without_a_choice_is_an_error_not_a_text(server: Server, fault: str) -> None:
    server.faults = [fault]
    with pytest.raises(CodealignError, match="request a without a choice"):
        list(
            generate(
                ITEMS[:1], open_engine("openai", "m", "pretrained", base_url=server.url), SETTINGS
            )
        )


def test_a_prompt_beyond_the_context_is_an_overflow_and_the_rest_goes_on(server: Server) -> None:
    server.faults = [400]
    server.message = "This model's maximum context length is 8 tokens."
    engine = ServerEngine("m", base_url=server.url, in_flight=1)
    found = list(generate(ITEMS, engine, SETTINGS))
    assert [(c.id, c.finish) for c in found] == [("a", "overflow"), ("b", "stop")]


def test_requests_under_way_are_bounded_and_items_read_as_they_are_needed(server: Server) -> None:
    read = itertools.count()
    items = (Request(str(next(read)), "x") for _ in itertools.count())
    server.nap = 0.02
    engine = ServerEngine("m", base_url=server.url, in_flight=3)
    made = generate(items, engine, SETTINGS)
    assert len(list(itertools.islice(made, 12))) == 12
    made.close()
    assert 2 <= server.most <= 3
    assert next(read) <= 12 + 3


def test_answers_under_way_are_not_lost_to_anothers_fault(server: Server) -> None:
    server.faults, server.nap = [400], 0.1
    engine = ServerEngine("m", base_url=server.url, in_flight=2)
    got: list[str] = []
    with pytest.raises(CodealignError, match="failed"):
        for completion in generate(ITEMS, engine, SETTINGS):
            got.append(completion.text)
    assert len(got) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "key refused"), (404, "no model 'm'"), (400, "request . failed")],
)
def test_a_lasting_fault_ends_with_its_reason(server: Server, status: int, words: str) -> None:
    server.faults = [status] * 2
    with pytest.raises(CodealignError, match=words):
        ask(server)


def test_a_server_that_is_not_there_is_named(server: Server) -> None:
    engine = ServerEngine("m", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(CodealignError, match="http://127.0.0.1:9/v1: no answer"):
        list(generate(ITEMS, engine, SETTINGS))


def test_a_reply_in_parts_is_their_text(server: Server) -> None:
    server.content = [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "a"}, "b"]
    assert ask(server, "finetuned")["a"].text == "ab"


def test_half_a_surrogate_pair_becomes_the_replacement_character(server: Server) -> None:
    server.content = "s = '\ud83d'"
    assert ask(server, "finetuned")["a"].text == "s = '\ufffd'"


def test_stop_strings_that_a_server_refuses_are_cut_here(server: Server) -> None:
    server.most_stops = 4
    found = ask(server, stop=["1", "2", "3", "4", "irst"])
    assert (found["a"].text, found["b"].text) == ("plain: f", "plain: second")
    assert {len(body["stop"]) for _, body in server.seen} == {5, 4}


def test_a_server_that_takes_no_stop_string_gets_none(server: Server) -> None:
    server.most_stops = 0
    assert ask(server, stop=["irst"])["a"].text == "plain: f"


def test_a_reply_that_is_never_json_is_an_empty_completion_beside_others(server: Server) -> None:
    server.torn = "first"
    found = ask(server)
    assert (found["a"].text, found["a"].finish) == ("", "malformed")
    assert found["b"].text == "plain: second"


def test_a_server_that_never_sends_json_is_no_row_of_empty_answers(server: Server) -> None:
    server.torn = ""
    with pytest.raises(CodealignError, match="sends no JSON"):
        ask(server)


def test_a_reasoning_model_is_asked_without_what_it_refuses(server: Server) -> None:
    engine = open_engine("openai", "reasoning:o9", "finetuned", base_url=server.url)
    assert len(list(generate(ITEMS, engine, SETTINGS, stop=["x"]))) == 2
    body = server.seen[0][1]
    assert set(body) == {"model", "messages", "max_completion_tokens"}
    assert (body["model"], body["max_completion_tokens"]) == ("o9", 11)


def test_a_refused_parameter_is_named_with_the_way_out(server: Server) -> None:
    server.faults, server.message = [400] * 2, "Unsupported parameter: 'max_tokens'"
    with pytest.raises(CodealignError, match="`max_tokens`.*`reasoning:m`"):
        ask(server)


def test_a_long_wait_is_named(server: Server) -> None:
    server.faults, server.retry_after = [503] * 2, "600.5"
    with pytest.raises(CodealignError, match="asks to wait for 601 s"):
        ask(server)


def test_the_public_service_needs_a_key(server: Server) -> None:
    with pytest.raises(CodealignError, match="set OPENAI_API_KEY, or base_url"):
        open_engine("openai", "gpt", "finetuned")
