#!/bin/sh
# evoeval 0.1.0: its comparison of an output with the expected one, `eval_test.is_equal`, takes an
# empty list for any float, and one float for a list of equal ones, because an empty list counts as
# a list of floats, and `numpy.allclose` then broadcasts. A solution that returns [] passes each test
# that expects a float.
#
# Seen:
#   is_equal([], 3.14) -> True
#   is_equal([], [3.14]) -> True
#   is_equal(2.0, [2.0, 2.0, 2.0]) -> True
#   is_equal(2.0, 3.14) -> False
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile evoeval==0.1.0 evalplus==0.3.1 \
  datasets==4.8.5 numpy==2.4.6 || exit 2
"$folder/env/bin/python" - <<'PYTHON'
from evoeval.eval_test import is_equal

seen = {}
for answer, expected in (([], 3.14), ([], [3.14]), (2.0, [2.0, 2.0, 2.0]), (2.0, 3.14)):
    seen[f"is_equal({answer}, {expected})"] = bool(is_equal(answer, expected)[0])
for call, result in seen.items():
    print(f"{call} -> {result}")
raise SystemExit(list(seen.values()) != [True, True, True, False])
PYTHON
