"""What names a model, and where its weights, its configuration and its dimensions are.

A name is a key of `params/models.yaml`, a folder on this machine, a Hugging Face id, or a pair of
the latter two with a name of its own (`params.ModelPair`, as text). Nothing here loads weights.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from codealign.errors import CodealignError, nearest
from codealign.params import ModelPair, Section, Variant, validate
from codealign.paths import NANO_WEIGHTS, PROJECT, short_name
from codealign.records import stable_id
from codealign.shapes import LLAMA_LIKE, Shape, shape_in

REGISTRY = PROJECT / "params" / "models.yaml"
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VARIANTS: tuple[Variant, Variant] = ("pretrained", "finetuned")
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
WEIGHTS = (".safetensors", ".bin", ".gguf")
SAMPLE = 1 << 20
"""Bytes read at the start and at the end of a file of weights to tell it from another."""


class ModelSpec(Section):
    """One entry of the registry."""

    family: str = Field("", description="architecture, `model_type` in config.json")
    hub: dict[Variant, str] = Field(
        default={}, description="Hugging Face id, or folder, of each variant"
    )
    revision: dict[Variant, str] = Field(default={}, description="commit or branch; absent: main")
    embedded: bool = Field(False, description="weights are shipped in the package")
    chat: list[Variant] = Field(default=[], description="variants asked through a chat template")
    chat_format: Literal["", "llama-3", "chatml", "llama-2", "deepseek-coder"] = Field(
        "", description="of the chat template, which is checked against it; empty: its own"
    )
    target_modules: list[str] = Field(
        default=LINEAR, description="layers that get a LoRA adapter; empty: every linear one"
    )
    gated: str = Field("", description="how to get access; empty: free to fetch")
    shape: Shape | None = Field(
        None, description="dimensions, for `codealign plan`; absent: those of config.json"
    )


@cache
def registry(path: Path = REGISTRY) -> dict[str, ModelSpec]:
    """Return all registered models by name."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: validate(ModelSpec, entry, f"{path}: {name}") for name, entry in data.items()}


def spec(name: str) -> ModelSpec:
    """Return a model's entry: the registry's, or one made for a folder, a hub id or a pair.

    A folder is either a model itself, which serves as whichever variant is asked for, or holds one
    in `pretrained/`, in `finetuned/` or in both. The fine-tuned variant of what is not registered
    is asked through its chat template, the pretrained one never.

    Raises
    ------
    CodealignError
        No such name (the nearest is suggested), or a folder that holds no model.
    """
    known = registry()
    if name in known:
        return known[name]
    if pair := _pair(name):
        places = {v: place for v in VARIANTS if (place := getattr(pair, v))}
        return _spec_of({v: _single(place) for v, place in places.items()})
    if folder := _folder(name):
        inside = {v: str(folder / v) for v in VARIANTS if (folder / v).is_dir()}
        return _spec_of(inside or dict.fromkeys(VARIANTS, _single(name)))
    if HUB_ID.fullmatch(name):
        return _spec_of(dict.fromkeys(VARIANTS, name))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:  # it means a folder
        places = dict.fromkeys(f"in {folder}" for folder in (Path.cwd(), PROJECT))
        raise CodealignError(
            f"model {name}: no such folder ({' or '.join(places)}); make or fetch it "
            "first (comments of the profile that names it may say how), or name another model"
        )
    raise CodealignError(
        f"unknown model {name!r} (neither in {REGISTRY.name} nor a folder, nor a Hugging Face id "
        "as owner/name)" + nearest(name, list(known))
    )


def _spec_of(places: dict[Variant, str]) -> ModelSpec:
    chat = [variant for variant in places if variant == "finetuned"]
    family = next((f for place in places.values() if (f := _family(place))), "")
    linear = LINEAR if family in ("", *LLAMA_LIKE) else []
    return ModelSpec(family=family, hub=places, chat=chat, target_modules=linear)


def _family(place: str) -> str:
    try:
        return str(read_config(place)["model_type"]) if _folder(place) else ""
    except (CodealignError, KeyError):  # reported where the configuration itself is wanted
        return ""


def _pair(name: str) -> ModelPair | None:
    """Return the pair that a name spells out, as a profile's `models` writes it down."""
    if not name.startswith("{"):
        return None
    try:
        data = yaml.safe_load(name)
    except yaml.YAMLError:
        raise CodealignError(
            f"model {name}: no mapping of name, pretrained and finetuned, as its brace says"
        ) from None
    return validate(ModelPair, data, "model")


