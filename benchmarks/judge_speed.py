"""How close a judge at a server comes to its ideal pace, and the pace of the static judge.

    python benchmarks/judge_speed.py [--answers 500] [--latency 0.1] [--in-flight 8 16] [--rounds 3]

The server is a process of its own that speaks the chat API and answers after `latency` seconds. The
ideal is ceil(answers / in flight) * latency. Ratings are written as a run writes them: reply cache,
resumable file, ledger. Prints one JSON line: ratio of wall time to the ideal (best and median of
the rounds), CPU milliseconds of the client per answer, and answers per second of the static judge.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from codealign.evaluate.codal import load_problems, rate
from codealign.evaluate.judges import open_judge
from codealign.records import Answer

USAGE = {"prompt_tokens": 500, "completion_tokens": 60, "total_tokens": 560}
MESSAGE = {"role": "assistant", "content": "It does what was asked.\nRating: [[7]]"}
CHOICE = {"index": 0, "finish_reason": "stop", "message": MESSAGE}
HEAD = {"id": "c1", "object": "chat.completion", "created": 0, "model": "judge"}
BODY = json.dumps({**HEAD, "choices": [CHOICE], "usage": USAGE}).encode()
REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    + f"Content-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


async def serve(latency: float) -> None:
    """Answer every request after `latency` seconds; print the port first."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                await asyncio.sleep(latency)
                writer.write(REPLY)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def server(latency: float) -> Iterator[str]:
    """Run `serve` in a process of its own; yield its address."""
    command = [sys.executable, __file__, "--serve", "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


def made(n: int) -> list[Answer]:
    """Return n distinct answers: the embedded references, numbered."""
    problems = load_problems("nano")
    return [
        Answer(f"{p.id}-{i}", p.dimension, p.instruction, p.principle, p.reference,
               f"{p.reference}\n\n# answer {i}")
        for i in range(n)
        for p in (problems[i % len(problems)],)
    ]  # fmt: skip


def timed(answers: list[Answer], **judge: object) -> tuple[float, float]:
    """Rate all answers once; return wall and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        opened = open_judge(**judge, cache=Path(folder) / "replies")
        found = rate(answers, opened, Path(folder) / "ratings.jsonl")
        seconds = time.perf_counter() - wall, time.process_time() - cpu
    assert len(found) == len(answers) and all(r.rating for r in found)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help="be the server")
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.latency))
        return
    answers, row = made(given.answers), {"answers": given.answers, "rounds": given.rounds}
    with server(given.latency) as url:
        for n in given.in_flight:
            ideal = math.ceil(given.answers / n) * given.latency
            judge = {"name": "judge", "base_url": url, "in_flight": n, "price": (0.5, 1.5)}
            times = [timed(answers, **judge) for _ in range(given.rounds)]
            ratios = [wall / ideal for wall, _ in times]
            row[f"ratio_{n}_best"] = round(min(ratios), 2)
            row[f"ratio_{n}_median"] = round(statistics.median(ratios), 2)
            cpu = statistics.median(cpu for _, cpu in times)
            row[f"cpu_ms_an_answer_{n}"] = round(1000 * cpu / given.answers, 2)
    static = [given.answers / timed(answers, name="static")[0] for _ in range(given.rounds)]
    row["static_answers_per_s"] = round(statistics.median(static))
    print(json.dumps(row))


if __name__ == "__main__":
    main()
