"""Duplicates by structure, contamination by word n-grams."""

from __future__ import annotations

from codealign.prefs.filters import Benchmarks, NearDuplicates, fingerprint, grams, shingles

TEXT = "return the sum of all even numbers in a list of integers"  # 12 words: 3 10-grams


def test_grams_of_twelve_words_are_three() -> None:
    assert len(grams(TEXT)) == 3


def test_grams_of_a_short_text_are_one_and_of_an_empty_text_none() -> None:
    assert grams("Two words") == {("two", "words")}
    assert grams(" .") == set()


def test_case_and_punctuation_do_not_hide_a_benchmark_text() -> None:
    guard = Benchmarks([TEXT])
    assert guard.contaminate(f'def f(x):\n    """{TEXT.upper()}!"""\n')


def test_a_seed_with_less_than_half_of_the_grams_is_clean() -> None:
    # the first 10 words hold 1 of 3 grams, the first 11 hold 2 of 3
    words = TEXT.split()
    assert not Benchmarks([TEXT]).contaminate(" ".join(words[:10]))
    assert Benchmarks([TEXT]).contaminate(" ".join(words[:11]))


def test_a_benchmark_text_shorter_than_a_gram_is_found_as_a_whole() -> None:
    assert Benchmarks(["reverse a string"]).contaminate("we reverse a string here")
    assert not Benchmarks(["reverse a string"]).contaminate("we reverse a list here")


def test_without_benchmarks_nothing_is_contaminated() -> None:
    assert not Benchmarks([]).contaminate(TEXT)


def test_name_docstring_and_layout_do_not_tell_functions_apart() -> None:
    one = 'def f(x):\n    """Say."""\n    return x+1\n'
    other = "def g(x):\n\n    return x + 1  # more\n"
    assert fingerprint(one) == fingerprint(other)


def test_another_constant_is_another_function() -> None:
    assert fingerprint("def f(x):\n    return x + 1\n") != fingerprint(
        "def f(x):\n    return x + 2\n"
    )


def lines(*changed: int) -> str:
    """Forty lines of code, each its own words; the changed ones have others."""
    return "".join(
        f"value_{i} = other_{i} * {i} + 1\n" if i in changed else f"name_{i} = first_{i} + {i}\n"
        for i in range(40)
    )


def test_shingles_are_runs_of_five_tokens() -> None:
    # tokens: return a + b [ 0 ], seven of them, three runs
    assert shingles("return a + b[0]") == {"return a + b [", "a + b [ 0", "+ b [ 0 ]"}


def test_code_with_one_changed_line_in_forty_is_a_near_duplicate() -> None:
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert near.seen(lines(7))


def test_other_code_is_no_near_duplicate() -> None:
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert not near.seen(lines(*range(30)))


def test_a_near_duplicate_is_not_remembered() -> None:
    # each version changes three more lines: the third resembles the second, but not the first
    near = NearDuplicates(0.7)
    assert not near.seen(lines())
    assert near.seen(lines(*range(3)))
    assert not near.seen(lines(*range(20)))


def test_a_threshold_of_one_finds_nothing() -> None:
    near = NearDuplicates(1.0)
    assert not near.seen(lines())
    assert not near.seen(lines())
