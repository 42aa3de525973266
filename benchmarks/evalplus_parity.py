"""One model through evalplus' own code and through ours: prompts, completions, solutions, verdicts.

    python benchmarks/evalplus_parity.py .cache/SmolLM2-135M HumanEvalPlus.jsonl.gz MbppPlus.jsonl.gz
        [--problems 25] [--max-new-tokens 256] [--keep FOLDER]

The folder holds a model pair as `make real` makes it: `pretrained/` is asked to complete,
`finetuned/` by chat. Greedy, in float32, a process for each cell; evalplus asks one problem at a
time, as it always does, ours in batches. Three sides:

    evalplus    its `codegen` as it is: the stop criteria of each problem stay for the next ones
    alone       the same, but with those criteria taken away before each problem
    ours        `codealign.evaluate.functional`

Prints a Markdown table of what is the same on our side and on each of theirs, and every difference
with its reason: `stale criteria` (evalplus is right as soon as it is asked alone), `followed` (it
follows from a difference before it), or `open`, of which none is expected. Verdicts are those of
evalplus' command on its samples and of ours on ours; a last column has our verdicts on evalplus'
samples. `--keep` keeps all that was made, and a second call continues from there.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from functional_speed import part_of, verdicts

BENCHMARKS = ("humaneval", "mbpp")
VARIANTS = {"completion": "pretrained", "chat": "finetuned"}
THEIRS = ("evalplus", "alone")
WHAT = ("prompt", "completion", "solution", "verdict")
Row = dict[str, Any]


def words(name: str) -> str:
    """Return the words that evalplus asks a chat model with; a function of it has them inside."""
    from evalplus.codegen import run_codegen

    for node in ast.walk(ast.parse(inspect.getsource(run_codegen))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise SystemExit(f"evalplus.codegen.run_codegen has no {name}")


def theirs(model: str, benchmark: str, data: Path, tokens: int, alone: bool) -> list[Row]:
    """Return what evalplus makes of each problem."""
    from evalplus.provider.hf import HuggingFaceDecoder
    from evalplus.sanitize import sanitize

    said = {name: words(name) for name in ("instruction_prefix", "response_prefix")}
    decoder = HuggingFaceDecoder(
        model, benchmark, temperature=0.0, max_new_tokens=tokens, dtype="float32", **said
    )
    seen: dict[str, Any] = {}
    generate = decoder.model.generate

    def recorded(ids: Any, **kwargs: Any) -> Any:
        seen["prompt"] = ids[0].tolist()
        return generate(ids, **kwargs)

    decoder.model.generate = recorded
    rows = []
    for problem in map(json.loads, data.read_text().splitlines()):
        if alone:
            decoder.model.__dict__.pop("_get_stopping_criteria", None)
        prompt = problem["prompt"].strip() + "\n"  # from here on as evalplus.codegen.codegen
        (text,) = decoder.codegen(prompt, do_sample=False, num_samples=1)
        whole = prompt + text if decoder.is_direct_completion() else text
        solution = sanitize(whole, entrypoint=problem["entry_point"])
        rows.append({"task_id": problem["task_id"], "solution": solution, "completion": text, **seen})
        print(benchmark, problem["task_id"], file=sys.stderr)
    return rows


def ours(model: str, variant: str, benchmark: str, data: Path, tokens: int) -> list[Row]:
    """Return what codealign makes of each problem."""
    from codealign.evaluate.functional import extract, load, prompts_for, stops
    from codealign.generate import generate, open_engine
    from codealign.models import encode
    from codealign.params import Generation

    chat, problems = variant == "finetuned", load(benchmark, data=data)
    engine = open_engine("transformers", model, variant)
    asked = prompts_for(problems, engine.chat if chat else None)
    settings = Generation(temperature=0.0, max_new_tokens=tokens, batch_size=8)
    made = {c.id: c.text for c in generate(asked, engine, settings, stop=stops(benchmark, chat))}
    return [
        {
            "task_id": r.id,
            "solution": extract(problems[r.id], made[r.id], chat),
            "completion": made[r.id].replace("\t", "    "),  # as evalplus does at this place
            "prompt": encode(engine.tokenizer, r.prompt),
        }
        for r in asked
    ]


def make(side: str, folder: str, variant: str, benchmark: str, data: Path, tokens: int) -> None:
    """Write the samples of a side beside the data."""
    if side == "ours":
        rows = ours(folder, variant, benchmark, data, tokens)
    else:
        rows = theirs(f"{folder}/{variant}", benchmark, data, tokens, side == "alone")
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (data.parent / f"{side}.jsonl").write_text(text)


def judge(side: str, benchmark: str, data: Path) -> None:
    """Write evalplus' verdicts on its samples, and ours on all, each by its command."""
    samples = data.parent / f"{side}.jsonl"
    own = data.parent / f"{side}_by_ours"
    command = [sys.executable, "-m", "codealign.cli", "evaluate", benchmark, "--data", str(data)]
    run([*command, "--samples", str(samples), "--out", str(own), "--cache", str(data.parent)], {})
    if side != "ours":
        command = [sys.executable, "-m", "evalplus.evaluate", "--dataset", benchmark]
        variable = {"humaneval": "HUMANEVAL_OVERRIDE_PATH", "mbpp": "MBPP_OVERRIDE_PATH"}
        where = {variable[benchmark]: str(data), "XDG_CACHE_HOME": str(data.parent)}
        run([*command, "--parallel", "1", "--samples", str(samples)], where)


