"""A model through evalplus' own code and through ours: prompts, completions, solutions, verdicts.

    python benchmarks/evalplus_parity.py MODEL HumanEvalPlus.jsonl.gz MbppPlus.jsonl.gz
        [--problems 25] [--max-new-tokens 256] [--keep FOLDER] [--prompts]

MODEL is a folder with a chat template, such as the one that `make real` makes; it is asked to
complete (as a `pretrained` variant) and by chat. Greedy, in float32, a process for each cell;
evalplus asks one problem at a time, as it always does, ours in batches. Three sides:

    ours        `codealign.evaluate.functional`
    evalplus    its decoder as it is: the stop criteria of each problem stay for the next ones
    alone       the problems on which the two differ, once more by evalplus' decoder, with those
                criteria taken away before each

Prints a Markdown table of what is the same on our side and on each of theirs, and every difference
with its reason: `stale stop criteria` (evalplus has what we have as soon as it is asked alone) or
`open`, of which none is expected. Verdicts are those of evalplus' command on its samples and of
ours on ours; a last column has our verdicts on evalplus' samples. `--keep` keeps all that was
made, and a second call continues from there. `--prompts` compares the prompts of all problems, and
generates nothing.
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

from codealign.markdown import pipe_table

BENCHMARKS = ("humaneval", "mbpp")
VARIANTS = {"completion": "pretrained", "chat": "finetuned"}
WHAT = ("prompt", "completion", "solution", "verdict")
Row = dict[str, Any]


def words(name: str) -> str:
    """Return the words that evalplus asks a chat model with; a function of it has them inside."""
    from evalplus.codegen import run_codegen

    for node in ast.walk(ast.parse(inspect.getsource(run_codegen))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise SystemExit(f"evalplus.codegen.run_codegen has no {name}")


def theirs(
    model: str, variant: str, benchmark: str, data: Path, tokens: int, alone: bool
) -> list[Row]:
    """Return what evalplus makes of each problem."""
    from evalplus.provider.hf import HuggingFaceDecoder
    from evalplus.sanitize import sanitize

    said = {name: words(name) for name in ("instruction_prefix", "response_prefix")}
    decoder = HuggingFaceDecoder(
        model,
        benchmark,
        temperature=0.0,
        max_new_tokens=tokens,
        dtype="float32",
        force_base_prompt=variant == "pretrained",
        **said,
    )
    # Its stop criteria of all problems so far are copied for each new one, with a tokenizer each,
    # copies of copies included: after 17 problems a minute for each. They only decode with it.
    type(decoder.tokenizer).__deepcopy__ = lambda tokenizer, memo: tokenizer
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
        row = {"task_id": problem["task_id"], "solution": solution, "completion": text}
        rows.append(row | seen)
        print(benchmark, problem["task_id"], file=sys.stderr)
    return rows


def ours(model: str, variant: str, benchmark: str, data: Path, tokens: int) -> list[Row]:
    """Return what codealign makes of each problem."""
    from codealign.evaluate.functional.prompts import extract, prompts_for, stops
    from codealign.evaluate.functional.registry import load
    from codealign.generate import generate, open_engine
    from codealign.params import Generation
    from codealign.text import encode

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


def prompts(model: str, benchmark: str, file: str, form: str) -> list[str]:
    """Return a row: how many prompts of a benchmark have the same ids on both sides."""
    from evalplus.provider.utility import make_raw_chat_prompt
    from transformers import AutoTokenizer

    from codealign.evaluate.functional.prompts import prompts_for
    from codealign.evaluate.functional.registry import load
    from codealign.text import chat_prompt, encode, load_tokenizer

    own, other = load_tokenizer(model), AutoTokenizer.from_pretrained(model, use_fast=False)
    said = [words(name) for name in ("instruction_prefix", "response_prefix")]
    problems = load(benchmark, data=file)
    chat = form == "chat"
    same = 0
    for r in prompts_for(problems, (lambda text: chat_prompt(own, text)) if chat else None):
        text = problems[r.id].prompt.strip() + "\n"
        text = make_raw_chat_prompt(text, *said, other) if chat else text
        same += other.encode(text) == encode(own, r.prompt)
    return [benchmark, form, f"{same} of {len(problems)}"]


def make(side: str, folder: str, variant: str, benchmark: str, data: Path, tokens: int) -> None:
    """Write the samples of a side beside the data."""
    if side == "ours":
        rows = ours(folder, variant, benchmark, data, tokens)
    else:
        rows = theirs(folder, variant, benchmark, data, tokens, side == "alone")
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (data.parent / f"{side}.jsonl").write_text(text)


def judge(side: str, benchmark: str, data: Path) -> None:
    """Write evalplus' verdicts on its samples, and ours on all, each by its command."""
    samples = data.parent / f"{side}.jsonl"
    command = [sys.executable, "-m", "codealign.cli", "evaluate", benchmark, "--data", str(data)]
    command += ["--samples", str(samples), "--out", str(data.parent / f"{side}_by_ours")]
    run([*command, "--cache", str(data.parent)], {})
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
    theirs = by_ours if side == "ours" else verdicts(folder / f"{side}_eval_results.json")
    return {
        r["task_id"]: {**r, "verdict": theirs[r["task_id"], 0], "again": by_ours[r["task_id"], 0]}
        for r in rows
    }


