"""How fast this machine is with one model, measured in a process of its own before a run.

python -m codealign.workflow.rates MODEL < PROFILE.json
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from codealign.errors import CodealignError
from codealign.params import Generation, Params
from codealign.workflow.environment import job_environment

ENOUGH_S = 8.0
"""Seconds of generation after which no larger batch is tried."""
TRIES = ((4, 8), (32, 32), (128, 64))
"""Sequences and tokens of each, a larger try after a smaller one."""
STEPS, PROGRAMS = 4, 20
CODE = "def clamp(value, low, high):\n    return max(low, min(value, high))\n"


@dataclass(frozen=True)
class Rates:
    """What one job does here: tokens per second, and seconds per program and per start.

    `flops` are those of a trained token and parameter in the training that was measured.
    """

    generated: float
    trained: float
    flops: float
    execution_s: float
    start_s: float


def rates_of(params: Params, model: str) -> Rates:
    """Measure in a process of its own, under a job's environment; about a minute.

    Raises
    ------
    CodealignError
        It failed; gives the last line of its errors.
    """
    command = [sys.executable, "-m", "codealign.workflow.rates", model]
    done = subprocess.run(command, input=params.model_dump_json(), text=True, capture_output=True,
                          env={**os.environ, **job_environment(os.environ)})  # fmt: skip
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise CodealignError(f"measuring this machine's pace: {last}")
    return Rates(**json.loads(lines[-1]))


def measure(params: Params, model: str) -> Rates:
    """Return the rates, measured in this process."""
    generated, start_s = _generation(params, model)
    trained, flops = _training(params, model)
    return Rates(generated, trained, flops, _execution(params), start_s)


def _generation(params: Params, model: str) -> tuple[float, float]:
    import codealign.generate.local  # noqa: F401  (a job finds the libraries imported)
    from codealign.generate import Request, generate, open_engine

    began = time.monotonic()
    engine = open_engine("transformers", model, "pretrained")
    start_s, rate = time.monotonic() - began, 0.0
    for sequences, new in TRIES:
        batch = min(sequences, params.prefs.sampling.batch_size)
        settings = Generation(max_new_tokens=new, batch_size=batch)
        asked = [Request(str(i), f"{CODE}\n\ndef f{i}(") for i in range(batch)]
        since = time.monotonic()
        tokens = sum(completion.tokens for completion in generate(asked, engine, settings))
        took = time.monotonic() - since
        rate = max(rate, tokens / took)
        if took > ENOUGH_S:
            break
    return rate, start_s


def _training(params: Params, model: str) -> tuple[float, float]:
    from codealign.records import Pair
    from codealign.train.sft import train_sft
    from codealign.workflow.work import training_flops

    own = {"max_steps": STEPS, "logging_steps": 1, "save_steps": STEPS, "pairs": 0, "report_to": []}
    settings = params.sft.model_copy(update=own)
    pairs = [Pair(str(i), str(i), f"Write clamp, version {i}.", CODE * 6, CODE)
             for i in range(STEPS * settings.batch_size)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        done = train_sft(pairs, model, "pretrained", settings, Path(folder) / "sft", 0)
    return done.tokens / done.seconds, training_flops(settings, "sft")


def _execution(params: Params) -> float:
    from codealign.sandbox import Program, Sandbox

    test = "\nassert clamp(3, 0, 2) == 2"
    with Sandbox(accept=params.prefs.sandbox) as box:
        list(box.run([Program("warm", CODE + test, cpu_s=2, wall_s=20)]))
        since = time.monotonic()
        list(box.run(Program(str(i), f"{CODE}{test}  # {i}", cpu_s=2, wall_s=20)
                     for i in range(PROGRAMS)))  # fmt: skip
        return (time.monotonic() - since) / PROGRAMS


if __name__ == "__main__":
    profile = Params.model_validate(json.loads(sys.stdin.read()))
    shown, sys.stdout = sys.stdout, sys.stderr  # libraries print as they please
    print(json.dumps(asdict(measure(profile, sys.argv[1]))), file=shown)
