"""`codealign start-from`: where should alignment of your own two models start?

A profile is made from the models' own files and run like any other, one seed after another. The
answer is checked after each: seeds that cannot change it are not trained.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from codealign.errors import CodealignError
from codealign.params import ModelPair, Params, load_params, read_params, validate
from codealign.paths import PROJECT, RunPaths, short_name
from codealign.provenance import file_hash
from codealign.records import ALIGNED, write_text
from codealign.registry import (
    has_chat_template,
    hub_file,
    read_config,
    reference,
    registry,
    source,
)
from codealign.workflow.notebooks import NOTEBOOKS

BASE, INSTRUCT = "pretrained", "finetuned"
SHORTEST = 3
"""Letters that two names must share for these to name the pair."""
HEAD = """# Made by `codealign start-from`. Edit it as you like; to run it again:
#   codealign reproduce --params {path}
"""


@dataclass(frozen=True)
class NamedPair:
    """Two sets of weights as one model, with what a user should know of them."""

    models: ModelPair
    remarks: tuple[str, ...]


def pair_of(base: str, instruct: str, name: str = "") -> NamedPair:
    """Return two models as a pair, named after them.

    Parameters
    ----------
    base, instruct : each a folder or a Hugging Face id.
    name : of the pair; "": what their names have in common.

    Raises
    ------
    CodealignError
        No such model; the same one twice; an instruct model without a chat template.
    """
    pair = ModelPair(name="pair", pretrained=reference(base), finetuned=reference(instruct))
    places = [source(pair.text(), variant) for variant in (BASE, INSTRUCT)]
    if len({os.path.realpath(where) for where, _ in places}) == 1:
        raise CodealignError(
            f"--base and --instruct are the same weights ({places[0][0]}); name the other model of "
            "the pair"
        )
    if not has_chat_template(*places[1]):
        swap = "; the base model has one: are the two swapped?" * has_chat_template(*places[0])
        raise CodealignError(
            f"--instruct {instruct}: no chat template, by which an instruct model is asked; put "
            f"its own chat_template.jinja beside its tokenizer{swap}"
        )
    named = name or _common(short_name(base), short_name(instruct))
    return NamedPair(pair.model_copy(update={"name": named}), tuple(_remarks(places)))


def _common(one: str, other: str) -> str:
    """Return what two names have in common at their start, or both."""
    shared = os.path.commonprefix([one, other])
    if shared not in (one, other):  # not within a word
        shared = re.sub(r"[A-Za-z0-9]+$", "", shared) or shared
    shared = shared.strip("-_.")
    name = shared if len(shared) >= SHORTEST else f"{one}-{other}"[:50].strip("-_.")
    return f"{name}-pair" if name in registry() else name


def _remarks(places: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    """Yield what is unusual about a pair and allowed."""
    families = [str(read_config(*place).get("model_type", "unknown")) for place in places]
    if len(set(families)) > 1:
        yield (f"the two are of different families ({' and '.join(families)}): what is compared is "
               "two models, not two variants of one")  # fmt: skip
    if len({_tokenizer(place) for place in places}) > 1:
        yield "the two have different tokenizers: each reads and counts tokens in its own"
    if has_chat_template(*places[0]):
        yield ("the base model has a chat template: it is asked plainly all the same; if it is an "
               "instruct model, name its base")  # fmt: skip


def _tokenizer(place: tuple[str, str | None]) -> str:
    where, revision = place
    folder = Path(where) / "tokenizer.json"
    path = folder if Path(where).is_dir() else hub_file(where, revision, "tokenizer.json")
    return file_hash(path) if path and path.is_file() else where


def profile_of(
    pair: NamedPair, base: Path, changes: Sequence[str], seeds: int, judge: str, gpu: bool
) -> dict[str, Any]:
    """Return the profile of a pair as plain data.

    Parameters
    ----------
    base : profile that the settings are taken from. changes : as `params.load_params` takes them.
    seeds : 0: those of the base profile, or five.
    judge : "": that of the base profile.
    gpu : there is one: the jobs that need a model ask for it.
    """
    data = read_params(base, changes)
    validate(Params, data, str(base))
    study = {**data.get("study", {})}
    study["seeds"] = list(range(seeds)) if seeds else study.get("seeds") or list(range(5))
    data |= {"profile": f"start-{pair.models.name}", "study": study, "variants": [BASE, INSTRUCT],
             "models": [pair.models.model_dump(exclude_defaults=True)]}  # fmt: skip
    if judge:
        codal = {k: v for k, v in data.get("codal", {}).items() if k != "second_judge"}
        second = {"second_judge": "static_b"} if judge == "static" else {}
        data["codal"] = {**codal, "judge": judge, **second}
    if gpu and not data.get("resources"):
        needing = [name for name, spec in NOTEBOOKS.items() if spec.place]
        data["resources"] = {name: {"gpu": 1, "memory_mb": 16000} for name in needing}
    if pair.remarks:
        sentences = (f"{one[0].upper()}{one[1:]}." for one in pair.remarks)
        note = [data.get("note", "").strip(), *sentences]
        data["note"] = " ".join(part for part in note if part)
    return data


def fitted(data: dict[str, Any], params: Params) -> dict[str, Any]:
    """Return a profile's data with what a budget has decided."""
    profile = {**data, "study": {**data["study"], "seeds": params.study.seeds}}
    for section, keys in (("prefs", ("seeds",)), ("functional", ("limit",)), ("codal", ("limit",))):
        own = getattr(params, section)
        profile[section] = {**data.get(section, {}), **{key: getattr(own, key) for key in keys}}
    return profile


