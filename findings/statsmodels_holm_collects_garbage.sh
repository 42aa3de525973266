#!/bin/sh
# statsmodels 0.15.0: a Holm correction runs a whole garbage collection, whatever the number of
# p-values (multipletests imports gc at its beginning and collects in the branch of "holm"; no other
# method does). So its time grows with all that the process holds, not with its argument: beside a
# table of rows as dictionaries a correction of ten p-values takes thousands of times as long as
# one of Benjamini and Hochberg, and a loop of corrections spends its time there.
#
# Seen (ten p-values, 1,000,000 small dictionaries alive, a busy machine; the ratio is tested):
#   fdr_bh                    0.0000 s per call
#   holm                      0.5137 s per call
#   holm without collection   0.0000 s per call    (gc.collect replaced by what does nothing)
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1 \
  pandas==3.1.1 || exit 2
cd "$folder"
env/bin/python - <<'PYTHON'
import gc
import statistics
import sys
import time

from statsmodels.stats.multitest import multipletests

P_VALUES = [0.001 * (i + 1) for i in range(10)]


def seconds(method):
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        multipletests(P_VALUES, method=method)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


held = [{"row": [i]} for i in range(1_000_000)]
fdr, holm = seconds("fdr_bh"), seconds("holm")
collect, gc.collect = gc.collect, lambda *args: 0
without = seconds("holm")
gc.collect = collect
for name, value in (("fdr_bh", fdr), ("holm", holm), ("holm without collection", without)):
    print(f"{name:25} {value:.4f} s per call")
sys.exit(0 if holm > 20 * fdr and holm > 20 * without else 1)
PYTHON
