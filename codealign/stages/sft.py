"""Stage 2: supervised fine-tuning on the chosen responses (paper, section 3)."""

from __future__ import annotations

from codealign.records import Pair, read_jsonl
from codealign.stages.job import StageJob
from codealign.train.data import used_pairs
from codealign.train.run import TrainResult
from codealign.train.sft import train_sft


def run_sft(job: StageJob) -> TrainResult:
    """Train an adapter on the chosen responses of the job's pairs; continue a run cut short."""
    pairs = used_pairs(read_jsonl(job.pairs, Pair), job.settings, job.seed)
    return train_sft(pairs, job.model, job.cell.variant, job.settings, job.folder, job.seed)