def write_profile(data: dict[str, Any]) -> Path:
    """Write a profile to `params/`; one that is there and that somebody edited is kept.

    Raises
    ------
    CodealignError
        There is one of other models under this name.
    """
    path = PROJECT / "params" / f"{data['profile']}.yaml"
    shown = path.relative_to(PROJECT)
    if path.exists():
        if read_params(path).get("models") != data["models"]:
            raise CodealignError(f"{shown}: is of other models; give this pair a --name")
        return path
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)
    write_text(path, HEAD.format(path=shown) + text)
    return path


@dataclass
class Course:
    """How the seeds of a run went: those trained, those left out and why, seconds per seed."""

    done: list[int]
    left: list[int]
    why: str = ""
    seconds: float = 0.0
    failed: bool = False


def run(
    file: Path, cores: int, hours: float | None = None, early: bool = True, quiet: bool = False
) -> Course:
    """Run a profile seed by seed and build its report.

    Parameters
    ----------
    hours : no seed is begun that would not be done by then.
    early : also stop where the answer is clear, or cannot become clear.
    """
    from codealign.workflow.reproduce import reproduce

    seeds, began = load_params(file).study.seeds, time.monotonic()
    course = Course([], list(seeds))
    while course.left and not course.why:
        some = [*course.done, course.left[0]]
        changed = [f"study.seeds={some}"]
        print(f"seed {some[-1]}: {len(some)} of {len(seeds)}", flush=True)
        course.failed = bool(
            reproduce(file, cores, "functional,codal", quiet=quiet, changes=changed, report=False)
        )
        course.done, course.left = some, course.left[1:]
        course.seconds = (time.monotonic() - began) / len(some)
        if course.failed:
            course.why = "a job failed"
        elif course.left:
            course.why = _enough(file, course, seeds, early)
            late = time.monotonic() - began + course.seconds > 3600 * (hours or 1e9)
            course.why = course.why or ("the budget would not hold another seed" if late else "")
    final = [f"study.seeds={course.done}"]
    course.failed |= bool(reproduce(file, cores, quiet=quiet, changes=final))
    return course


def _enough(file: Path, course: Course, seeds: Sequence[int], early: bool) -> str:
    """Return why no further seed is needed, of every requirement; "" if one is."""
    from codealign.analysis.power import MATTERS, decision

    if not early or len(course.done) < 2:
        return ""
    looks = range(2, len(seeds) + 1)
    decisions = {r: decision(e, looks, MATTERS) for r, e in answers(file).items()}
    if not decisions or not all(decisions.values()):
        return ""
    return "; ".join(f"{r.replace('_', '-')}: {why}" for r, why in decisions.items())


