"""Survey shares by hand, and an answers file with every kind of fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.analysis.survey import published_shares, questions, read_answers, shares
from codealign.errors import CodealignError

HEAD = "respondent,Q1,Q2,Q3,Q4,Q5,Q6,Q7,Q8"
GOOD = (
    "{},Other,3-5 years,Done once/twice,Evaluate both,Very important,"
    "Task requirements; Prior experience,Relative improvement,Option A"
)


def answers(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "answers.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def share(path: Path, question: str, option: str) -> dict:
    found = shares(read_answers(path))
    rows = found[(found["question"] == question) & (found["option"] == option)]
    return rows.iloc[0].to_dict()


def fault(folder: Path, *rows: str) -> str:
    with pytest.raises(CodealignError) as error:
        read_answers(answers(folder, *rows))
    return str(error.value)


def test_a_share_is_of_those_who_answered(tmp_path: Path) -> None:
    path = answers(tmp_path, GOOD.format(1), GOOD.format(2).replace("Option A", "Option B"),
                   GOOD.format(3).replace("Option A", ""))  # fmt: skip
    found = share(path, "Q8", "Option A")
    assert (found["count"], found["n"], found["missing"]) == (1, 2, 1)
    assert found["percent"] == pytest.approx(50)
    assert not found["derived"]


def test_several_options_may_be_chosen(tmp_path: Path) -> None:
    path = answers(tmp_path, GOOD.format(1))
    assert share(path, "Q6", "Prior experience")["count"] == 1
    assert share(path, "Q6", "Compute resources")["count"] == 0


def test_a_total_counts_each_respondent_once(tmp_path: Path) -> None:
    path = answers(tmp_path, GOOD.format(1),
                   GOOD.format(2).replace("Done once/twice", "Done multiple times"))  # fmt: skip
    assert share(path, "Q3", "Done (performed fine-tuning and alignment)")["count"] == 2


def test_an_unknown_option_names_line_question_and_nearest(tmp_path: Path) -> None:
    said = fault(tmp_path, GOOD.format(1), GOOD.format(2).replace("3-5 years", "3-5 yeras"))
    assert said.endswith("answers.csv:3: Q2: '3-5 yeras' is no option; did you mean '3-5 years'?")


def test_every_bad_row_is_named(tmp_path: Path) -> None:
    said = fault(tmp_path, GOOD.format(""), GOOD.format(1), GOOD.format(1), "4,Other")
    assert [line.split(":", 1)[1] for line in said.splitlines()] == [
        "2: respondent is empty",
        "4: respondent 1 answers twice",
        "5: the number of cells differs from the header's",
    ]


def test_an_option_given_twice_is_refused(tmp_path: Path) -> None:
    said = fault(tmp_path, GOOD.format(1).replace("Prior experience", "Task requirements"))
    assert "Q6: an option is given twice" in said


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="unknown column 'Q9'"):
        read_answers(answers(tmp_path, head=HEAD + ",Q9"))
    with pytest.raises(CodealignError, match="no column Q8"):
        read_answers(answers(tmp_path, head=HEAD.removesuffix(",Q8")))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no such file"):
        read_answers(tmp_path / "none.csv")


def test_a_file_without_rows_has_no_shares(tmp_path: Path) -> None:
    found = shares(read_answers(answers(tmp_path)))
    assert found["percent"].isna().all()
    assert (found["n"] == 0).all()


def test_published_counts_are_derived_and_marked() -> None:
    # 53.3 % of 30 are 16, 80 % are 24
    found = published_shares().set_index(["question", "option"])
    assert found.loc[("Q2", "3-5 years"), "count"] == 16
    assert found.loc[("Q6", "Task requirements"), "count"] == 24
    assert found["derived"].all()


def test_published_options_are_options_or_totals_of_the_questions() -> None:
    for row in published_shares().itertuples():
        question = questions()[row.question]
        assert row.option in [*question.options, *question.totals]


def test_the_printed_importance_shares_add_up() -> None:
    # 40.0 % "very" (12) and 46.7 % "somewhat" (14) make the printed 86.7 % (26 of 30)
    found = published_shares()
    assert found[found["question"] == "Q5"]["count"].sum() == 26


@pytest.mark.parametrize(
    "cell", ['"Task requirements, Prior experience"', '"Task requirements,Prior experience"']
)
def test_options_may_be_separated_by_commas_as_forms_export_them(tmp_path: Path, cell: str) -> None:
    row = GOOD.format(1).replace("Task requirements; Prior experience", cell)
    (found,) = read_answers(answers(tmp_path, row))
    assert found["Q6"] == ["Task requirements", "Prior experience"]


def test_a_list_with_something_else_in_it_is_no_list_of_options(tmp_path: Path) -> None:
    row = GOOD.format(1).replace("Task requirements; Prior", '"Task requirements, whim"; Prior')
    assert "is no option" in fault(tmp_path, row.replace('"; Prior experience', '"'))
