"""Commands that run code: score samples or a model on a benchmark, run programs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codealign.commands import INTERRUPTED, AddCommand, number, whole
from codealign.errors import CodealignError
from codealign.paths import NANO

if TYPE_CHECKING:
    from codealign.evaluate.functional.completions import Model

EXAMPLES = """examples:
  codealign evaluate humaneval --samples samples.jsonl --data HumanEvalPlus.jsonl.gz --json
  codealign evaluate mbpp --model Qwen2.5-Coder-7B --variant finetuned --out results
  codealign evaluate humaneval --model nano --data nano
  codealign evaluate humaneval --model /data/my-coder --variant finetuned

The result goes to standard output, everything else to standard error.
"""


def add(command: AddCommand) -> None:
    """Add `evaluate` and `execute`."""
    sub = command("evaluate", _evaluate, "score samples or a model on a functional benchmark")
    sub.formatter_class, sub.epilog = argparse.RawDescriptionHelpFormatter, EXAMPLES
    sub.add_argument(
        "benchmark",
        help="humaneval, mbpp, evalperf, evoeval (all seven categories) or evoeval_difficult, ...",
    )
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="a name in params/models.yaml, a folder or a Hugging Face "
                        "id; with `--engine openai` the server's name for it")  # fmt: skip
    source.add_argument("--samples", help="JSON Lines of task_id and solution (or completion); "
                        "`nano`: two shipped ones of humaneval")  # fmt: skip
    sub.add_argument(
        "--data", default="", help="problems, .jsonl or .jsonl.gz; `nano`: the embedded ones"
    )
    sub.add_argument("--out", type=Path, help="folder for samples and results")
    sub.add_argument("--json", action="store_true", help="print one JSON object")
    sub.add_argument("--partial", action="store_true", help="accept a samples file with faults")
    sub.add_argument("--limit", type=whole(0), default=0, help="first problems only")
    sub.add_argument(
        "--n", type=whole(0), default=0, help="samples per problem (default: 1, or the file)"
    )
    _add_running(sub)
    _add_model(sub)

    sub = command("execute", _execute, "run programs, one JSON line each, in the sandbox")
    sub.add_argument("--json", action="store_true", help="JSON Lines in and out (the only format)")
    sub.add_argument("--workers", type=int, default=1, help="programs run at once")
    sub.add_argument(
        "--accept",
        choices=("strong", "basic"),
        default="strong",
        help="basic: also run where files and environment cannot be isolated",
    )
    sub.epilog = (
        'Input: one {"id": 1, "code": "print(1)"} per line; also cpu_s, wall_s, memory_mb, '
        "output_bytes, calls; other keys are carried through. Exit code: 0, or 1 if a line was no "
        "program."
    )


def _add_running(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("running the solutions")
    group.add_argument("--workers", type=whole(1, 1024), default=1, help="solutions run at once")
    group.add_argument(
        "--cpu-s", type=number(0.01, 86_400), default=60.0, help="CPU seconds for a problem's tests"
    )
    counted = ("auto", "instructions", "steps", "cpu")
    help = "what EvalPerf counts; auto: the processor's instructions or, without a counter, steps"
    group.add_argument("--measure", default="auto", choices=counted, help=help)
    group.add_argument("--accept", choices=("strong", "basic"), default="strong")
    group.add_argument("--cache", type=Path, help="folder for expected outputs (default: user's)")


def _add_model(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("the model")
    group.add_argument("--variant", choices=("pretrained", "finetuned"), default="pretrained")
    group.add_argument("--adapter", help="folder of a trained adapter")
    group.add_argument("--engine", choices=("transformers", "vllm", "openai"),
                       default="transformers")  # fmt: skip
    group.add_argument("--base-url", default="", help="server of the openai engine")
    group.add_argument("--temperature", type=number(0, 100), default=0.0, help="0 is greedy")
    group.add_argument("--max-new-tokens", type=whole(1), default=768)
    group.add_argument("--batch-size", type=whole(1), default=64)
    group.add_argument("--seed", type=whole(0), default=0)


def _evaluate(args: argparse.Namespace) -> int:
    _check_given(args)
    from codealign.evaluate.functional.request import Asked, run
    from codealign.sandbox import Sandbox

    asked = Asked(args.benchmark, args.data, args.samples or "", args.n, args.limit, args.partial,
                  args.cpu_s, args.measure)  # fmt: skip
    expected = args.cache or Path(  # no home is looked for where a folder is given
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "codealign/expected"
    )
    with contextlib.ExitStack() as stack:
        # Loaders and libraries print as they please: standard output is for the result.
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        folder = args.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = cache(partial(_model, args)) if args.model else None
        sandbox = stack.enter_context(Sandbox(workers=args.workers, accept=args.accept))
        result = run(asked, sandbox, model, expected, folder)
    print(json.dumps(result) if args.json else "\n".join(_lines(result)))
    return 0


def _check_given(args: argparse.Namespace) -> None:
    """Refuse what is not there, before anything is imported that runs it, or downloaded."""
    for given, what in ((args.samples, "samples"), (args.data, "benchmark")):
        if given and given != NANO and not Path(given).exists():
            raise CodealignError(f"{given}: no such {what} file")
    if args.model and args.engine != "openai":
        from codealign.registry import spec

        spec(args.model)


def _model(args: argparse.Namespace) -> Model:
    """Open the model that the command line names, and how it is asked and sampled."""
    from codealign.evaluate.functional.completions import Model
    from codealign.generate import open_engine
    from codealign.models import uses_chat
    from codealign.params import Generation
    from codealign.registry import identity

    remote = args.engine == "openai"
    where = (args.engine, args.model, args.variant, args.adapter)
    sizes = {"max_new_tokens": args.max_new_tokens, "batch_size": args.batch_size}
    settings = Generation(temperature=args.temperature, **sizes)
    weights = "" if remote else identity(args.model, args.variant)
    return Model(
        open_engine(*where, base_url=args.base_url),
        args.variant == "finetuned" if remote else uses_chat(args.model, args.variant),
        settings,
        args.seed,
        args.n or 1,
        remote=remote,
        key=repr((*where, args.base_url, settings, args.seed, weights)),
    )


def _lines(result: dict[str, Any]) -> list[str]:
    """The summary for people: a line per benchmark, and what was wrong with the file."""
    lines = []
    for part in result.get("parts", [result]):
        rates = [
            f"{suite} {metric} {_shown(value)}"
            for suite, of in part["scores"].items()
            for metric, value in (of.items() if isinstance(of, dict) else [("", of)])
        ]
        kinds = ", ".join(f"{n} {kind}" for kind, n in part["failures"].items())
        lines.append(
            f"{part['benchmark']}: {', '.join(rates)} (n={part['n']}, {part['missing']} missing); "
            f"{kinds or 'no failures'}; sandbox {part['level']}; {part['seconds']:.1f} s"
        )
        lines += [f"  {kind}: {', '.join(places)}" for kind, places in part["faults"].items()]
        lines += [f"  unmeasured: {t}: {why}" for t, why in part.get("unmeasured", {}).items()]
    return lines


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _execute(args: argparse.Namespace) -> int:
    from codealign.sandbox import execute_stream

    if args.workers < 1:
        raise CodealignError(f"execute: --workers must be at least 1, found {args.workers}")
    if sys.stdin.isatty():
        _say("reading programs from the terminal, one JSON object per line; end with Ctrl-D")
    try:
        counts = execute_stream(sys.stdin.buffer, sys.stdout, args.workers, args.accept, show=_say)
    except KeyboardInterrupt:
        _say("interrupted; the results until now are complete lines")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        # What could not be written is still in the buffer; on exit Python would try it again,
        # say so in lines of its own and end with another code.
        with contextlib.suppress(OSError):  # not a file, for a caller within Python
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CodealignError(
            f"execute: cannot write a result ({error}); free space, or send the "
            "output elsewhere; the results until now are complete lines but for the last"
        ) from None
    return 1 if "invalid" in counts else 0


def _say(text: str) -> None:
    print(f"codealign execute: {text}", file=sys.stderr, flush=True)