def _folder(name: str) -> Path | None:
    """Return the folder of that name, absolute: in the working folder, else in the project."""
    try:
        path = Path(name).expanduser()
        places = (Path(os.path.abspath(base / path)) for base in (Path.cwd(), PROJECT))
        return next((place for place in places if name and place.is_dir()), None)
    except (RuntimeError, OSError):  # nobody's home, or longer than any name
        return None


def _single(place: str) -> str:
    """Return the absolute folder, or the hub id, of one set of weights."""
    folder = _folder(place)
    if not folder:
        if HUB_ID.fullmatch(place):
            return place
        raise CodealignError(f"{place}: no such folder, and no Hugging Face id (owner/name)")
    if (folder / "config.json").exists():
        return str(folder)
    if (folder / "adapter_config.json").exists():
        what = "an adapter, not a model; name its model, or join them with `codealign merge`"
    elif any(folder.glob("*.gguf")):
        what = "GGUF weights; convert them to a Hugging Face folder (config.json, *.safetensors)"
    else:
        what = "no config.json in it, and no pretrained/ or finetuned/; name a Hugging Face folder"
    raise CodealignError(f"{folder}: {what}")


def reference(name: str) -> str:
    """Return a name that means the same wherever it is read: folders in it are made absolute."""
    if name in registry():
        return name
    if pair := _pair(name):
        places = {v: place for v in VARIANTS if (place := getattr(pair, v))}
        whole = {v: str(_folder(place) or place) for v, place in places.items()}
        return ModelPair(name=pair.name, **whole).text()
    return str(_folder(name) or name)


def references(names: Iterable[str]) -> list[str]:
    """Return the reference of each model; no two may share the short name that paths are made of.

    Raises
    ------
    CodealignError
        Two different models, or one and a registered other, have the same short name.
    """
    resolved = [reference(name) for name in names]
    owners: dict[str, str] = {}
    for one in resolved:
        short = short_name(one)
        other = short if short in registry() else owners.setdefault(short, one)
        if other != one:
            raise CodealignError(
                f"models: {one} and {other} would both be called {short!r} in the run's folders; "
                "name one yourself: {name: ..., pretrained: ..., finetuned: ...}"
            )
    return resolved


def among(models: Iterable[str], name: str) -> str:
    """Return the reference of a model that is given as one of `models` or by its short name."""
    by_name = {short_name(one): one for one in references(models)}
    return by_name.get(name) or references([name])[0]


def source(name: str, variant: Variant) -> tuple[str, str | None]:
    """Return where the weights are: (folder, None) or (hub id, revision).

    Raises
    ------
    CodealignError
        The model has no such variant, or its folder holds no model.
    """
    entry = spec(name)
    if entry.embedded:
        if not (NANO_WEIGHTS / variant / "config.json").exists():
            remedy = "run `make nano` to build them"
            raise CodealignError(f"{NANO_WEIGHTS / variant}: no weights of {name}; {remedy}")
        return str(NANO_WEIGHTS / variant), None
    if variant not in entry.hub:
        has = ", ".join(entry.hub)
        raise CodealignError(f"{short_name(name)}: no weights of {variant}, only of {has}; "
                             f"name them, or set variants: [{has}]")  # fmt: skip
    where = entry.hub[variant]
    if _folder(where) or not HUB_ID.fullmatch(where):
        return _single(where), None
    return where, entry.revision.get(variant, "main")


def places_of(name: str) -> list[str]:
    """Return where a model's variants are: folders and hub ids."""
    entry = spec(name)
    return [source(name, v)[0] for v in (VARIANTS if entry.embedded else entry.hub)]


def hub_places(name: str, variants: Iterable[Variant]) -> set[str]:
    """Return the repositories of the hub that a model's variants are fetched from."""
    return {where for where, _ in (source(name, v) for v in variants) if not _folder(where)}


def check_variants(name: str, variants: Iterable[Variant]) -> None:
    """Refuse one set of weights as two variants: their scores would differ in the prompts alone.

    Raises
    ------
    CodealignError
        As said, and as `source`.
    """
    places = [source(name, variant) for variant in variants]
    if len(set(places)) < len(places):
        raise CodealignError(
            f"models: {name} is one set of weights, but variants asks for {' and '.join(variants)};"
            " set variants to the one it is, or name both: "
            "{name: ..., pretrained: ..., finetuned: ...}"
        )


def read_config(where: str, revision: str | None = None) -> dict[str, Any]:
    """Return a model's `config.json`, from its folder or from the hub (its cache, if offline).

    Raises
    ------
    CodealignError
        It is not there, cannot be fetched, or is no JSON object.
    """
    folder = _folder(where)
    path = folder / "config.json" if folder else hub_file(where, revision, "config.json")
    if path is None or not path.exists():
        raise CodealignError(f"{where}: no config.json; name a Hugging Face model")
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise CodealignError(f"{path}: cannot be read as JSON ({error}); copy it anew") from None
    if not isinstance(config, dict):
        raise CodealignError(f"{path}: not a model's configuration; copy it anew")
    return config


