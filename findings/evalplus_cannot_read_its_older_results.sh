#!/bin/sh
# evalplus 0.3.1 cannot read a results file that evalplus 0.2.0 wrote, though it looks for one beside
# the samples and has a function that makes older ones compatible. Up to 0.2.0 a task is a mapping
# with lists of [status, details] whose word for a pass is "success"; from 0.2.1 on it is a list of
# mappings with `base_status` and `plus_status`, where it is "pass". EvoEval has the newer form.
#
# Seen (the same samples, evaluated by 0.2.0, then asked of 0.3.1):
#   0.2.0 wrote   {"nfiles": 2, "base": [["success", [true]], ["failed", [false]]], "plus": [...]}
#   0.3.1 said    TypeError: string indices must be integers, not 'str'
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 0.2.0 0.3.1; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install -q --no-compile evalplus==$version numpy==2.4.6 \
    tree-sitter==0.26.1 tree-sitter-python==0.25.0 datasets==4.8.5 || exit 2
done
cd "$folder" && mkdir -p .cache/evalplus  # 0.2.0 makes it only for its own data
export HOME="$folder" HUMANEVAL_OVERRIDE_PATH="$folder/one.jsonl"
cat > one.jsonl <<'JSON'
{"task_id": "HumanEval/0", "prompt": "def f(n):\n    \"\"\"Twice n.\"\"\"\n", "entry_point": "f", "canonical_solution": "    return 2 * n\n", "contract": "", "base_input": [[3]], "plus_input": [[4]], "atol": 0}
JSON
cat > samples.jsonl <<'JSON'
{"task_id": "HumanEval/0", "solution": "def f(n):\n    return n + n\n"}
{"task_id": "HumanEval/0", "solution": "def f(n):\n    return n\n"}
JSON
0.2.0/bin/python -m evalplus.evaluate --dataset humaneval --samples samples.jsonl --parallel 1 \
  > /dev/null 2>&1
0.3.1/bin/python -m evalplus.evaluate --dataset humaneval --samples samples.jsonl --parallel 1 \
  > said.txt 2>&1 || true
0.2.0/bin/python - <<'PYTHON'
import json

task = json.load(open("samples_eval_results.json"))["eval"]["HumanEval/0"]
said = open("said.txt").read().strip().splitlines()[-1]
print("0.2.0 wrote  ", json.dumps(task))
print("0.3.1 said   ", said)
statuses = [status for status, _ in task["base"]]
same = statuses == ["success", "failed"] and said.startswith("TypeError: string indices")
raise SystemExit(not same)
PYTHON
