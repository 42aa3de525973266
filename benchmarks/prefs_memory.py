"""Peak memory and time of the preference pipeline as the number of instructions grows.

    python benchmarks/prefs_memory.py pipeline 1000 50000 [--responses 10]
    python benchmarks/prefs_memory.py extract 1000 50000

Each size runs in a process of its own and prints one row. `pipeline` runs every real step from a
file of candidates to the data card: reading, prompts, `generate`, parsing, resumable writing,
outcomes, pairs. Only the model and the sandbox are scripted: an engine that answers at once, and a
sandbox that says by the program's text whether it passes. `extract` runs the filters, the type
check and the search for duplicates over synthetic functions, one in a hundred thrown out.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from codealign.markdown import pipe_table

RESPONSE = """```python
def add(numbers, {name}):
    \"\"\"Return the numbers, each with {name} added; {filler}.\"\"\"
    return [number + {name} + {added} for number in numbers]
```
### Tests
```python
assert add([1, 2], 3) == [4, 5]
assert add([], 1) == []
```
"""


class Scripted:
    """An engine that answers at once; one response in three is right."""

    def chat(self, content: str) -> str:
        """Return the message itself."""
        return content

    def complete(self, jobs: Iterable, settings: object, stop: object) -> Iterator:
        """Yield the scripted completion of each job."""
        from codealign.generate import Completion

        for job in jobs:
            yield Completion(job.id, job.index, self.text(job), "stop", 100)

    def text(self, job: object) -> str:
        """Return what the prompt's last heading asks for."""
        if job.prompt.endswith("### Concepts\n"):
            return "lists, adding numbers, comprehensions"
        if job.prompt.endswith("### Instruction\n"):
            return f"Write a function that adds {job.id} to each number of a list."
        filler = " ".join(f"word{job.seed % 1000 + i}" for i in range(60))
        return RESPONSE.format(name=f"n{job.seed % 10**6}", filler=filler, added=job.seed % 3)


class ScriptedSandbox:
    """Passes the cases that add nothing but the argument."""

    def run(self, programs: Iterable) -> Iterator:
        """Yield one result per program."""
        from codealign.sandbox import Outcome, Result

        for program in programs:
            cases = ast.literal_eval(program.code.split("\nCASES = ")[-1].splitlines()[0])
            right = ["+ 0 for" in case["code"] for case in cases]
            outputs = [Outcome(1) if r else Outcome(error="AssertionError: ") for r in right]
            verdict = "pass" if program.calls or right[0] else "fail"
            yield Result(
                program.id, verdict, "", "scripted", 0.0, "", outputs if program.calls else []
            )


def pipeline(size: int, responses: int, folder: Path) -> int:
    """Run every step for `size` seeds; return the number of pairs."""
    from codealign.generate import generate
    from codealign.params import Prefs
    from codealign.prefs.pipeline import run_pipeline
    from codealign.records import Seed, write_jsonl

    code = "def f{i}(x):\n    return x + {i}\n" + "# filler\n" * 100
    seeds = (Seed(f"{i:016x}", code.format(i=i), "f", "Add.", "a.py", i) for i in range(size))
    write_jsonl(folder / "candidates.jsonl", seeds)
    made = run_pipeline(
        folder / "candidates.jsonl",
        Prefs(seeds=size, responses=responses),
        partial(generate, engine=Scripted()),
        ScriptedSandbox(),
        folder,
        "non_functional",
        0,
        model="scripted",
        report=lambda line: None,
    )
    return made.pairs


def extract(size: int, responses: int, folder: Path) -> int:
    """Filter `size` synthetic functions; return how many are kept."""
    from codealign.evaluate.functional.registry import prompts_of
    from codealign.prefs.seeds import extract as filtered

    (folder / "corpus").mkdir()
    for start in range(0, size, 100):
        text = "".join(function(i) for i in range(start, min(start + 100, size)))
        (folder / "corpus" / f"m{start}.py").write_text(text)
    return filtered(folder / "corpus", folder / "out.jsonl", prompts_of("nano")).kept


def function(number: int) -> str:
    """Return a documented function of its own words; one in a hundred has no docstring."""
    names = [f"v{(number * 31 + i * 17) % 99991}" for i in range(12)]
    lines = "".join(f"    {n} = first * {i + number} + {i}\n" for i, n in enumerate(names))
    doc = "" if number % 100 == 0 else f'    """Combine numbers in way {number}."""\n'
    return f"def f{number}(first):\n{doc}{lines}    return {' + '.join(names)}\n\n\n"


def child(what: str, size: int, responses: int) -> None:
    """Run one size here and print its measures."""
    os.environ["TQDM_DISABLE"] = "1"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        began = time.process_time()
        made = {"pipeline": pipeline, "extract": extract}[what](size, responses, Path(folder))
        spent = time.process_time() - began
        disk = sum(p.stat().st_size for p in Path(folder).glob("*.jsonl"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak": peak, "cpu": spent, "made": made, "disk": disk / 1e6}))


def main() -> None:
    """Run each size in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("pipeline", "extract"))
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--responses", type=int, default=10)
    parser.add_argument("--child", action="store_true")
    args = parser.parse_args()
    if args.child:
        return child(args.what, args.sizes[0], args.responses)
    rows = []
    for size in args.sizes:
        options = [args.what, str(size), "--responses", str(args.responses), "--child"]
        done = subprocess.run([sys.executable, __file__, *options], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        m = json.loads(done.stdout.splitlines()[-1])
        made, disk = f"{m['made']:,}", f"{m['disk']:.0f}"
        rows.append([f"{size:,}", f"{m['peak']:.0f}", f"{m['cpu']:.0f}", made, disk])
        print(*rows[-1], sep=", ", file=sys.stderr)  # what fails later takes nothing away
    head = ["size", "peak memory, MiB", "CPU, s", "made", "record files, MB"]
    print(pipe_table(head, rows))
    return None


if __name__ == "__main__":
    main()
