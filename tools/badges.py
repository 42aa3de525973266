"""What code writes into the front pages: the public address, Colab's lines, what was found.

The address is `project.urls.Repository` in pyproject.toml; until `python -m tools.badges URL` has
set it there is none, and no badge, no `repository-code` and no clone line names one. README's
sentences on what was found come from the committed tables, as do those of
docs/explanation/study.md on placebo, controls and dose. `python -m tools.badges` writes all of it;
a test holds the files against it.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from codealign import __version__
from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.records import write_text
from codealign.workflow.notebooks import NOTEBOOKS

PICTURE = "https://colab.research.google.com/assets/colab-badge.svg"
BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*/(\w+)\.ipynb\)")
LINKED = "[{0}.ipynb](../../notebooks/{0}.ipynb)"
LINK = re.compile(r"\[(\w+)\.ipynb\]\([./]*notebooks/\1\.ipynb\)")
"""Stands where a badge will be, once there is an address."""
URLS = re.compile(r'^\[project\.urls\]\nRepository = "[^"]*"\n\n', re.M)
GITHUB = re.compile(r"https://github\.com/[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[\w.-]+")
OPENING = re.compile(r'\Aimport sys\n.*?\n\nif "google\.colab" in .*?\n\n(?=\S)', re.S)
PAGES = ("docs/how-to/colab.md", "README.md", "CITATION.cff", "docs/explanation/study.md")
PLACEBO = "nano/results/tables/study_placebo.csv"
ANSWER = "nano/results/tables/answer.csv"
DOSE = "nano/results/dose/tables/dose.csv"
CONTROLS = "nano/results/controls/tables/study_placebo.csv"


def repository() -> str:
    """Return the address of the public repository, "" while there is none."""
    data = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return data["project"].get("urls", {}).get("Repository", "")


def publish(url: str) -> list[Path]:
    """Set the public address and write it wherever it belongs; return the files that changed.

    Parameters
    ----------
    url : https://github.com/OWNER/NAME, for Colab opens notebooks from there; "" takes it back.

    Raises
    ------
    CodealignError
        Another form of address.
    """
    url = url.rstrip("/").removesuffix(".git")
    if url and not GITHUB.fullmatch(url):
        raise CodealignError(f"{url}: not an address such as https://github.com/OWNER/NAME")
    path = PROJECT / "pyproject.toml"
    text = URLS.sub("", path.read_text(encoding="utf-8"))
    section = f'[project.urls]\nRepository = "{url}"\n\n' if url else ""
    write_text(path, text.replace("[project.scripts]", f"{section}[project.scripts]"))
    return write()


def badge(notebook: str) -> str:
    """Return a notebook's badge in Markdown, which opens it on Colab; "" without an address."""
    if not repository():
        return ""
    path = repository().removeprefix("https://github.com/")
    place = f"https://colab.research.google.com/github/{path}/blob/v{__version__}"
    return f"[![Open in Colab]({PICTURE})]({place}/notebooks/{notebook}.ipynb)"


def source() -> str:
    """Return what pip installs on Colab: this version; without an address an uploaded wheel."""
    if address := repository():
        return f"git+{address}@v{__version__}"
    return f"codealign-{__version__}-py3-none-any.whl"


def opening() -> str:
    """Return the lines that a notebook's imports begin with; they do nothing outside of Colab."""
    return f"""import sys
from importlib.util import find_spec

if "google.colab" in sys.modules and not find_spec("codealign"):
    source = "{source()}"
    get_ipython().run_line_magic("pip", f"install -q --no-deps {{source}}")

"""


def written() -> dict[Path, str]:
    """Return the text that each file must have."""
    pages = {PROJECT / "notebooks" / f"{name}.ipynb": _notebook(name) for name in NOTEBOOKS}
    colab, readme, citation, study = (PROJECT / name for name in PAGES)
    text = BADGE.sub(lambda match: LINKED.format(match[1]), colab.read_text(encoding="utf-8"))
    pages[colab] = LINK.sub(lambda match: badge(match[1]) or match[0], text)
    parts = {"clone": _clone(), "findings": findings()}
    pages[readme] = _filled(readme.read_text(encoding="utf-8"), parts)
    parts = {"placebo": placebo(), "controls": controls(), "dose": dose()}
    pages[study] = _filled(study.read_text(encoding="utf-8"), parts)
    text = re.sub(r"^repository-code: .*\n", "", citation.read_text(encoding="utf-8"), flags=re.M)
    line = f"repository-code: {repository()}\n" if repository() else ""
    pages[citation] = text.replace("abstract:", f"{line}abstract:", 1)
    return pages


