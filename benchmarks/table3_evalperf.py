"""How the study's EvalPerf column (Table 3, F3) goes with the pass@1 columns beside it.

    python benchmarks/table3_evalperf.py

Prints one JSON line per variant: Pearson's correlation over its 20 rows (5 models, 4 stages) with
MBPP+ and with the mean of HumanEval+ and MBPP+. See docs/how-to/evaluate.md for what follows.
"""

from __future__ import annotations

import json

from codealign.analysis.scores import published


def main() -> None:
    """Compute and print."""
    found = published().query("requirement == 'functional'")
    wide = found.pivot_table(
        index=["model", "variant", "stage"], columns="benchmark", values="value"
    ).reset_index()
    for variant, rows in wide.groupby("variant"):
        mean = rows.humaneval_plus + rows.mbpp_plus
        row = {"variant": variant, "rows": len(rows)}
        row["with_mbpp_plus"] = round(rows.evalperf.corr(rows.mbpp_plus), 3)
        row["with_mean_of_plus"] = round(rows.evalperf.corr(mean), 3)
        print(json.dumps(row))


if __name__ == "__main__":
    main()
