"""What the trainer logged, as a table to draw from."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from codealign.errors import CodealignError
from codealign.records import read_jsonl

SFT_COLUMNS = ("step", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "elapsed_s")
ALIGN_COLUMNS = (
    *SFT_COLUMNS,
    "gap",
    "accuracy",
    "log_ratio_chosen",
    "log_ratio_rejected",
    "log_prob_chosen",
    "log_prob_rejected",
    "kl",
)


def curves(log: Path | str) -> pd.DataFrame:
    """Return one row for each logged step of a `trainer_log.jsonl`.

    Columns: step, epoch, loss (nats), grad_norm (before clipping), learning_rate, tokens and
    elapsed_s (both from the start); for alignment also gap (nats), accuracy (share of pairs with a
    gap above 0), of either response the mean log pi/pi_ref and log pi (nats), and kl (nats per
    token, as `trainers.Divergence` defines it; NaN at the steps where it was not estimated).

    Raises
    ------
    CodealignError
        No such log, or nothing logged yet.
    """
    entries = [e for e in read_jsonl(log, dict) if "loss" in e]
    if not entries:
        raise CodealignError(f"{log}: no step logged yet")
    table = pd.DataFrame(entries).rename(columns={"num_input_tokens_seen": "tokens"})
    columns = ALIGN_COLUMNS if "gap" in table else SFT_COLUMNS
    return table.reindex(columns=list(columns))


def ends(log: Path | str) -> tuple[float, float]:
    """Return the loss at the start and at the end of training, in nats.

    Each is the mean of a tenth of the logged steps, at least five, never more than half: the loss
    of a single mini-batch varies more than training changes it.
    """
    loss = curves(log).loss
    part = max(1, min(max(5, len(loss) // 10), len(loss) // 2))
    return float(loss.head(part).mean()), float(loss.tail(part).mean())