def answers(file: Path) -> dict[str, Any]:
    """Return for each requirement the difference of the pathways' ends, base minus instruct."""
    params = load_params(file)
    return _answers(params, *_measured(PROJECT / "runs" / params.profile))


def _measured(root: Path) -> tuple[Any, Any]:
    """Return a run's scores and the values of its problems."""
    from codealign.analysis.cells import read_problems
    from codealign.analysis.scores import collect_all

    return collect_all(root), read_problems(root)


def _answers(params: Params, frame: Any, problems: Any) -> dict[str, Any]:
    from codealign.analysis.cells import cells_of
    from codealign.analysis.questions import ask, ends_higher

    cells = cells_of(frame, problems)
    (model,) = (short_name(one) for one in params.models)
    stages = aligned(params)
    return {r: ask(cells, ends_higher(r, stages), model) for r in params.requirements}


def aligned(params: Params) -> list[str]:
    """Return the techniques that a profile aligns with; both, if it names none."""
    return [stage for stage in params.stages if stage in ALIGNED] or list(ALIGNED)


def closing_lines(file: Path, course: Course) -> Iterator[str]:
    """Yield what a run of two models has shown: an answer per requirement, and where to look."""
    from codealign.analysis.advice import SUPPORTED, advise
    from codealign.analysis.export import write_before_and_after
    from codealign.analysis.tables.controls import hardly_moved

    params = load_params(file)
    root, planned = PROJECT / "runs" / params.profile, len(params.study.seeds)
    if course.left:
        left = ", ".join(map(str, course.left))
        shown = file.relative_to(PROJECT)
        yield (f"seeds not trained: {left} ({course.why}); `codealign reproduce --params {shown}` "
               "trains them")  # fmt: skip
    measured = _measured(root)
    effects = _answers(params, *measured)
    for requirement, effect in effects.items():
        yield sentence(requirement, effect, planned, course.seconds / 3600)
    if short := hardly_moved(root):
        yield short
    borne = [one for one in advise(*measured) if one.verdict == SUPPORTED]
    rules = "; ".join(f"{one.id} ({one.next_step})" for one in borne)
    yield f"advice this run bears out: {rules or 'none of R1-R9'}"
    drawn = [RunPaths(root).figures / f"{name}.svg" for name in ("answer", "scores_functional")]
    if picture := next((one for one in drawn if one.exists()), None):
        yield f"picture: {os.path.relpath(picture, PROJECT)}"
    (model,) = (short_name(one) for one in params.models)
    effect = effects.get("functional")
    variant = BASE if effect is not None and effect.value > 0 else INSTRUCT
    if written := write_before_and_after(root, model, variant):
        yield f"ten samples before and after alignment: {os.path.relpath(written, PROJECT)}"
    yield f"report: {os.path.relpath(RunPaths(root).report / 'index.html', PROJECT)}"


def sentence(requirement: str, effect: Any, planned: int, hours_per_seed: float) -> str:
    """Return where to start from for a requirement, with the interval at this look's level."""
    from codealign.analysis import labels
    from codealign.analysis.effects import ONE_RUN
    from codealign.analysis.power import EQUAL, UNKNOWN, levels, outlook

    what = labels.REQUIREMENTS[requirement]
    strict, after = effect, outlook(effect, requirement, hours_per_seed)
    if 2 <= effect.seeds < planned:  # stopped early: the interval pays for the looks
        strict = effect.at(1 - levels(tuple(range(2, planned + 1)))[effect.seeds])
    if strict.side:
        low, high = sorted((strict.side * strict.low, strict.side * strict.high))
        number = labels.with_interval(abs(strict.value), low, high, "{:+.1f}")
        start = "base" if strict.side > 0 else "instruct"
        alone = f" {ONE_RUN}; another may differ: {after.text}"
        return f"start from the {start} model: {number} points in {what}" + alone * strict.single
    shown = f" ({strict.value:+.1f}, base minus instruct)" if strict.value == strict.value else ""
    unclear = "" if after.kind in (UNKNOWN, EQUAL) else " cannot be told"  # `text` says it already
    return f"{what}{unclear}{shown}: {after.text}"


def has_gpu() -> bool:
    """Tell whether there is a GPU, without importing what uses one."""
    return shutil.which("nvidia-smi") is not None
