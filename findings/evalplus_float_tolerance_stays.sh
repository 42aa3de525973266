#!/bin/sh
# evalplus 0.3.1: whether a whole number is compared exactly depends on the tests before it. Where a
# problem has no tolerance and a float is expected, 1e-6 is set for that test and stays for all later
# ones of the suite; they are then compared by numpy.allclose with its relative 1e-7, so that a wrong
# whole number passes if it is large. The same tests in another order fail the same solution.
#
# Seen (a solution that is 5 too large at 2,000,000,000; expected there: 1,000,000,000):
#   tests [1], [2000000000]    pass
#   tests [2000000000], [1]    fail
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile evalplus==0.3.1 datasets==4.8.5 \
  numpy==2.4.6 tree-sitter==0.26.1 tree-sitter-python==0.25.0 || exit 2
cd "$folder" && mkdir -p .cache/evalplus
export HOME="$folder" HUMANEVAL_OVERRIDE_PATH="$folder/problems.jsonl"
env/bin/python - <<'PYTHON'
import json

PROMPT = 'def half(n):\n    """Half of n, whole where it is."""\n'
WRONG = "def half(n):\n    return n // 2 + 5 * (n > 10**9) if n % 2 == 0 else n / 2\n"
with open("problems.jsonl", "w") as problems, open("samples.jsonl", "w") as samples:
    for task, tests in (("HumanEval/0", [[1], [2 * 10**9]]), ("HumanEval/1", [[2 * 10**9], [1]])):
        row = {"task_id": task, "prompt": PROMPT, "entry_point": "half", "contract": "",
               "canonical_solution": "    return n // 2 if n % 2 == 0 else n / 2\n",
               "base_input": tests, "plus_input": [[4]], "atol": 0}
        problems.write(json.dumps(row) + "\n")
        samples.write(json.dumps({"task_id": task, "solution": WRONG}) + "\n")
PYTHON
env/bin/python -m evalplus.evaluate --dataset humaneval --samples samples.jsonl --parallel 1 \
  > /dev/null 2>&1
env/bin/python - <<'PYTHON'
import json

results = json.load(open("samples_eval_results.json"))["eval"]
seen = [results[task][0]["base_status"] for task in ("HumanEval/0", "HumanEval/1")]
for tests, status in zip(("[1], [2000000000]", "[2000000000], [1]"), seen):
    print(f"tests {tests}    {status}")
raise SystemExit(seen != ["pass", "fail"])
PYTHON
