"""What a judge costs: an estimate before it starts, a ledger of what was spent, and a limit.

No tokenizer of a remote model is at hand, so tokens of a prompt are estimated from its bytes; what
is booked afterwards is the server's own count. Money is in US dollars.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from codealign.errors import CodealignError
from codealign.evaluate.judges.replies import Reply
from codealign.paths import DATA

BYTES_PER_TOKEN = 3.5
"""Of English with code; OpenAI's rule of thumb for English alone is 4."""
CAUTION = 1.5
"""What may be needed is taken as this many times the estimated prompt."""
USUAL_REPLY = 150
"""Tokens of a short reasoning with a rating."""
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens each way, and where the price is from."""

    input: float
    output: float
    source: str

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Return the dollars for a number of tokens."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / MILLION


@cache
def _listed() -> dict[str, Any]:
    return yaml.safe_load((DATA / "judge_prices.yaml").read_text(encoding="utf-8"))


def price_of(
    model: str, base_url: str = "", given: tuple[float, float] = (0.0, 0.0), batch: bool = False
) -> Price | None:
    """Return a model's price; None if it is not known.

    Parameters
    ----------
    base_url : the server; the listed prices are OpenAI's and hold for no other.
    given : the user's own price per million tokens in and out; (0, 0) takes the listed one.
    batch : the Batch API's price (only the listed price is reduced; a given one is taken as is).
    """
    if any(given):
        return Price(*given, "the user's settings")
    listed = _listed()["models"].get(model)
    if listed is None or (base_url and "api.openai.com" not in base_url):
        return None
    share = _listed()["batch_share"] if batch else 1.0
    source = f"{listed['source']}, read {_listed()['read']}"
    return Price(share * listed["input"], share * listed["output"], source)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def estimate(
    prompts: Sequence[str], paid: int, price: Price | None, in_flight: int, batch: bool
) -> str:
    """Return a line on what asking these prompts will take.

    Parameters
    ----------
    prompts : those still to be asked; `paid` more are in the cache.
    """
    sent = sum(tokens_of(p) for p in prompts)
    received = USUAL_REPLY * len(prompts)
    cost = "price not known (set codal.price_input and codal.price_output)"
    if price is not None:
        cost = f"about {price.of(sent, received):.2f} USD ({price.source})"
    pace = _listed()["seconds_per_reply"]
    minutes = math.ceil(len(prompts) / in_flight) * pace / 60
    time = f"about {max(minutes, 0.1):.1f} min at {pace:g} s per reply"
    time = "up to 24 h (Batch API)" if batch else time
    count = f"{len(prompts)} requests ({paid} more already paid)"
    return f"{count}, about {sent:,} tokens out and {received:,} back; {cost}; {time}"


class SpendingLimit:
    """Keeps what a judge spends within a limit.

    Before a request the most it may cost is reserved; its reply replaces that by the server's own
    count. The ledger is shared by all jobs of a run: each sees what the others have booked, but
    not what they have under way.

    Parameters
    ----------
    limit : US dollars that all requests in the ledger together may cost; 0 sets no limit.
    price : the model's; None if not known.
    ledger : JSON Lines file of what was paid; None keeps it for this call alone.
    longest : tokens that a reply may have.

    Raises
    ------
    CodealignError
        There is a limit and no price.
    """

    def __init__(
        self, limit: float, price: Price | None, ledger: Path | None, longest: int
    ) -> None:
        if limit and price is None:
            raise CodealignError(
                "codal.spend_limit is set, but the model's price is not known: set "
                "codal.price_input and codal.price_output (US dollars per million tokens)"
            )
        self.limit, self.price, self.ledger, self.longest = limit, price, ledger, longest
        self.reserved = self._spent = 0.0
        self._read = 0

    @property
    def spent(self) -> float:
        """Dollars booked so far, by every job that shares the ledger."""
        if self.ledger is not None and self.ledger.exists():
            with self.ledger.open("rb") as file:
                file.seek(self._read)
                whole = file.read().rpartition(b"\n")[0]
            self._read += len(whole) + bool(whole)
            self._spent += sum(json.loads(line)["usd"] for line in whole.splitlines())
        return self._spent

    def most(self, prompt: str) -> float:
        """Return the dollars that a request may cost at most."""
        if self.price is None:
            return 0.0
        return self.price.of(CAUTION * tokens_of(prompt), self.longest)

    def reserve(self, dollars: float) -> bool:
        """Set dollars aside for what is about to be sent; False if the limit does not allow it."""
        if self.limit and self.spent + self.reserved + dollars > self.limit:
            return False
        self.reserved += dollars
        return True

    def release(self, dollars: float) -> None:
        """Give back what was set aside and is not needed."""
        self.reserved -= dollars

    def book(self, key: str, prompt: str, reply: Reply | None) -> None:
        """Write down what a request cost: by the server's count, else by the estimate.

        Parameters
        ----------
        reply : None for a reply that could not be read: it may have been charged all the same.
        """
        if self.price is None:
            return
        reply = reply or Reply("")
        sent = reply.prompt_tokens or tokens_of(prompt)
        received = reply.completion_tokens or tokens_of(reply.text)
        line = {"reply": key, "sent": sent, "received": received}
        line["usd"] = round(self.price.of(sent, received), 8)
        if self.ledger is None:
            self._spent += line["usd"]
            return
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        with self.ledger.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def exhausted(self, judge: str, waiting: int, needed: float) -> CodealignError:
        """Return the error that stops a judge cleanly at its limit."""
        return CodealignError(
            f"judge {judge!r}: spending limit reached: {self.spent:.4f} of {self.limit:g} USD are "
            f"spent and the next request may cost {needed:.4f}; {waiting} answers wait. What was "
            "rated is kept: raise codal.spend_limit and run again to continue"
        )
