"""Figures: what they show, that nothing runs over an edge or another text, the same bytes twice."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from made_up_run import CONTEXT, measured
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from codealign.analysis.changes import changes
from codealign.analysis.context import RunMaterial
from codealign.analysis.figures import draw_figures, style, write_figures
from codealign.analysis.figures.diagrams import figure2, figure3, figure4
from codealign.analysis.figures.dots import dots, profiles, versus
from codealign.analysis.figures.heatmap import heatmap, plane
from codealign.analysis.figures.listings import COLOURS, Panel, figure1, figure5, figure6
from codealign.analysis.figures.stages import curves_in_words, training_curves
from codealign.analysis.figures.style import (
    CAPTIONS,
    FILLS,
    THEME,
    WIDTH,
    Drawn,
    read_captions,
    save,
    styled,
    write_captions,
)
from codealign.analysis.scores import published
from codealign.errors import CodealignError

PAPER = ["figure1", "figure2", "figure3", "figure4", "figure5", "figure6"]
CHARTS = ["answer", "heatmap_dpo", "heatmap_bonbon", "stability_plasticity",
          "scores_functional", "scores_codal", "scores_evoeval", "dimension_profiles"]  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> Iterator[dict[str, Drawn]]:
    with styled():
        found = draw_figures(measured(), CONTEXT)
        for d in found:
            d.figure.draw_without_rendering()
        yield {d.stem: d for d in found}


def texts(figure: Drawn) -> list[Text]:
    found = figure.figure.findobj(Text)
    return [t for t in found if t.get_text().strip() and t.get_visible()]


def words(figure: Drawn) -> set[str]:
    return {t.get_text() for t in texts(figure)}


def test_a_run_has_all_figures_and_is_set_against_the_paper(drawn: dict[str, Drawn]) -> None:
    assert list(drawn) == [*PAPER, *CHARTS, "published_and_nano"]


def test_every_caption_of_a_chart_names_the_source(drawn: dict[str, Drawn]) -> None:
    for stem in CHARTS:
        assert "measured in run mine" in drawn[stem].caption


def test_figures_are_no_wider_than_the_text_column(drawn: dict[str, Drawn]) -> None:
    assert all(d.figure.get_figwidth() <= WIDTH for d in drawn.values())


@pytest.mark.parametrize("stem", [*PAPER, *CHARTS, "published_and_nano"])
def test_no_text_runs_over_the_edge(drawn: dict[str, Drawn], stem: str) -> None:
    figure = drawn[stem].figure
    box = figure.get_tightbbox()  # of everything visible, in inches
    width, height = figure.get_size_inches()
    slack = 0.02
    assert box.x0 >= -slack and box.y0 >= -slack
    assert box.x1 <= width + slack and box.y1 <= height + slack


@pytest.mark.parametrize("make", [figure2, figure3, lambda: figure4(CONTEXT)])
def test_no_two_texts_of_a_diagram_overlap(make) -> None:
    with styled():
        figure = make()
        figure.figure.draw_without_rendering()
        for a, b in itertools.combinations(texts(figure), 2):
            first, second = a.get_window_extent(), b.get_window_extent()
            assert not first.overlaps(second), (a.get_text(), b.get_text())


@pytest.mark.parametrize("stem", [*PAPER, *CHARTS, "published_and_nano"])
def test_a_figure_has_title_alt_text_and_data(drawn: dict[str, Drawn], stem: str) -> None:
    figure = drawn[stem]
    assert figure.title and figure.title in words(figure)
    assert figure.alt and figure.data is not None and len(figure.data)


def test_an_alt_text_says_the_result(drawn: dict[str, Drawn]) -> None:
    # every stage is 5 points better than the one before it: DPO +10 on 17 benchmarks, two pathways
    assert drawn["heatmap_dpo"].alt.startswith("Gains among 34 changes: 34, losses: 0.")
    assert "DPO in 10 of 10, BoNBoN in 10 of 10" in drawn["scores_functional"].alt
    assert "functional PTA: mean base score 40.0, mean change +12 points" in (
        drawn["stability_plasticity"].alt
    )


def test_the_data_are_the_numbers_drawn(drawn: dict[str, Drawn]) -> None:
    rows = drawn["heatmap_bonbon"].data
    assert rows["absolute"].to_list() == pytest.approx([15.0] * 36)


def colours(svg: str) -> set[str]:
    return set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg))


def test_drawings_use_no_colour_without_its_dark_counterpart(drawn: dict[str, Drawn]) -> None:
    known = {*THEME, style.SKY, style.ORANGE, style.RED, style.DARK}
    with styled():
        found = {d.stem: style.rendered(d.figure, "svg").decode() for d in drawn.values()}
    assert {stem: colours(svg) - known for stem, svg in found.items() if colours(svg) - known} == {}
    assert not any("fill: none" not in svg.partition("</g>")[0] for svg in found.values())


def test_an_svg_follows_a_dark_page_and_says_what_it_shows(tmp_path: Path) -> None:
    with styled():
        save(figure2(), tmp_path)
    root = ElementTree.parse(tmp_path / "figure2.svg").getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{name}title").text == figure2_title()
    assert root.find(f"{name}desc").text.startswith("RLHF and DPO.")
    rules = root.find(f"{name}style").text
    assert f"fill:light-dark({style.INK},{THEME[style.INK]})!important" in rules
    assert style.HEAT[0] not in rules  # not in this drawing


def figure2_title() -> str:
    with styled():
        return figure2().title


def test_figure_4_shows_the_runs_counts(drawn: dict[str, Drawn]) -> None:
    found = words(drawn["figure4"])
    assert {"functional 1,300", "functional 2,600", "functional 204"} <= found
    assert "nano functional" in drawn["figure4"].caption


def test_figure_4_keeps_requirements_apart_and_shows_what_came_of_the_executions() -> None:
    counts = {"seeds": 4, "passing": 3, "failing": 5, "proven": 2}
    other = {"seeds": 6, "passing": 1}
    context = RunMaterial({("nano", "functional"): counts, ("nano", "non_functional"): other})
    with styled():
        figure = figure4(context)
    found = words(figure)
    assert {"functional 4", "non-functional 6", "functional 5"} <= found
    assert {"functional 3, 2 proven", "non-functional 1"} <= found
    assert "10" not in " ".join(found)


def test_figure_4_adds_up_models_and_says_so() -> None:
    two = {("a", "functional"): {"pairs": 3}, ("b", "functional"): {"pairs": 4}}
    with styled():
        figure = figure4(RunMaterial(two))
    assert "functional 7" in words(figure)
    assert any("added up over 2 models" in word for word in words(figure))


def test_figure_4_without_a_run_shows_no_number() -> None:
    with styled():
        figure = figure4(RunMaterial())
    assert not any(re.search(r"\d", word) for word in words(figure))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def shown(light: str, dark: bool) -> str:
    return THEME.get(light, light) if dark else light


# text on ground; WCAG 2.2 asks 4.5:1 of small text
TEXTS = [
    *((text, style.PAPER) for text in (style.INK, style.MUTED, style.GOOD, style.BAD)),
    *((colour, FILLS["listing"][0]) for _, colour, _ in COLOURS),
    *((style.INK, fill) for fill, _ in FILLS.values()),
    *((style.INK, step) for step in style.HEAT[1:-1]),
    *((style.ON, strong) for strong in (style.HEAT[0], style.HEAT[-1], style.BLUE)),
    *((style.DARK, fill) for fill in (style.SKY, style.ORANGE, style.RED)),
    (style.INK, style.RULE), (style.MUTED, style.BAND),
]  # fmt: skip


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_every_ground(dark: bool) -> None:
    pairs = [(shown(text, dark), shown(ground, dark)) for text, ground in TEXTS]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


@pytest.mark.parametrize("dark", [False, True])
def test_marks_stand_out_from_the_page(dark: bool) -> None:
    # WCAG 2.2 asks 3:1 of graphics that are needed to understand
    marks = {*style.STAGE_COLOURS.values(), *style.PATHWAY_COLOURS.values()} - {style.ORANGE}
    page = shown(style.PAPER, dark)
    assert [m for m in sorted(marks) if contrast(shown(m, dark), page) < 3] == []


def test_a_listing_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CodealignError, match="a line of 90 characters"):
        Panel("Wide", "x" * 90, "#000000").lines(2.0, 7)


def test_the_listings_hold_the_examples() -> None:
    with styled():
        for figure, word in ((figure1(), "scrypt"), (figure5(), "TypeError"), (figure6(), "rl")):
            assert any(word in found for found in words(figure))


def test_the_heat_map_shows_points() -> None:
    # Llama3-8B, F1, DPO: 0.372 -> 0.530 is +15.8 points; CodeLlama: 0.030 -> 0.018 is -1.2 (-40 %)
    with styled():
        found = words(heatmap(changes(published()), "dpo"))
    assert {"+16", "−1.2"} <= found and "−40" not in found


def test_the_heat_map_says_what_was_not_run() -> None:
    frame = measured()
    frame = frame[~((frame["benchmark"] == "mbpp") & (frame["variant"] == "finetuned"))]
    with styled():
        assert "not run" in words(heatmap(changes(frame), "dpo"))


def test_the_planes_means_are_of_points_in_percent() -> None:
    # every stage is 5 points better than the one before: DPO +10, BoNBoN +15, mean +12.5 at 40
    with styled():
        axes = plane(changes(measured())).figure.axes[0]
    means = [c.get_offsets().tolist() for c in axes.collections if len(c.get_offsets()) == 1]
    assert [40.0, 12.5] in [[round(x, 6), round(y, 6)] for ((x, y),) in means]


def test_charts_without_their_scores_are_left_out() -> None:
    functional = measured()[lambda f: f["requirement"] == "functional"]
    with styled():
        assert profiles(changes(functional)) is None
        assert dots(functional, 4) is None


def test_a_stage_that_was_not_trained_has_no_map() -> None:
    only = measured()[lambda f: f["stage"].isin(["base", "sft"])]
    with styled():
        assert heatmap(changes(only), "dpo") is None
        assert plane(changes(only)) is None


def test_versus_needs_a_run() -> None:
    with styled():
        assert versus(changes(published()), "nano") is None


@pytest.mark.long
def test_files_and_captions_are_written(tmp_path: Path) -> None:
    base = measured()[lambda f: f["stage"] == "base"]
    paths = write_figures(tmp_path, base)
    texts = read_captions(tmp_path)
    assert list(texts) == [*PAPER, *CHARTS[4:-1]]
    assert len(paths) == 4 * len(texts) + 1
    assert all(one["title"] and one["caption"] and one["alt"] for one in texts.values())
    assert all(p.exists() and p.stat().st_size > 100 for p in paths)


def test_captions_keep_the_order_of_showing(tmp_path: Path) -> None:
    with styled():
        write_captions([figure2(), figure3()], tmp_path)
    assert list(read_captions(tmp_path)) == ["figure2", "figure3"]


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        with styled():
            found.append([p.read_bytes() for p in save(figure2(), tmp_path / name)])
    assert found[0] == found[1]


def test_a_pdf_embeds_its_letters_as_truetype_that_can_be_searched(tmp_path: Path) -> None:
    with styled():
        save(figure2(), tmp_path)
    pdf = (tmp_path / "figure2.pdf").read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    contents = [zlib.decompress(s) for s in streams]
    fonts = [TTFont(BytesIO(c)) for c in contents if c.startswith(b"\0\1\0\0")]
    assert b"/Type3" not in pdf
    assert len(fonts) == pdf.count(b"/FontFile2") == pdf.count(b"/ToUnicode") > 0
    assert all({"glyf", "hmtx"} <= set(font.keys()) for font in fonts)
    assert not any({"GSUB", "GPOS"} & set(font.keys()) for font in fonts)


def test_drawing_leaves_the_users_style_alone() -> None:
    before = dict(matplotlib.rcParams)
    with styled():
        figure5()
    assert dict(matplotlib.rcParams) == before


def test_training_curves_have_a_panel_a_logged_metric() -> None:
    log = [{"step": i, "loss": 1 / (i + 1), "gap": i} for i in range(20)]
    found = training_curves(log)
    assert curves_in_words(log) == found.alt != ""
    assert {"loss", "gap, nats"} <= words(found)
    assert found._repr_png_().startswith(b"\x89PNG")


def test_a_metric_that_was_logged_once_is_a_point_not_an_empty_panel() -> None:
    log = [{"step": i, "loss": 1.0, **({"kl": 0.1} if i == 3 else {})} for i in range(4)]
    loss, kl = (axes.lines[-1] for axes in training_curves(log).figure.axes[:2])
    assert (loss.get_marker(), kl.get_marker()) == ("None", "o")


def test_a_log_without_loss_is_refused() -> None:
    with pytest.raises(CodealignError, match="no step with a loss"):
        training_curves(pd.DataFrame({"step": [1], "epoch": [0.1]}))


def test_the_committed_figures_are_all_there() -> None:
    folder = Path(__file__).resolve().parents[2] / "figures" / "paper"
    stems = list(read_captions(folder))
    assert stems == [*PAPER, *CHARTS, "claims"]
    files = {p.name for p in folder.iterdir()} - {CAPTIONS}
    assert files == {f"{stem}.{s}" for stem in stems for s in ("pdf", "svg", "png", "csv")}
    assert sum(p.stat().st_size for p in folder.iterdir()) < 6e6
