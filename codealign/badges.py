"""What lets the notebooks open on Google Colab: badges and opening lines, from one address.

`python -m codealign.badges` writes them into the notebooks, the pages and CITATION.cff, from
`project.urls.Repository` in pyproject.toml and the version; a test holds the files against it.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

from codealign import __version__
from codealign.paths import PROJECT
from codealign.workflow.plan import NOTEBOOKS

PICTURE = "https://colab.research.google.com/assets/colab-badge.svg"
BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*/(\w+)\.ipynb\)")
OPENING = re.compile(r'\Aimport sys\n.*?\n\nif "google\.colab" in .*?\n\n(?=\S)', re.S)
PAGES = ("README.md", "docs/how-to/colab.md")


def repository() -> str:
    """Return the address of the public repository."""
    data = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return data["project"]["urls"]["Repository"]


def badge(notebook: str) -> str:
    """Return a notebook's badge in Markdown: a link that opens it on Colab, at this version."""
    path = repository().removeprefix("https://github.com/")
    place = f"https://colab.research.google.com/github/{path}/blob/v{__version__}"
    return f"[![Open in Colab]({PICTURE})]({place}/notebooks/{notebook}.ipynb)"


def opening() -> str:
    """Return the lines that a notebook's imports begin with; they do nothing outside of Colab."""
    return f"""import sys
from importlib.util import find_spec

if "google.colab" in sys.modules and not find_spec("codealign"):
    get_ipython().run_line_magic(
        "pip", "install -q --no-deps git+{repository()}@v{__version__}"
    )

"""


def written() -> dict[Path, str]:
    """Return the text that each file must have."""
    found = {PROJECT / "notebooks" / f"{name}.ipynb": _notebook(name) for name in NOTEBOOKS}
    for page in PAGES:
        text = (PROJECT / page).read_text(encoding="utf-8")
        found[PROJECT / page] = BADGE.sub(lambda match: badge(match[1]), text)
    citation = PROJECT / "CITATION.cff"
    text = citation.read_text(encoding="utf-8")
    line = f"repository-code: {repository()}"
    return {**found, citation: re.sub(r"^repository-code: .*$", line, text, flags=re.M)}


def _notebook(name: str) -> str:
    """Return a notebook's file with its badge below the title and its opening lines."""
    path = PROJECT / "notebooks" / f"{name}.ipynb"
    data = json.loads(path.read_text(encoding="utf-8"))
    first = data["cells"][0]
    title, rest = BADGE.sub("", "".join(first["source"])).split("\n", 1)
    first["source"] = f"{title}\n\n{badge(name)}\n\n{rest.lstrip()}".splitlines(keepends=True)
    for cell in data["cells"]:
        if "setup" in cell["metadata"].get("tags", ()):
            source = OPENING.sub("", "".join(cell["source"]))
            cell["source"] = (opening() + source).splitlines(keepends=True)
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write every file that differs, and name it."""
    for path, text in written().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
