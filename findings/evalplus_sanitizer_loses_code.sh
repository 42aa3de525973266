#!/bin/sh
# evalplus 0.3.1: `sanitize`, which takes the solution out of each answer of a model before it is
# tested, drops code that the solution needs. It looks at top-level statements only, keeps of each
# name the first definition, of functions those that hold a `return`, and starts from the longest
# run of lines that parses, whatever that is. Each answer below is right and fails by it.
#
# Seen (what is left of it):
#   decorated function    import functools
#   helper, no return     def f(n): s = []; put(s, n); return s
#   second definition     def f(n): return 0
#   loop fills a table    def f(n): return T[n]  (with T = [0], the loop is gone)
#   longer usage block    x = 1 / y = 2 / z = 3  (no f)
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile evalplus==0.3.1 datasets==4.8.5 \
  numpy==2.4.6 tree-sitter==0.26.1 tree-sitter-python==0.25.0 || exit 2
"$folder/env/bin/python" - <<'PYTHON'
from evalplus.sanitize import sanitize

USE = "def f(n): return n\n```\nUse it so:\n```python\nx = 1\ny = 2\nz = 3\n"
ANSWERS = {
    "decorated function": "import functools\n@functools.cache\ndef f(n): return n\n",
    "helper, no return": "def put(s, n): s.append(n)\ndef f(n): s = []; put(s, n); return s\n",
    "second definition": "def f(n): return 0\ndef f(n): return n\n",
    "loop fills a table": "T = [0]\nfor i in range(9): T.append(i)\ndef f(n): return T[n]\n",
    "longer usage block": USE,
}
LEFT = {
    "decorated function": "import functools",
    "helper, no return": "def f(n): s = []; put(s, n); return s",
    "second definition": "def f(n): return 0",
    "loop fills a table": "T = [0]\ndef f(n): return T[n]",
    "longer usage block": "x = 1\ny = 2\nz = 3",
}
seen = {name: sanitize(answer, "f") for name, answer in ANSWERS.items()}
for name, left in seen.items():
    print(f"{name:22}{left!r}")
raise SystemExit(seen != LEFT)
PYTHON