def run(command: list[str], more: dict[str, str]) -> None:
    subprocess.run(command, env={**os.environ, **more}, check=True, stdout=sys.stderr)


def read(side: str, folder: Path) -> dict[str, Row]:
    """Return the rows of a side by task id, with verdicts (base; base and added tests)."""
    rows = [json.loads(line) for line in (folder / f"{side}.jsonl").read_text().splitlines()]
    by_ours = verdicts(folder / f"{side}_by_ours" / "samples_eval_results.json")
    file = folder / f"{side}_eval_results.json"
    by_theirs = by_ours if side == "ours" else verdicts(file)
    return {
        r["task_id"]: {
            **r,
            "verdict": by_theirs[r["task_id"], 0],
            "again": by_ours[r["task_id"], 0],
        }
        for r in rows
    }


def compare(side: str, sides: dict[str, dict[str, Row]]) -> tuple[Row, list[str]]:
    """Return the numbers of a row of the table, and a line for each problem that differs."""
    found, own, alone = sides[side], sides["ours"], sides["alone"]
    same: Row = {what: sum(found[t][what] == own[t][what] for t in own) for what in WHAT}
    same["again"] = sum(found[t]["verdict"] == found[t]["again"] for t in own)
    lines = []
    for task, mine in own.items():
        if different := [what for what in WHAT if found[task][what] != mine[what]]:
            stale = side == "evalplus" and all(alone[task][w] == mine[w] for w in different)
            reason = "stale criteria" if stale else "open"
            lengths = f"{len(found[task]['completion'])} and {len(mine['completion'])} characters"
            lines.append(f"{side}, {task}: {', '.join(different)} ({lengths}): {reason}")
    return same, lines


def cell(args: argparse.Namespace, benchmark: str, form: str, keep: Path) -> list[str]:
    """Make, judge and compare a cell; print its rows of the table and return its differences."""
    folder = keep / f"{benchmark}_{form}"
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data.jsonl"
    part_of(getattr(args, benchmark), 1, data)
    data.write_text("".join(data.read_text().splitlines(keepends=True)[: args.problems]))
    for side in (*THEIRS, "ours"):
        if not (folder / f"{side}.jsonl").exists():
            command = [sys.executable, __file__, *sys.argv[1:], "--keep", str(keep)]
            run([*command, "--only", side, benchmark, form], {})
        if not (folder / f"{side}_by_ours").exists():
            judge(side, benchmark, data)
    sides = {side: read(side, folder) for side in (*THEIRS, "ours")}
    lines = []
    for side in THEIRS:
        same, differ = compare(side, sides)
        n = len(sides["ours"])
        numbers = " | ".join(f"{same[what]} of {n}" for what in (*WHAT, "again"))
        passed = " and ".join(str(sum(r["verdict"][1] for r in sides[s].values()))
                              for s in (side, "ours"))  # fmt: skip
        print(f"| {benchmark} | {form} | {side} | {numbers} | {passed} |", flush=True)
        lines += [f"- {benchmark}, {form}, {line}" for line in differ]
    return lines


def main() -> None:
    """Make what is not there yet, and print the table and the differences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="folder with pretrained/ and finetuned/")
    for name in BENCHMARKS:
        parser.add_argument(name, help="its file")
    parser.add_argument("--problems", type=int, default=25, help="first problems of each")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--keep", type=Path, help="folder for all that is made")
    parser.add_argument("--only", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        side, benchmark, form = args.only
        data = args.keep / f"{benchmark}_{form}" / "data.jsonl"
        make(side, args.model, VARIANTS[form], benchmark, data, args.max_new_tokens)
        return
    print("| benchmark | asked by | evalplus | prompt ids | completion | solution | verdict | "
          "our verdict on its sample | passed: it, ours |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        keep = args.keep or Path(name)
        cells = [cell(args, b, form, keep) for b in BENCHMARKS for form in VARIANTS]
    print("\n".join(["", *(line for lines in cells for line in lines)]))


if __name__ == "__main__":
    main()
