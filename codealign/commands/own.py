"""Commands for your own models and results: where to start, what a run can tell, what to import."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codealign.commands import (
    AddCommand,
    add_profile,
    changes_of,
    in_project,
    number,
    run_folder,
    whole,
)
from codealign.paths import PROJECT

if TYPE_CHECKING:
    from codealign.params import Params


def add(command: AddCommand) -> None:
    """Add `start-from`, `power` and `import`."""
    about = "say where alignment of one's own base and instruct model should start"
    sub = command("start-from", _start_from, about)
    add_profile(sub, default="params/start_from.yaml")
    sub.add_argument("--base", required=True, help="folder or Hugging Face id")
    sub.add_argument("--instruct", required=True, help="folder or Hugging Face id")
    sub.add_argument("--name", default="", help="of the pair (default: what their names share)")
    spent = "what may be spent: 2h, 90min, 5gpuh, 10usd; may be given again"
    sub.add_argument("--budget", action="append", default=[], help=spent)
    sub.add_argument("--judge", default="", help="static, local:<model> or a model's name")
    sub.add_argument("--all-seeds", action="store_true",
                     help="train with every seed, even if fewer tell as much")  # fmt: skip
    sub.add_argument("--cores", type=whole(1, 4096), default=os.cpu_count() or 1,
                     help="jobs at once")  # fmt: skip
    sub.add_argument("--dry-run", action="store_true", help="check and plan; run and write nothing")

    sub = command("power", _power, "say how small a difference a profile, or a run, can tell")
    what = "run folder, profile (.yaml) or `paper` (default: %(default)s)"
    sub.add_argument("source", nargs="?", default="paper", help=what)
    sub.add_argument("--noise", type=number(0, 100), help="points by which trainings differ "
                     "(default: the run's own, else nano's)")  # fmt: skip
    least = "smallest difference worth a choice, in points (default: %(default)s)"
    sub.add_argument("--matters", type=number(0, 100), default=2.0, help=least)
    _add_import(command)


def _start_from(args: argparse.Namespace) -> int:
    from codealign.params import Params, validate
    from codealign.workflow import start_from
    from codealign.workflow.budget import read_budget

    budget, changes = read_budget(args.budget), changes_of(args)
    print(f"project: {PROJECT}", flush=True)
    pair = start_from.pair_of(args.base, args.instruct, args.name)
    for remark in pair.remarks:
        print(f"note: {remark}", flush=True)
    data = start_from.profile_of(
        pair, in_project(args.params), changes, args.seeds or 0, args.judge, start_from.has_gpu()
    )
    path = PROJECT / "params" / f"{data['profile']}.yaml"
    if budget.usd:
        data["codal"] = {**data.get("codal", {}), "spend_limit": budget.usd}
    params = validate(Params, data, path.name).resolved(path.name)
    _check(params)
    if not path.exists():
        data = _planned(data, params, budget, args.cores)
        params = validate(Params, data, path.name)
    else:
        print(f"{path.relative_to(PROJECT)} is there and is run as it is; to plan anew, remove it")
    if args.dry_run:
        return 0
    file = start_from.write_profile(data)
    print(f"profile: {file.relative_to(PROJECT)}", flush=True)
    hours = min((x for x in (budget.hours, budget.gpu_hours) if x), default=None)
    course = start_from.run(file, args.cores, hours, early=not args.all_seeds)
    print("\n".join(["", *start_from.closing_lines(file, course)]))
    return 1 if course.failed else 0


def _check(params: Params) -> None:
    """Say what is missing before anything is measured or written."""
    from codealign.workflow.plan import make_plan
    from codealign.workflow.preflight import require

    checks = require(make_plan(params), PROJECT / "runs" / params.profile)
    print(f"{checks} checks: nothing is missing", flush=True)


def _planned(data: dict[str, Any], params: Params, budget: Any, cores: int) -> dict[str, Any]:
    """Return the profile as the budget allows it, and say what it takes and can tell."""
    from codealign.analysis.power import power_lines
    from codealign.workflow import budget as budgets
    from codealign.workflow.rates import rates_of
    from codealign.workflow.start_from import aligned, fitted
    from codealign.workflow.work import sizes_of

    if any((budget.hours, budget.gpu_hours, budget.usd)):
        print("measuring this machine's pace", flush=True)
        pace = rates_of(params, params.models[0])
        print(f"pace: {pace.generated:,.0f} tokens/s written, {pace.trained:,.0f} trained, "
              f"{1 / pace.execution_s:.0f} programs/s", flush=True)  # fmt: skip
        fit = budgets.fit(params, budget, pace, cores)
        print("\n".join(fit.lines()), flush=True)
        return fitted(data, fit.params)
    seeds = [k for k in (1, 3, 5) if k <= len(params.study.seeds)]
    lines = power_lines(sizes_of(params), seeds, stages=aligned(params))
    print("\n".join(lines), flush=True)
    return data


def _power(args: argparse.Namespace) -> int:
    from codealign.analysis.power import papers_reach, power_lines

    if args.source == "paper":
        print("\n".join(papers_reach()))
        return 0
    both = ("functional", "non_functional")
    noise = None if args.noise is None else dict.fromkeys(both, args.noise)
    if args.source.endswith((".yaml", ".yml")):
        from codealign.params import load_params
        from codealign.workflow.work import sizes_of

        sizes = sizes_of(load_params(in_project(args.source)))
        print("\n".join(power_lines(sizes, (1, 2, 3, 5, 10), noise)))
        return 0
    return _power_of_run(run_folder(args.source, "`paper`, a profile or "), noise, args.matters)


def _power_of_run(root: Path, noise: dict[str, float] | None, matters: float) -> int:
    from codealign.analysis.cells import MEMBERS, cells_of, read_problems
    from codealign.analysis.power import noise_of, outlook, power_lines
    from codealign.analysis.questions import ask, ends_higher
    from codealign.analysis.scores import collect_all
    from codealign.errors import CodealignError

    frame = collect_all(root)
    if frame.empty:
        raise CodealignError(f"{root}: no scores there; give the folder of a run")
    cells = cells_of(frame, read_problems(root))
    sizes = {row.benchmark: int(row.n) for row in frame.itertuples() if row.n}
    own: dict[str, float] = {}
    for model in cells.models:
        for requirement in MEMBERS:
            effect = ask(cells, ends_higher(requirement), model)
            sentence = outlook(effect, requirement, matters=matters).text
            print(f"{model}, {requirement.replace('_', '-')}: {sentence}")
            if (spread := noise_of(effect)) is not None:
                own[requirement] = max(spread, own.get(requirement, 0.0))
    print("\n".join(power_lines(sizes, (1, 2, 3, 5, 10), noise or own)))
    return 0


def _add_import(command: AddCommand) -> None:
    sub = command("import", _import, "take results that others made into a run folder")
    sub.add_argument("run", help="folder to write to, e.g. runs/theirs")
    read = ("*_eval_results.json of evalplus or EvoEval, samples (.jsonl: they are run), CODAL "
            "ratings (.jsonl, .csv), a CSV of scores")  # fmt: skip
    sub.add_argument("files", nargs="+", help=read)
    sub.add_argument("--model", default="", help="what the model is called")
    sub.add_argument("--variant", choices=("pretrained", "finetuned"), default="pretrained")
    sub.add_argument("--stage", choices=("base", "sft", "dpo", "bonbon"), default="base")
    sub.add_argument("--seed", type=whole(0), help="of the training, where there are several")
    sub.add_argument("--benchmark", default="", help="whose results or samples these are")


def _import(args: argparse.Namespace) -> int:
    from codealign.analysis.imported import lacking, write_imported

    root = Path(args.run)
    read = {text: _read(Path(text), args) for text in args.files}  # all, before any is written
    for text, results in read.items():
        write_imported(root, results, Path(text))
        for result in results:
            shown = ", ".join(f"{s.benchmark} {s.value:.3f} (n = {s.n})" for s in result.scores)
            print(f"{result.cell.model} {result.cell.variant} {result.cell.stage}: {shown}")
            for what in result.lacks:
                print(f"  missing: {what}")
    for line in lacking(root):
        print(f"missing for the study's question: {line}")
    print(f"next: codealign power {args.run}, or tables, claims, figures with --source {args.run}")
    return 0


def _read(path: Path, args: argparse.Namespace) -> list[Any]:
    """Return what a file holds, by its name and what stands in it."""
    from codealign.analysis import imported
    from codealign.cell import Cell
    from codealign.errors import CodealignError

    if not path.is_file():
        raise CodealignError(f"{path}: no such file")
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline().strip()
    if path.suffix == ".csv" and "rating" not in first.split(",") and "value" in first:
        return imported.read_scores_table(path)
    if not args.model:
        raise CodealignError(f"{path}: whose is it? give --model, --variant and --stage")
    cell = Cell(args.model, args.variant, "functional", args.stage, seed=args.seed)
    if path.suffix == ".json":
        return [imported.read_results(path, cell, args.benchmark)]
    if "rating" in first:
        return [imported.read_ratings(path, cell.at(requirement="non_functional", trained=""))]
    if '"solution"' in first or '"completion"' in first:
        return [_run_samples(path, cell, args.benchmark)]
    raise CodealignError(f"{path}: neither results, samples, ratings nor scores; `codealign import "
                         "--help` names what is read")  # fmt: skip


def _run_samples(path: Path, cell: Any, name: str) -> Any:
    """Run samples of a public benchmark, as `evaluate` does."""
    from codealign.analysis.imported import benchmark_of, made_of
    from codealign.evaluate.functional.evaluation import evaluate
    from codealign.evaluate.functional.registry import load
    from codealign.evaluate.functional.samples import read_samples, task_ids
    from codealign.sandbox import Sandbox

    name = benchmark_of(path, task_ids(path), name)
    problems = load(name)
    samples = read_samples(path, problems, partial=True)
    with Sandbox() as box:
        results = evaluate(name, samples.solutions, problems, box)
    lacks = [samples.note()] if samples.faults else []
    return made_of(cell, results.values(), lacks)
