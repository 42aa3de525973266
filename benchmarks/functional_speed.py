"""`codealign evaluate` against the evalplus command: time and verdicts on the same samples.

    python benchmarks/functional_speed.py humaneval HumanEvalPlus.jsonl.gz samples.jsonl
        [--every 4] [--workers 2] [--disagreements FILE]

Samples as `functional_mutants.py` makes them. Both run as commands, each first with an empty cache
of expected outputs and then again with a full one, in turns. Prints one JSON line: wall and CPU
seconds of each (of all its processes), the ratios, and how many verdicts differ, by reason. A
sample on which they differ is given to evalplus once more, alone, with ten times the time: if that
changes its verdict, the reason is `time`; `find_zero` is evalplus' fault of HumanEval/32 (see
`codealign.evaluate.functional.oracle`). All other differences are `open`; none are expected.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

PYTHON = sys.executable
Verdict = tuple[bool, bool]


def part_of(file: str, every: int, to: Path) -> dict[str, Any]:
    """Write every n-th problem of a data file; return those by task id."""
    with (gzip.open if file.endswith(".gz") else open)(file, "rt") as lines:
        rows = [json.loads(line) for line in lines if line.strip()][::every]
    to.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {row["task_id"]: row for row in rows}


def samples_of(file: str, problems: dict[str, Any], to: Path) -> int:
    """Write the samples of some problems; return their number."""
    lines = [x for x in Path(file).read_text().splitlines() if json.loads(x)["task_id"] in problems]
    to.write_text("\n".join(lines) + "\n")
    return len(lines)


def timed(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command; return its wall seconds, and the CPU seconds of it and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=sys.stderr)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}


def evalplus(name: str, folder: Path, workers: int) -> dict[str, float]:
    """Run the evalplus command; its results lie beside the samples."""
    (folder / "theirs_eval_results.json").unlink(missing_ok=True)
    command = [PYTHON, "-m", "evalplus.evaluate", "--dataset", name, "--parallel", str(workers)]
    variable = {"humaneval": "HUMANEVAL_OVERRIDE_PATH", "mbpp": "MBPP_OVERRIDE_PATH"}[name]
    environment = {variable: str(folder / "data.jsonl"), "XDG_CACHE_HOME": str(folder)}
    return timed([*command, "--samples", str(folder / "theirs.jsonl")], environment)


def ours(name: str, folder: Path, workers: int) -> dict[str, float]:
    """Run our command on the same files."""
    command = [PYTHON, "-m", "codealign.cli", "evaluate", name, "--workers", str(workers)]
    command += ["--samples", str(folder / "theirs.jsonl"), "--data", str(folder / "data.jsonl")]
    command += ["--cache", str(folder / "cache"), "--out", str(folder / "out")]
    return timed(command, {})


def verdicts(file: Path) -> dict[tuple[str, int], Verdict]:
    """Whether each sample passes base, and base and plus."""
    rows = json.loads(file.read_text())["eval"]
    return {
        (task_id, i): (r["base_status"] == "pass", r["base_status"] == r["plus_status"] == "pass")
        for task_id, found in rows.items()
        for i, r in enumerate(found)
    }


def alone(name: str, folder: Path, task_id: str, solution: str) -> Verdict:
    """evalplus' verdict on one sample, with ten times the time."""
    from evalplus.data.mbpp import mbpp_deserialize_inputs
    from evalplus.eval import untrusted_check
    from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS
    from evalplus.gen.util import trusted_exec

    rows = map(json.loads, (folder / "data.jsonl").read_text().splitlines())
    row = next(r for r in rows if r["task_id"] == task_id)
    entry, passed = row["entry_point"], []
    for suite in ("base_input", "plus_input"):
        inputs = row[suite] if name != "mbpp" else mbpp_deserialize_inputs(task_id, row[suite])
        wanted, times = trusted_exec(
            row["prompt"] + row["canonical_solution"], inputs, entry, record_time=True,
            output_not_none=name == "mbpp" and entry in MBPP_OUTPUT_NOT_NONE_TASKS,
        )  # fmt: skip
        status, _ = untrusted_check(
            name, solution, inputs, entry, wanted, row["atol"], times, fast_check=True,
            min_time_limit=10, gt_time_limit_factor=40,
        )  # fmt: skip
        passed.append(status == "pass")
    return passed[0], all(passed)


def compare(name: str, folder: Path) -> list[dict[str, Any]]:
    """Return the samples with other verdicts, each with its reason."""
    own = verdicts(folder / "out" / "samples_eval_results.json")
    other = verdicts(folder / "theirs_eval_results.json")
    attempts = [json.loads(x) for x in (folder / "out" / "attempts.jsonl").read_text().splitlines()]
    by_key = {(a["task_id"], a["index"]): a for a in attempts}
    found = []
    for key in own:
        if own[key] == other[key]:
            continue
        a = by_key[key]
        reason = "open"
        if key[0] == "HumanEval/32":
            reason = "find_zero"
        elif alone(name, folder, key[0], a["solution"]) == own[key]:
            reason = "time"
        both = {"sample": key, "ours": own[key], "evalplus": other[key], "reason": reason}
        found.append(both | {k: a[k] for k in ("kind", "detail", "solution")})
    assert own.keys() == other.keys()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("benchmark", choices=("humaneval", "mbpp"))
    parser.add_argument("data")
    parser.add_argument("samples")
    parser.add_argument("--every", type=int, default=1, help="take every n-th problem")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--disagreements", type=Path, help="file for the samples that differ")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        problems = part_of(args.data, args.every, folder / "data.jsonl")
        n = samples_of(args.samples, problems, folder / "theirs.jsonl")
        row: dict[str, Any] = {"benchmark": args.benchmark, "problems": len(problems), "samples": n}
        for state in ("cold", "warm"):
            row[f"ours_{state}"] = ours(args.benchmark, folder, args.workers)
            row[f"evalplus_{state}"] = evalplus(args.benchmark, folder, args.workers)
            for unit in ("wall_s", "cpu_s"):
                ratio = row[f"ours_{state}"][unit] / row[f"evalplus_{state}"][unit]
                row[f"{unit[:-2]}_ratio_{state}"] = round(ratio, 2)
        differ = compare(args.benchmark, folder)
        row["disagreements"] = dict(Counter(d["reason"] for d in differ))
        row["cache_mb"] = round(
            sum(p.stat().st_size for p in (folder / "cache").iterdir()) / 1e6, 1
        )
    if args.disagreements:
        args.disagreements.write_text("".join(json.dumps(d) + "\n" for d in differ))
    print(json.dumps(row))


if __name__ == "__main__":
    main()
