"""Duplicates by structure, contamination by word n-grams."""

from __future__ import annotations

from codealign.prefs.overlap import Benchmarks, fingerprint, grams

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
