"""The report: whole from a finished run, honest about an unfinished one, no network needed."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from made_up_run import measured

from codealign.analysis.advice import Advice, advice_frame, advice_markdown
from codealign.analysis.answer import write_answer
from codealign.analysis.claims import Claim, claims_frame
from codealign.analysis.figures.style import CAPTIONS
from codealign.analysis.tables import build_tables
from codealign.paths import RunPaths
from codealign.report import build_report, overview
from codealign.report.page import PAGES
from codealign.report.sections import TABLES
from codealign.workflow.markers import write_failure

CLAIMS = [
    Claim(
        "O1.a",
        "O1",
        "PTA <gains> more",
        [4.2],
        [4.0],
        "%",
        [0.05],
        "mean change",
        "agrees",
        computed_unit="points",
    ),
    Claim("O2.a", "O2", "all improve", [], [3.0], "", [], "share", "disagrees", "own", "not: nano"),
]
FIELDS = ("title", "caption", "alt")
PROVENANCE = {"seed": 7, "device": "CPU, 2 cores", "commit": "abc"}


@pytest.fixture
def run(tmp_path) -> RunPaths:
    """Return a run of two planned jobs, one of which has finished."""
    paths = RunPaths(tmp_path / "mine")
    for folder in (paths.tables, paths.figures, paths.notebooks, paths.jobs / "07_paper"):
        folder.mkdir(parents=True)
    lock = {"run": "runs/mine", "jobs": {"02_sft": {}, "07_paper": {}}}
    (paths.root / "plan.lock.json").write_text(json.dumps(lock))
    result = {"line": "paper: 3 <scores>", "seconds": 2.0, "provenance": PROVENANCE}
    (paths.jobs / "07_paper/result.json").write_text(json.dumps(result))
    write_answer(paths.tables, measured())
    (paths.tables / "summary.md").write_text("| a |\n|---|\n| 1 |\n")
    (paths.tables / "table3.md").write_text("**Table 3. \\*All\\***\n\n| b |\n|---|\n| 2 |\n")
    advice = [
        Advice("R1", "Do it", "supported", ["one", "two"], "go on"),
        Advice("R2", "Or not", "cannot tell", [], "train"),
    ]
    (paths.tables / "advice.md").write_text(advice_markdown(advice))
    (paths.tables / "advice.csv").write_text(advice_frame(advice).to_csv(index=False))
    (paths.tables / "claims.csv").write_text(claims_frame(CLAIMS, CLAIMS).to_csv(index=False))
    write_texts(paths, figure1=("A & B", "A figure & its caption", "A is above B."))
    (paths.figures / "figure1.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    badge = "[![Open in Colab](https://example.org/badge.svg)](https://example.org/x.ipynb)"
    cells = [
        nbformat.v4.new_markdown_cell(f"# Title\n\n{badge}\n\nText"),
        nbformat.v4.new_code_cell("1 + 1"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), paths.notebooks / "07_paper.ipynb")
    return paths


def write_texts(run: RunPaths, **texts: tuple[str, str, str]) -> None:
    """Write title, caption and result of each figure, as `write_figures` does."""
    of = {stem: dict(zip(FIELDS, each, strict=True)) for stem, each in texts.items()}
    (run.figures / CAPTIONS).write_text(json.dumps(of))


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [v for k, v in attrs if k in ("href", "src") and v and v[0] != "#"]


def test_every_link_of_every_page_leads_to_a_file(run: RunPaths) -> None:
    index = build_report(run)
    pages = sorted(index.parent.rglob("*.html"))
    assert len(pages) == len(PAGES) + 1
    for page in pages:
        for link in Links(page.read_text()).found:
            file = page.parent / urlsplit(link).path
            assert link == "data:," or file.exists(), f"{page.name}: {link}"


def test_no_page_loads_anything_from_a_network(run: RunPaths) -> None:
    index = build_report(run)
    for page in [*index.parent.rglob("*.html"), index.parent / "report.js"]:
        assert not re.search(r"<(script|link|img)[^>]+https?:", page.read_text())


def test_a_job_that_did_not_finish_is_named(run: RunPaths) -> None:
    (run.tables / "claims.csv").unlink()
    text = build_report(run).read_text()
    assert '<p class="failed">Not finished: 02_sft.</p>' in text
    assert "1 of 2 notebooks have finished" in text
    jobs = (run.report / "notebooks.html").read_text()
    assert '02_sft</td><td data-label="Result"><span class="failed">not finished' in jobs
    assert "Not there: claims.csv" in (run.report / "claims.html").read_text()


def test_what_a_job_said_is_shown_as_text_not_as_html(run: RunPaths) -> None:
    build_report(run)
    assert "paper: 3 &lt;scores&gt;" in (run.report / "notebooks.html").read_text()


def test_recommendations_begin_with_all_verdicts_each_a_link_to_its_numbers(run: RunPaths) -> None:
    text = (build_report(run).parent / "advice.html").read_text()
    assert "2 recommendations: 1 supported, 1 cannot tell." in text
    assert '<b class="verdict good">supported</b>' in text
    assert re.findall(r'<td[^>]*><a href="#(R\d)">', text) == ["R1", "R2"]
    assert re.findall(r'<section id="(R\d)">', text) == ["R1", "R2"]


def test_the_runs_own_figures_come_before_the_papers_examples(run: RunPaths) -> None:
    write_texts(run, figure1=("An example", "Ours.", ""), own=("Own scores", "Of this run.", ""))
    (run.figures / "own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    text = (build_report(run).parent / "figures.html").read_text()
    assert re.findall(r'<section id="(\w+)">', text) == ["own", "figure1"]


def test_a_figure_stands_under_its_title_with_its_caption_and_its_result(run: RunPaths) -> None:
    (run.figures / "own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    own = ("Own scores", "Marks: means of this run.", "FTA wins.")
    write_texts(run, figure1=("A & B", "An example.", ""), own=own)
    text = (build_report(run).parent / "figures.html").read_text()
    assert re.findall("<h2>(.*?)</h2>", text) == ["Own scores", "Figure 1. A &amp; B"]
    assert "<figcaption>Marks: means of this run.<" in text
    assert 'alt="FTA wins."' in text


def test_the_run_is_described(run: RunPaths) -> None:
    assert "seed 7, device CPU, 2 cores, commit abc" in build_report(run).read_text()


def test_every_image_has_a_text_for_those_who_do_not_see_it(run: RunPaths) -> None:
    text = (build_report(run).parent / "figures.html").read_text()
    assert re.findall(r'<img [^>]*alt="([^"]*)"', text) == ["A is above B."]


def test_a_page_is_rendered_again_only_when_its_notebook_is_newer(run: RunPaths) -> None:
    page = build_report(run).parent / "notebooks/07_paper.html"
    before = page.stat().st_mtime_ns
    build_report(run)
    assert page.stat().st_mtime_ns == before
    later = before / 1e9 + 5
    os.utime(run.notebooks / "07_paper.ipynb", (later, later))
    build_report(run)
    assert page.stat().st_mtime_ns != before


def test_a_figure_that_is_gone_leaves_the_report(run: RunPaths) -> None:
    index = build_report(run)
    (run.figures / "figure1.svg").unlink()
    write_texts(run)
    build_report(run)
    assert not (index.parent / "figures/figure1.svg").exists()


def test_the_style_sheet_is_beside_the_page(run: RunPaths) -> None:
    assert Path(build_report(run).parent / "style.css").exists()


def test_the_answer_stands_first_on_the_overview(run: RunPaths) -> None:
    text = build_report(run).read_text()
    sections = re.findall(r'<section id="([^"]+)"', text)
    assert sections[0] == "answer"
    assert "which pathway ends higher is not distinguishable" in text


def test_a_run_without_an_answer_says_so_where_it_would_stand(run: RunPaths) -> None:
    (run.tables / "answer.csv").unlink()
    assert "Not there: answer.csv" in build_report(run).read_text()


def test_the_overview_counts_claims_and_recommendations_by_verdict(run: RunPaths) -> None:
    text = build_report(run).read_text()
    assert '<a href="claims.html?verdict=agrees">1 agrees</a>' in text
    assert "supported: R1; cannot tell: R2." in text


def test_a_table_stands_under_its_name_with_its_own_caption(run: RunPaths) -> None:
    text = (build_report(run).parent / "tables.html").read_text()
    assert "<h2>Table 3</h2><p><strong>Table 3. *All*</strong></p>" in text
    assert 'aria-label="Table 3. *All*"' in text


def test_every_table_of_the_paper_has_a_name_on_the_page() -> None:
    assert list(TABLES) == [table.name for table in build_tables(measured())]


def test_no_page_shows_markup_as_text(run: RunPaths) -> None:
    for page in build_report(run).parent.rglob("*.html"):
        assert not re.search(r"&lt;/?(div|table|td|p|b|a)\b", page.read_text()), page.name


def test_every_page_names_itself_in_the_navigation(run: RunPaths) -> None:
    folder = build_report(run).parent
    for stem in PAGES:
        text = (folder / f"{stem}.html").read_text()
        assert re.findall(r'href="([^"]+)" aria-current="page"', text) == [f"{stem}.html"]


def test_a_claim_carries_what_the_filters_look_at(run: RunPaths) -> None:
    text = (build_report(run).parent / "claims.html").read_text()
    assert (
        '<tr id="O1.a" data-verdict="agrees" data-paper_verdict="agrees" data-place="O1" ' in text
    )
    assert '<option value="disagrees">disagrees</option>' in text
    assert "2 of 2 shown" in text


def test_a_claim_shows_published_and_computed_each_with_its_unit(run: RunPaths) -> None:
    text = (build_report(run).parent / "claims.html").read_text()
    assert "PTA &lt;gains&gt; more</td>" in text
    assert 'data-label="Published" class="num">4.2 %</td>' in text
    assert (
        'data-label="This run"><b class="verdict good">agrees</b><br><small>4 points</small></td>'
        in text
    )


def test_tables_and_figures_can_be_downloaded(run: RunPaths) -> None:
    folder = build_report(run).parent
    assert '<a href="tables/table3.md" download>' in (folder / "tables.html").read_text()
    assert '<a href="figures/figure1.svg" download>' in (folder / "figures.html").read_text()


def test_findings_have_a_page_with_the_studys_tables_and_figures(run: RunPaths) -> None:
    (run.tables / "findings.md").write_text("| O1 | same sign |\n|---|---|\n| 1 | 2 |\n")
    (run.tables / "study.md").write_text("This run has one seed.\n")
    write_texts(run, figure1=("A", "A figure", ""), study_tax=("Tax", "Costs.", "What it costs"))
    (run.figures / "study_tax.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    text = (build_report(run).parent / "findings.html").read_text()
    assert "same sign" in text and "This run has one seed." in text
    assert re.findall(r'<img [^>]*alt="([^"]*)"', text) == ["What it costs"]


def test_the_profiles_note_stands_before_the_answer(run: RunPaths) -> None:
    lock = run.root / "plan.lock.json"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "note": "One <model> as both."}))
    assert overview.answer(run).body.startswith("<p><b>Note:</b> One &lt;model&gt; as both.</p>")


@pytest.mark.parametrize("left", ["", "{"])
def test_a_notebook_left_broken_by_a_failed_job_is_said_to_be_so(run: RunPaths, left: str) -> None:
    (run.notebooks / "02_sft.ipynb").write_text(left)
    write_failure(run.root, "02_sft", error="its kernel was ended by SIGKILL")
    text = build_report(run).read_text()
    assert "Failed: 02_sft: its kernel was ended by SIGKILL." in text
    assert "cannot be read" in (run.report / "notebooks/02_sft.html").read_text()