def hub_file(repo: str, revision: str | None, name: str) -> Path | None:
    """Return a small file of a repository on the hub, fetched if need be; None if it has none.

    Raises
    ------
    CodealignError
        The repository cannot be reached, or is not there.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repo, name, revision=revision))
    except LocalEntryNotFoundError as error:
        raise CodealignError(unavailable(repo, error)) from None
    except EntryNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CodealignError(unavailable(repo, error)) from None


def unavailable(where: str, error: Exception) -> str:
    """Return in one line why a model's files are unavailable, and what to do."""
    if _folder(where):
        advice = "`codealign check-model` with its name says more"
        return f"{where}: cannot load what is in this folder ({_line(error)}); {advice}"
    gates = {place: entry.gated for entry in registry().values() for place in entry.hub.values()}
    if gated := gates.get(where):
        return f"{where}: cannot fetch the weights; access is gated: {gated} ({_line(error)})"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return (
            f"{where}: weights are not on this machine and HF_HUB_OFFLINE=1 forbids fetching; on a "
            f"machine with network run `hf download {where}` or unset HF_HUB_OFFLINE"
        )
    return f"{where}: cannot load the weights; check name and network ({_line(error)})"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def shape_of(name: str) -> Shape | None:
    """Return a model's dimensions: the registry's, or those of its configuration.

    None if the architecture is not of Llama's kind, or the configuration is unavailable here.
    """
    entry = spec(name)
    if entry.shape:
        return entry.shape
    for variant in VARIANTS:
        try:
            return shape_in(read_config(*source(name, variant)))
        except CodealignError:
            continue
    return None


def stored_parameters(where: str) -> int:
    """Return how many numbers the safetensors files in a folder hold, by their headers; else 0.

    Raises
    ------
    CodealignError
        A file of them is cut short or none of the format.
    """
    count = 0
    for path in (_folder(where) or Path(os.devnull)).glob("*.safetensors"):
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            count += sum(prod(t["shape"]) for key, t in header.items() if key != "__metadata__")
        except (ValueError, OSError, OverflowError, MemoryError, TypeError, KeyError) as error:
            raise CodealignError(f"{path}: no safetensors file ({error}); copy it anew") from None
    return count


def weights_here(where: str, revision: str | None = None) -> bool:
    """Tell whether a model's weights are on this machine, without asking the hub."""
    if _folder(where):
        return True
    from huggingface_hub import try_to_load_from_cache

    def cached(name: str) -> str | None:
        path = try_to_load_from_cache(where, name, revision=revision)
        return path if isinstance(path, str) else None

    if index := cached("model.safetensors.index.json"):
        shards = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values()
        return all(cached(shard) for shard in set(shards))
    return any(cached(name) for name in ("model.safetensors", "pytorch_model.bin"))


def has_chat_template(where: str, revision: str | None = None) -> bool:
    """Tell whether a model's tokenizer brings a chat template, without loading it."""
    for name in ("chat_template.jinja", "tokenizer_config.json"):
        folder = _folder(where)
        path = folder / name if folder else hub_file(where, revision, name)
        if path and path.exists():
            if name.endswith(".jinja"):
                return True
            try:
                settings = json.loads(path.read_text(encoding="utf-8", errors="replace"))
            except ValueError:
                continue  # loading the tokenizer says what is wrong with it
            if settings.get("chat_template"):
                return True
    return False


def identity(name: str, variant: Variant) -> str:
    """Return what distinguishes a model's weights from others that once had the same name.

    Of a folder of the user's own that is a hash of its small files, and of size, start and end of
    each file of weights; of any other model the name itself, whose weights the package or a
    revision fixes.
    """
    where, _ = source(name, variant)
    folder = _folder(where)
    if folder is None or spec(name).embedded:
        return name
    kinds = (".json", ".jinja", ".txt", ".model", ".py", *WEIGHTS)
    files = (p for p in sorted(folder.iterdir()) if p.is_file() and p.suffix in kinds)
    return stable_id("model", *(p.name + _digest(p) for p in files if not p.name.startswith(".")))


def _digest(path: Path) -> str:
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        if path.suffix not in WEIGHTS or size <= 2 * SAMPLE:
            digest.update(file.read())
        else:
            digest.update(file.read(SAMPLE))
            file.seek(-SAMPLE, os.SEEK_END)
            digest.update(file.read() + str(size).encode())
    return digest.hexdigest()
