"""The seed filters over the standard library: one type check for all against one per function.

    python benchmarks/seed_filters.py [--single 40]

Prints CPU seconds (children included) of reading and filtering the running Python's library without
the type check, of the type check of all candidates in one call, and of `--single` calls for one
candidate each, in the same run; then the ratio of the two type checks, per function.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

from codealign.markdown import pipe_table
from codealign.params import Filters, Prefs
from codealign.prefs.filters import faulty
from codealign.prefs.seeds import extract
from codealign.records import Seed, read_jsonl


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a call, its child processes included, and its result."""

    def used() -> float:
        both = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
        return sum(u.ru_utime + u.ru_stime for u in both)

    began = used()
    result = work()
    return used() - began, result


def main(single: int) -> None:
    """Print a Markdown table and the ratio."""
    settings = Prefs(filters=Filters(type_check=False))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidates.jsonl"
        plain_s, found = cpu(lambda: extract("stdlib", path, settings=settings))
        codes = [seed.code for seed in read_jsonl(path, Seed)]
    together_s, bad = cpu(lambda: faulty(codes))
    alone_s, _ = cpu(lambda: [faulty([code]) for code in codes[:single]])
    rows = [
        (f"reading and all other filters, {found.kept} kept", found.read["functions"], plain_s),
        (f"type check, one call, {len(bad)} faulty", len(codes), together_s),
        ("type check, a call each", single, alone_s),
    ]
    cells = [
        (what, f"{count:,}", f"{seconds:.2f}", f"{1000 * seconds / count:.2f}")
        for what, count, seconds in rows
    ]
    print(pipe_table(["what", "functions", "CPU, s", "ms per function"], cells))
    ratio = (alone_s / single) / (together_s / len(codes))
    print(f"\none call for all is {ratio:.0f} times as fast as a call each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--single", type=int, default=40)
    main(parser.parse_args().single)
