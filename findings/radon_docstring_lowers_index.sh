#!/bin/sh
# radon 6.0.1: describing a function can lower its maintainability index, far below that of the
# same code without a word. `mi_parameters` takes comment lines (and lines of multi-line strings)
# per 100 lines of *code*, so that a short function under a long docstring has 200% or 500%, and
# `mi_compute` puts that into 50 sin(sqrt(2.46 p)), p in radians: it rises to 57%, falls from
# there, and is negative above 230%. 55 of the 164 canonical solutions of HumanEval+ with their
# task as docstring lie above that, and 50 get less than without it, by up to 33 points of 100.
# A docstring of one line is worse than none: it is a statement more, and no comment.
#
# Seen (one function of six lines, 0 to 100, higher is better, `radon mi`):
#   no docstring  74.6    1 line  73.2    3 lines  100.0    16 lines  66.1    30 lines  44.0
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile radon==6.0.1 || exit 2
cd "$folder"
env/bin/python - <<'PYTHON'
import json
import subprocess

HEAD = "def above(xs, n):\n"
BODY = """    total = 0
    for x in xs:
        if x > n:
            total += x
    return total
"""


def docstring(lines):
    """Return a docstring of so many lines."""
    if lines < 2:
        return '    """Sum what is above n."""\n' * lines
    return '    """Sum what is above n.\n' + "    And more about it.\n" * (lines - 2) + '    """\n'


seen = {}
for lines in (0, 1, 3, 16, 30):
    with open("code.py", "w") as file:
        file.write(HEAD + docstring(lines) + BODY)
    said = subprocess.run(["env/bin/radon", "mi", "--json", "code.py"], capture_output=True,
                          text=True, check=True).stdout
    seen[lines] = round(json.loads(said)["code.py"]["mi"], 1)
    print(f"{lines:2} lines of docstring: {seen[lines]}")
raise SystemExit(seen != {0: 74.6, 1: 73.2, 3: 100.0, 16: 66.1, 30: 44.0})
PYTHON
