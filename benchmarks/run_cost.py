"""What a run cost, stage by stage, and how much of it was not spent inside stages.

    python benchmarks/run_cost.py runs/nano

Reads the times papermill wrote into each executed cell and the driver's `cost.json`. Orchestration
is the share of wall time during which no notebook cell was running: planning, Snakemake, starting
kernels, saving notebooks, writing the report.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from codealign.markdown import pipe_table

Interval = tuple[float, float]


def cell_times(notebook: Path) -> list[Interval]:
    """Return (start, end) of each executed cell, in seconds since 1970."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    found = [cell["metadata"].get("papermill", {}) for cell in cells]
    return [
        tuple(datetime.fromisoformat(f[key]).timestamp() for key in ("start_time", "end_time"))
        for f in found
        if f.get("start_time") and f.get("end_time")
    ]


def covered(intervals: list[Interval]) -> float:
    """Return the length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def main(run: Path) -> None:
    """Print a Markdown table of the run's stages and a closing line."""
    cost = json.loads((run / "cost.json").read_text(encoding="utf-8"))
    stages: dict[str, list[list[Interval]]] = defaultdict(list)
    for notebook in sorted((run / "notebooks").glob("*.ipynb")):
        stages[notebook.stem.split("-")[0]].append(cell_times(notebook))
    rows = []
    for name, jobs in stages.items():
        inside = [sum(end - start for start, end in cells) for cells in jobs]
        rows.append([name, len(jobs), f"{sum(inside):.0f}", f"{max(inside):.0f}"])
    print(pipe_table(["notebook", "jobs", "seconds inside, all jobs", "longest"], rows))
    busy = covered([cell for jobs in stages.values() for cells in jobs for cell in cells])
    share = 1 - busy / cost["seconds"]
    print(
        f"\n{cost['jobs']} jobs on {cost['cores']} cores: {cost['seconds'] / 60:.1f} min, "
        f"orchestration {share:.1%}, peak memory {cost['peak_mb'] / 1024:.1f} GiB"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
