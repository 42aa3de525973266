"""The report of a made-up study: its scores are made up, what is computed from them is real."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from made_up_study import CHANGES, all_scores
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from codealign.analysis.advice import advice_frame, advice_markdown, advise
from codealign.analysis.answer import pathways, write_answer
from codealign.analysis.changes import changes
from codealign.analysis.claims import ledger, write_claims
from codealign.analysis.figures.answer import answer_figure
from codealign.analysis.figures.dots import dots
from codealign.analysis.figures.listings import figure5
from codealign.analysis.figures.study import study_figures
from codealign.analysis.figures.style import save, styled, write_captions
from codealign.analysis.scores import over_seeds, published
from codealign.analysis.study.effects import study_of
from codealign.analysis.study.findings import findings
from codealign.analysis.summary import summarise, write_summary
from codealign.analysis.tables import (
    findings_table,
    save_tables,
    study_markdown,
    study_tables,
    write_tables,
)
from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import VARIANTS, write_jsonl, write_text
from codealign.report import build_report
from codealign.workflow.markers import write_result

FAILED, DONE = "02_sft-nano-pretrained-functional", "07_paper"
PROVENANCE = {
    "job": DONE,
    "commit": "abc",
    "device": "CPU, 2 cores",
    "seed": 0,
    "settings": {"a": {"b": [1]}},
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


def write_report(root: Path) -> RunPaths:
    """Write run and report of a study of which one job has failed; the report is at `.report`."""
    paths = RunPaths(root)
    _write_tables(paths)
    plan = {"run": f"runs/{root.name}", "parts": ["."], "jobs": {FAILED: {}, DONE: {}}}
    write_text(paths.root / "plan.lock.json", json.dumps(plan))
    write_result(paths.root, DONE, "paper: 3 <scores>", seconds=2.0, provenance=PROVENANCE)
    paths.notebooks.mkdir()
    for job, notebook in ((FAILED, failed_notebook()), (DONE, showing_notebook())):
        nbformat.write(notebook, paths.notebooks / f"{job}.ipynb")
    write_answers(paths)
    log = paths.checkpoint(Cell("nano", "pretrained", "functional", "dpo")) / "trainer_log.jsonl"
    write_text(log.parent / "training.json", '{"steps": 4, "examples": 8}')
    write_jsonl(log, [{"step": i, "loss": 1 / i, "gap": 0.1 * i} for i in range(1, 5)])
    build_report(paths)
    return paths


def write_answers(paths: RunPaths) -> None:
    """Write answers to three problems: DPO of PTA gains Nano/1, of FTA it loses Nano/0."""
    solved = {
        ("pretrained", "base"): {0}, ("pretrained", "dpo"): {0, 1},
        ("finetuned", "base"): {0, 1}, ("finetuned", "dpo"): {1},
    }  # fmt: skip
    settings = {"functional": {"data": "nano"}}
    write_text(paths.jobs / "04_functional-nano-pretrained-base/params.yaml", json.dumps(settings))
    for (variant, stage), right in solved.items():
        folder = paths.evals(Cell("nano", variant, "functional", stage)) / "humaneval"
        attempts = [attempt(i, f"def f():\n    return {stage!r}", i in right) for i in range(3)]
        write_jsonl(folder / "attempts.jsonl", attempts)
    for variant in VARIANTS:
        codal = paths.evals(Cell("nano", variant, "non_functional", "base")) / "codal"
        asked = {"id": "NanoCodal/style/0", "dimension": "style", "instruction": "Write it.",
                 "principle": "Short names.", "reference": "", "text": "def f(): ..."}  # fmt: skip
        write_jsonl(codal / "answers.jsonl", [asked])
        rated = {"id": "NanoCodal/style/0", "rating": 7.0, "reason": "", "parts": {"names": 0.5}}
        write_jsonl(codal / "ratings.jsonl", [rated])


def attempt(i: int, solution: str, passes: bool) -> dict[str, object]:
    """Return a line of `attempts.jsonl`; one that fails does so at a call with 3."""
    return {
        "task_id": f"Nano/{i}", "index": 0, "solution": solution,
        "kind": "" if passes else "wrong", "detail": "" if passes else "base test 1: wanted 4",
        "base_fail_tests": [] if passes else [[3]], "plus_fail_tests": [],
    }  # fmt: skip


def _write_tables(paths: RunPaths) -> None:
    """Write what notebook 07 writes, but for most of the figures, which take long to draw."""
    rows = all_scores()
    main = rows[(rows["ablation"] == "") & (rows["trained"] == rows["requirement"])]
    scores, study = over_seeds(rows), study_of(rows, CHANGES)
    write_summary(paths.tables, main)
    write_answer(paths.tables, main)
    write_tables(paths.tables, scores)
    shown = study_tables(study)
    claims = ledger(main, source="mine")
    save_tables(paths.tables, [*shown, findings_table(findings(study, claims))])
    write_text(paths.tables / "study.md", study_markdown(study, shown))
    write_claims(paths.tables, claims, ledger(published()))
    advice = advise(main)
    write_text(paths.tables / "advice.md", advice_markdown(advice))
    write_text(paths.tables / "advice.csv", advice_frame(advice).to_csv(index=False))
    with styled():
        drawn = [figure5(), answer_figure(summarise(main), pathways(main)), dots(scores, 3),
                 *study_figures(study)]  # fmt: skip
        for figure in drawn:
            save(figure, paths.figures)
        write_captions(drawn, paths.figures)


def failed_notebook() -> NotebookNode:
    """Return an executed notebook that warned, printed, and failed."""
    error = ["\x1b[31mValueError\x1b[0m: no pairs", f"File {'very/' * 40}long.py"]
    outputs = [
        new_output("stream", name="stderr", text="UserWarning: a library warns\n"),
        new_output("stream", name="stdout", text="said by the cell\n"),
        new_output("error", ename="ValueError", evalue="no pairs", traceback=error),
    ]
    code = f"train(  # {'a very long line ' * 12}\n)"
    red = 'style="color:red; font-family:Helvetica; font-size:2em;"'
    cells = [
        new_markdown_cell(f"<span {red}>Failed at '<a href=\"#failed\">In [3]</a>'.</span>"),
        new_markdown_cell("# 2 Training\n\n## A question"),
        new_markdown_cell(f'<span id="failed" {red}>It stopped here:</span>'),
        new_code_cell(code, outputs=outputs),
    ]
    return new_notebook(cells=cells)


def showing_notebook() -> NotebookNode:
    """Return an executed notebook that shows a frame, a Markdown table, a picture and a drawing."""
    frame = changes(all_scores().query("ablation == '' and seed == 0")).head(4)
    drawing = "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='9'><rect id='a'/></svg>"
    shown = [
        {"text/html": frame.to_html(), "text/plain": str(frame)},
        {"text/markdown": f"| {'wide | ' * 20}\n|{'---|' * 20}\n| {'1.25 | ' * 20}\n"},
        {"image/png": PIXEL, "text/plain": "<Figure>"},
        {"image/svg+xml": drawing, "text/plain": "<SVG>"},
        {"text/plain": "a plain value"},
    ]
    cells = [
        new_code_cell(f"show({i})", outputs=[new_output("execute_result", data, execution_count=i)])
        for i, data in enumerate(shown)
    ]
    return new_notebook(cells=[new_markdown_cell("# 7 Tables\n\nProse with `code`."), *cells])