def _clone() -> str:
    """Return the line of README that gets the source tree."""
    if repository():
        return f"```console\ngit clone {repository()}.git codealign && cd codealign\n```"
    return "Open a terminal in the folder of this README."


def _filled(text: str, parts: dict[str, str]) -> str:
    """Return a page with each part between its two marks."""
    for name, part in parts.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.S)
        text = between.sub(lambda match, part=part: match[1] + part + match[2], text)
    return text


def findings() -> str:
    """Return in three sentences what the committed tables say: the ledger, the study's answer."""
    from codealign.analysis.answer import QUESTIONS, headlines, main_rows, span

    claims = pd.read_csv(PROJECT / "paper_tables/paper/claims.csv")
    mine = claims[claims["origin"] == "paper"]
    counts = ", ".join(f"{n} *{verdict}*" for verdict, n in mine["verdict"].value_counts().items())
    lines = [
        f"Of the paper's {len(mine)} checkable statements, held against its own tables: {counts}."
    ]
    answers = pd.read_csv(PROJECT / ANSWER)
    rows = main_rows(answers).to_dict("records")
    for (requirement, answer), row in zip(headlines(answers), rows, strict=True):
        numbers = ", ".join(f"{name} {span(row, name)}" for name in QUESTIONS)
        of = f"{row['seeds']} seeds, n = {row['n']}"
        lines.append(f"On nano, {requirement}: {answer} (PTA - FTA, {of}: {numbers} points).")
    return "\n".join(f"- {line}" for line in lines)


def placebo() -> str:
    """Return what the committed study says of its placebo, over all cells."""
    row = _all_cells(PLACEBO)
    return (
        f"Above their SFT models, over PTA and FTA, DPO and BoNBoN, {row['Seeds']} seeds: a coin's "
        f"pairs {row['Placebo above its SFT']} points of pass@1, the study's own "
        f"{row['Main above its SFT']} (95% intervals over seeds and problems). The table's verdict "
        f"on the placebo: {row['Verdict']}."
    )


def controls() -> str:
    """Return what the committed experiment of known effect says, over all cells."""
    row = _all_cells(CONTROLS)
    return (
        f"Above their SFT models, over PTA and FTA, DPO and BoNBoN, {row['Seeds']} seeds: pairs "
        f"that hidden tests label {row['Main above its SFT']} points of pass@1, a coin's "
        f"{row['Placebo above its SFT']} (95% intervals over seeds and problems)."
    )


def dose() -> str:
    """Return what the committed dose says of more fine-tuning: its line through the doses."""
    table = pd.read_csv(PROJECT / DOSE).set_index("Chats")
    doses = [name for name in table.index if name.replace(",", "").isdigit()]
    span = f"{doses[1]} to {doses[-1]}"  # the first is 0: the pretrained model
    changes = ", ".join(f"{name} {value}" for name, value in table.loc[f"{span}, line"].items())
    return (
        f"From {span} chats, by a line through each pretraining's doses, in points of pass@1: "
        f"{changes}."
    )


def _all_cells(path: str) -> dict[str, Any]:
    """Return the row of a placebo's table that is about all cells together."""
    table = pd.read_csv(PROJECT / path)
    (row,) = table[table["Cell"] == "All cells"].to_dict("records")
    return row


def _notebook(name: str) -> str:
    """Return a notebook's file with its badge below the title and its opening lines."""
    path = PROJECT / "notebooks" / f"{name}.ipynb"
    data = json.loads(path.read_text(encoding="utf-8"))
    first = data["cells"][0]
    title, rest = BADGE.sub("", "".join(first["source"])).split("\n", 1)
    parts = [title, *[badge(name)] * bool(badge(name)), rest.lstrip()]
    first["source"] = "\n\n".join(parts).splitlines(keepends=True)
    for cell in data["cells"]:
        if "setup" in cell["metadata"].get("tags", ()):
            source = OPENING.sub("", "".join(cell["source"]))
            cell["source"] = (opening() + source).splitlines(keepends=True)
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def write() -> list[Path]:
    """Write every file that differs; return their paths."""
    texts = written()
    changed = [path for path, text in texts.items() if path.read_text("utf-8") != text]
    for path in changed:
        write_text(path, texts[path])
    return changed


def main(arguments: list[str]) -> None:
    """Write every file that differs, and name it; with an argument set the address first."""
    try:
        changed = publish(arguments[0]) if arguments else write()
    except CodealignError as error:
        sys.exit(str(error))
    for path in changed:
        print(f"wrote {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
