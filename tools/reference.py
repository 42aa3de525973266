"""The reference pages of `docs/reference/`, made from the params schema, parser and docstrings.

`python -m tools.reference` writes them; a test holds the committed pages against the code.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import codealign
from codealign.cli import build_parser
from codealign.markdown import pipe_table
from codealign.params import Params
from codealign.paths import PROJECT

MADE = "*This page is made by `python -m tools.reference`; change the code, not the page.*"
REQUIRED = "required"
BASE = """## base

`base: nano.yaml` in a profile takes the settings of another and says only what differs:

```yaml
base: nano.yaml
profile: mine
align: {dpo: {beta: 0.5}}
```

- `base` names a file as seen from the profile's folder (`.yaml` may be left out); one without a \
folder may also be a profile of the project's `params/` or one that the package brings. A base may \
have a base itself.
- Mappings are merged key by key; a list or a value takes the place of the base's.
- `null` takes a setting of the base away, so that its default holds: `codal: null`.
- `profile` is never the base's: two profiles are two run folders.
- An anchor (`&training`) belongs to its own file: a changed `sft` does not change the `align` \
of a base that repeats its `sft` by one.
- What decides a run is the settings that result, wherever they are written: a change of the base \
makes anew what it changes, and nothing else."""


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {"params.md": params_page(), "commands.md": commands_page(), "api.md": api_page()}


def params_page() -> str:
    """Return the settings of a profile: key, type, default, meaning."""
    parts = ["# Settings of a profile (`params/*.yaml`)", MADE, "An unknown key is refused.", BASE]
    return "\n\n".join([*parts, *_section(Params, "", None)]) + "\n"


def _section(model: type[BaseModel], place: str, defaults: BaseModel | None) -> list[str]:
    """Return the parts of one section; `defaults` are those its owner gives it."""
    rows, inner = [], []
    for name, field in model.model_fields.items():
        nested = _model_in(field.annotation)
        default = REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
        value = getattr(defaults, name) if defaults is not None else default
        if nested is None:
            rows.append(_setting(f"{place}{name}", field, value))
        elif nested is field.annotation:
            inner += _section(nested, f"{place}{name}.", value if value is not REQUIRED else None)
        else:
            inner += _section(nested, f"{place}{name}.<name>.", None)
    about = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
    table = [pipe_table(["key", "type", "default", "meaning"], rows)] if rows else []
    return [f"## {place.rstrip('.') or 'profile'}", about, *table, *inner]


def _setting(key: str, field: FieldInfo, value: Any) -> list[str]:
    default = REQUIRED if value is REQUIRED else f"`{value!r}`"
    kind = inspect.formatannotation(_plain(field.annotation))
    kind = kind.replace("typing.", "").replace("|", "\\|")
    return [f"`{key}`", f"`{kind}`", default, _meaning(field)]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if inspect.isclass(part) and issubclass(part, BaseModel):
            return part
    return None


def _plain(annotation: Any) -> Any:
    """Return an annotation without the checks attached to it or to its parts."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _plain(parts[0])
    return (
        get_origin(annotation)[_plain(parts[0])] if get_origin(annotation) is list else annotation
    )


def _meaning(field: FieldInfo) -> str:
    limits = {"Ge": "at least {}", "Gt": "above {}", "Le": "at most {}", "Lt": "below {}"}
    words = []
    for rule in field.metadata:
        name = type(rule).__name__
        if name in limits:
            words.append(limits[name].format(getattr(rule, name.lower())))
    return "; ".join([*([field.description] if field.description else []), *words])


def commands_page() -> str:
    """Return every subcommand with its arguments."""
    parser = build_parser()
    parts = ["# The `codealign` command", MADE]
    for name, sub in _subparsers(parser).items():
        rows = [_argument(a) for a in sub._actions if a.dest != "help"]
        parts += [f"## codealign {name}", (sub.description or "").capitalize() + "."]
        parts += [pipe_table(["argument", "default", "meaning"], rows)] if rows else []
    return "\n\n".join(parts) + "\n"


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def _argument(action: argparse.Action) -> list[str]:
    name = action.option_strings[0] if action.option_strings else action.metavar or action.dest
    needed = action.required or (not action.option_strings and action.nargs != "?")
    # The number of cores is the machine's own.
    shown = "all" if action.dest == "cores" else action.default
    default = "required" if needed else "" if shown in (None, "", False) else f"`{shown}`"
    meaning = (action.help or "").replace("%(default)s", str(shown)).replace("|", "\\|")
    choices = f" (one of {', '.join(map(str, action.choices))})" if action.choices else ""
    return [f"`{name}`", default, f"{meaning}{choices}"]


def api_page() -> str:
    """Return the public names of `import codealign` with signature and docstring."""
    about = "Names for those who do not want notebooks: `from codealign import load_params`."
    parts = ["# The Python interface", MADE, about]
    for name in codealign.__all__:
        if name != "__version__":
            parts += _entry(name, getattr(codealign, name))
    return "\n\n".join(parts) + "\n"


def _entry(name: str, member: Any) -> list[str]:
    home = codealign._HOME[name]
    doc = inspect.getdoc(member) or ""
    if inspect.isclass(member) and issubclass(member, BaseException | BaseModel):
        head = f"class {name}"
    else:
        head = f"{name}{inspect.signature(member)}"
    return [f"## {name}", f"`codealign.{home}`", f"```text\n{head}\n\n{doc}\n```"]


def main() -> int:
    """Write the pages to `docs/reference/`."""
    folder = PROJECT / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        Path(folder / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
