#!/bin/sh
# evalplus 0.3.1: no solution of HumanEval/32 (find_zero) passes, the canonical one included. Its own
# check of the polynomial at the answer succeeds and goes on to the next test without noting this one
# as passed. So pass@1 of HumanEval and HumanEval+ is at most 163 of 164, and the results file names no
# failing test. Shown on a problem of that name and form written for this; real data behave alike.
#
# Seen (the same solution, judged as HumanEval/32 and as another problem without that check):
#   find_zero    base fail, plus fail, failing tests []
#   zero         base pass, plus pass, failing tests []
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

BODY = """    low, high = -100.0, 100.0
    value = lambda x: sum(c * x**i for i, c in enumerate(xs))
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (low, middle) if value(low) * value(middle) <= 0 else (middle, high)
    return low
"""
with open("problems.jsonl", "w") as problems, open("samples.jsonl", "w") as samples:
    for task, name in (("HumanEval/32", "find_zero"), ("HumanEval/0", "zero")):
        prompt = f'def {name}(xs):\n    """A zero of the polynomial, the constant first."""\n'
        tests = {"base_input": [[[1, 2]], [[-6, 2]]], "plus_input": [[[3, -1]]], "atol": 1e-4}
        row = {"task_id": task, "prompt": prompt, "entry_point": name, "contract": "",
               "canonical_solution": BODY, **tests}
        problems.write(json.dumps(row) + "\n")
        samples.write(json.dumps({"task_id": task, "solution": prompt + BODY}) + "\n")
PYTHON
env/bin/python -m evalplus.evaluate --dataset humaneval --samples samples.jsonl --parallel 1 \
  > /dev/null 2>&1
env/bin/python - <<'PYTHON'
import json

results = json.load(open("samples_eval_results.json"))["eval"]
seen = {}
for task, name in (("HumanEval/32", "find_zero"), ("HumanEval/0", "zero")):
    (row,) = results[task]
    seen[name] = row["base_status"], row["plus_status"], row["base_fail_tests"]
    print(f"{name:12} base {seen[name][0]}, plus {seen[name][1]}, failing tests {seen[name][2]}")
raise SystemExit(seen != {"find_zero": ("fail", "fail", []), "zero": ("pass", "pass", [])})
PYTHON