def differing(found: dict[str, Row], own: dict[str, Row]) -> dict[str, list[str]]:
    """Return what is not the same, by task id."""
    every = {t: [what for what in WHAT if row[what] != own[t][what]] for t, row in found.items()}
    return {task: what for task, what in every.items() if what}


def numbers(side: str, found: dict[str, Row], own: dict[str, Row]) -> list[str]:
    """Return the cells of a side in its row of the table."""
    same: list[int] = [sum(row[what] == own[t][what] for t, row in found.items()) for what in WHAT]
    same.append(sum(row["verdict"] == row["again"] for row in found.values()))
    passed = [sum(rows[t]["verdict"][1] for t in found) for rows in (found, own)]
    return [side, *(f"{n} of {len(found)}" for n in same), f"{passed[0]} and {passed[1]}"]


def explained(task: str, what: list[str], found: Row, own: Row, open_: bool) -> str:
    """Return a line on a problem that differs."""
    lengths = f"{len(found['completion'])} and {len(own['completion'])} characters"
    reason = "open" if open_ else "stale stop criteria"
    return f"{task}: {', '.join(what)} ({lengths}): {reason}"


def cell(
    args: argparse.Namespace, benchmark: str, form: str, keep: Path
) -> tuple[list[list[str]], list[str]]:
    """Make, judge and compare a cell; return its rows of the table and its differences."""
    folder, again = keep / f"{benchmark}_{form}", keep / f"{benchmark}_{form}_alone"
    data = folder / "data.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    part_of(getattr(args, benchmark), 1, data)
    data.write_text("".join(data.read_text().splitlines(keepends=True)[: args.problems]))
    for side in ("ours", "evalplus"):
        ensure(side, benchmark, form, data)
    own, found = read("ours", folder), read("evalplus", folder)
    table = [[benchmark, form, *numbers("evalplus", found, own)]]
    differ = differing(found, own)
    if not differ:
        return table, []
    again.mkdir(exist_ok=True)
    rows = [
        x for x in data.read_text().splitlines(keepends=True) if json.loads(x)["task_id"] in differ
    ]
    (again / "data.jsonl").write_text("".join(rows))
    ensure("alone", benchmark, form, again / "data.jsonl")
    alone = read("alone", again)
    table.append([benchmark, form, *numbers("alone", alone, own)])
    left = differing(alone, own)
    return table, [
        f"- {benchmark}, {form}, " + explained(t, what, found[t], own[t], t in left)
        for t, what in differ.items()
    ]


def ensure(side: str, benchmark: str, form: str, data: Path) -> None:
    """Make and judge the samples of a side, each unless it is there."""
    if not (data.parent / f"{side}.jsonl").exists():
        run(
            [sys.executable, __file__, *sys.argv[1:], "--only", side, benchmark, form, str(data)],
            {},
        )
    done = data.parent / f"{side}_judged"
    if not done.exists():
        judge(side, benchmark, data)
        done.touch()


def main() -> None:
    """Make what is not there yet, and print the table and the differences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="folder of a model with a chat template")
    for name in BENCHMARKS:
        parser.add_argument(name, help="its file")
    parser.add_argument("--problems", type=int, default=25, help="first problems of each")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--keep", type=Path, help="folder for all that is made")
    parser.add_argument("--prompts", action="store_true", help="compare all prompts alone")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        side, benchmark, form, data = args.only
        make(side, args.model, VARIANTS[form], benchmark, Path(data), args.max_new_tokens)
        return
    if args.prompts:
        rows = [
            prompts(args.model, benchmark, getattr(args, benchmark), form)
            for benchmark in BENCHMARKS
            for form in VARIANTS
        ]
        print(pipe_table(["benchmark", "asked by", "same prompt ids"], rows))
        return
    head = ["benchmark", "asked by", "evalplus", *WHAT, "our verdict on its sample"]
    with tempfile.TemporaryDirectory() as name:
        keep = args.keep or Path(name)
        cells = [cell(args, b, form, keep) for b in BENCHMARKS for form in VARIANTS]
    print(pipe_table([*head, "passed: it, ours"], [row for rows, _ in cells for row in rows]))
    print("\n".join(["", *(line for _, lines in cells for line in lines)]))


if __name__ == "__main__":
    main()
