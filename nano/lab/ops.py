"""The tables of sources and operations. Data only; the meaning of the columns is in vocabulary."""

from __future__ import annotations

from nano.lab.vocabulary import Op, Source


def _source(id: str, args: str, *rest: str, weight: int) -> Source:
    return Source(id, tuple(args.split("|")), *rest, weight=weight)


SOURCES = {
    s.id: s
    for s in (
        _source("list", "nums|numbers|values|data", "list[int]", "L", "{a}", "numbers", "in {a}",
                "a list of integers {a}", "lists", "", weight=34),
        _source("range", "n|limit", "int", "L", "list(range(1, {a} + 1))", "numbers",
                "from 1 to {a}", "an integer {a}, consider the numbers from 1 to {a}", "ranges",
                "numbers", weight=7),
        _source("digits", "n|number", "int", "L", "[int(d) for d in str({a})]", "digits", "of {a}",
                "an integer {a}, look at its digits", "digits of a number", "digits", weight=6),
        _source("divisors", "n", "int", "L", "[d for d in range(1, {a} + 1) if {a} % d == 0]",
                "divisors", "of {a}", "an integer {a}, find its divisors", "divisors", "divisors",
                weight=4),
        _source("dict_values", "d|scores|prices", "dict[str, int]", "L", "list({a}.values())",
                "values", "in the dictionary {a}", "a dictionary {a}, take its values",
                "dictionary values", "values", weight=5),
        _source("string", "text|s|string", "str", "S", "{a}", "characters", "in {a}",
                "a string {a}", "strings", "", weight=18),
        _source("words", "words|names|items", "list[str]", "W", "{a}", "words", "in {a}",
                "a list of words {a}", "word lists", "", weight=14),
        _source("sentence", "sentence|text|line", "str", "W", "{a}.split()", "words",
                "in the string {a}", "a string {a}, split it into words", "splitting text",
                "words", weight=8),
        _source("dict_keys", "d|scores|prices", "dict[str, int]", "W", "list({a})", "keys",
                "of the dictionary {a}", "a dictionary {a}, take its keys", "dictionary keys",
                "keys", weight=4),
    )
}  # fmt: skip


def make_op(
    kind: str, id: str, types: str, nouns: str, verbs: str, code: str, name: str, concept: str,
    needs: str = "", var: str = "", slow: str = "",
) -> Op:  # fmt: skip
    """Return an operation from a row of a table; `types` is "takes>gives"."""
    takes, gives = types.split(">")
    return Op(id, kind, takes, gives, tuple(nouns.split("|")), tuple(verbs.split("|")), code, name,
              concept, needs, var, slow)  # fmt: skip


# filters: nouns say which elements stay ("even {N}"), verbs complete "the ones that ..."
_FILTERS = (
    ("even", "L>=", "even {N}", "are even", "{x} % 2 == 0", "even", "even numbers", "", "evens"),
    ("odd", "L>=", "odd {N}", "are odd", "{x} % 2 == 1", "odd", "odd numbers", "", "odds"),
    ("positive", "L>=", "positive {N}|{N} above zero", "are positive", "{x} > 0", "positive",
     "positive numbers", "", "positives"),
    ("negative", "L>=", "negative {N}|{N} below zero", "are negative", "{x} < 0", "negative",
     "negative numbers", "", "negatives"),
    ("nonzero", "L>=", "non-zero {N}", "are not zero", "{x} != 0", "nonzero", "non-zero numbers"),
    ("greater", "L>=", "{N} greater than {k}|{N} above {k}|{N} larger than {k}",
     "are greater than {k}|exceed {k}", "{x} > {k}", "above", "greater than a threshold", "number"),
    ("less", "L>=", "{N} less than {k}|{N} below {k}|{N} smaller than {k}",
     "are less than {k}|are below {k}", "{x} < {k}", "below", "less than a threshold", "number"),
    ("at_least", "L>=", "{N} of at least {k}", "are at least {k}|are no less than {k}",
     "{x} >= {k}", "at_least", "lower bound", "number"),
    ("at_most", "L>=", "{N} of at most {k}", "are at most {k}|are no more than {k}", "{x} <= {k}",
     "at_most", "upper bound", "number"),
    ("multiple", "L>=", "multiples of {k}|{N} divisible by {k}",
     "are divisible by {k}|are multiples of {k}", "{x} % {k} == 0", "divisible", "divisibility",
     "divisor", "multiples"),
    ("not_multiple", "L>=", "{N} not divisible by {k}",
     "are not divisible by {k}|are not multiples of {k}", "{x} % {k} != 0", "not_divisible",
     "non-divisibility", "divisor"),
    ("other_than", "L>=", "{N} other than {k}|{N} different from {k}", "are not equal to {k}",
     "{x} != {k}", "except", "inequality", "number"),
    ("last_digit", "L>=", "{N} ending in {k}|{N} whose last digit is {k}", "end in {k}",
     "{x} % 10 == {k}", "ending_in", "last digit check", "divisor"),
    ("prime", "L>=", "prime {N}", "are prime", "is_prime({x})", "prime", "prime numbers", "",
     "primes"),
    ("vowel", "S>=", "vowels", "are vowels", '{x} in "aeiou"', "vowels", "vowels", "", "vowels"),
    ("consonant", "S>=", "consonants", "are consonants",
     '{x}.isalpha() and {x} not in "aeiou"', "consonants", "consonants", "", "consonants"),
    ("digit", "S>=", "digits", "are digits", "{x}.isdigit()", "digits", "digit characters", "",
     "digits"),
    ("capital", "S>=", "uppercase letters|capital letters", "are uppercase", "{x}.isupper()",
     "uppercase", "uppercase letters", "", "capitals"),
    ("small", "S>=", "lowercase letters|small letters", "are lowercase", "{x}.islower()",
     "lowercase", "lowercase letters", "", "small"),
    ("letter", "S>=", "letters", "are letters", "{x}.isalpha()", "letters", "letters", "",
     "letters"),
    ("not_space", "S>=", "characters other than spaces|non-space characters", "are not spaces",
     '{x} != " "', "nonspace", "non-space characters"),
    ("equal", "S>=", "characters equal to {k}|occurrences of {k}", "are equal to {k}",
     "{x} == {k}", "matching", "character matching", "letter"),
    ("unequal", "S>=", "characters other than {k}|characters different from {k}", "are not {k}",
     "{x} != {k}", "without", "character removal", "letter"),
    ("longer", "W>=", "{N} longer than {k}|{N} with more than {k} letters", "are longer than {k}",
     "len({x}) > {k}", "longer", "word length", "number", "long_words"),
    ("shorter", "W>=", "{N} shorter than {k}|{N} with fewer than {k} letters",
     "are shorter than {k}", "len({x}) < {k}", "shorter", "short words", "number", "short_words"),
    ("of_length", "W>=", "{N} of length {k}|{N} with exactly {k} letters", "have length {k}",
     "len({x}) == {k}", "length", "exact length", "number"),
    ("starting", "W>=", "{N} starting with {k}|{N} that begin with {k}", "start with {k}",
     "{x}.startswith({k})", "starting", "prefix check", "letter"),
    ("ending", "W>=", "{N} ending with {k}|{N} that end with {k}", "end with {k}",
     "{x}.endswith({k})", "ending", "suffix check", "letter"),
    ("containing", "W>=", "{N} containing {k}|{N} that include {k}", "contain {k}", "{k} in {x}",
     "containing", "substring check", "letter"),
    ("lacking", "W>=", "{N} without {k}|{N} that do not contain {k}", "do not contain {k}",
     "{k} not in {x}", "lacking", "missing letter", "letter"),
    ("shouting", "W>=", "uppercase {N}", "are uppercase", "{x}.isupper()", "uppercase",
     "uppercase words"),
    ("palindrome", "W>=", "palindromic {N}", "are palindromes|read the same backwards",
     "{x} == {x}[::-1]", "palindromes", "palindromes", "", "palindromes"),
    ("even_length", "W>=", "{N} of even length", "have an even length", "len({x}) % 2 == 0",
     "even_length", "even length"),
)  # fmt: skip

_MAPS = (
    ("square", "L>=", "the squares of {np}",
     "square each of them|replace each one with its square", "{x} ** 2", "squares", "squaring", "",
     "squares"),
    ("cube", "L>=", "the cubes of {np}", "cube each of them|raise each one to the third power",
     "{x} ** 3", "cubes", "cubing", "", "cubes"),
    ("double", "L>=", "twice each of {np}|the doubles of {np}",
     "double each of them|multiply each one by two", "{x} * 2", "doubles", "doubling", "",
     "doubled"),
    ("triple", "L>=", "three times each of {np}", "triple each of them", "{x} * 3", "triples",
     "tripling", "", "tripled"),
    ("half", "L>=", "the halves of {np} rounded down", "halve each of them, rounding down",
     "{x} // 2", "halves", "integer halving", "", "halves"),
    ("add", "L>=", "{k} plus each of {np}|the results of adding {k} to each of {np}",
     "add {k} to each of them|increase each one by {k}", "{x} + {k}", "plus", "adding a constant",
     "number"),
    ("subtract", "L>=",
     "{k} less than each of {np}|the results of subtracting {k} from each of {np}",
     "subtract {k} from each of them|decrease each one by {k}", "{x} - {k}", "minus",
     "subtracting a constant", "number"),
    ("times", "L>=", "{k} times each of {np}|the results of multiplying each of {np} by {k}",
     "multiply each of them by {k}|scale each one by {k}", "{x} * {k}", "times", "scaling",
     "number"),
    ("negate", "L>=", "the negatives of {np}", "negate each of them|flip the sign of each one",
     "-{x}", "negated", "negation"),
    ("absolute", "L>=", "the absolute values of {np}", "take the absolute value of each one",
     "abs({x})", "absolute", "absolute value", "", "sizes"),
    ("modulo", "L>=", "the remainders of {np} divided by {k}|each of {np} modulo {k}",
     "take the remainder of each one divided by {k}|reduce each of them modulo {k}", "{x} % {k}",
     "modulo", "remainders", "divisor", "remainders"),
    ("cap", "L>=", "{np} capped at {k}", "cap each of them at {k}", "min({x}, {k})", "capped",
     "capping values", "number", "capped"),
    ("upper", "W>=", "{np} in uppercase", "convert each of them to uppercase|uppercase each one",
     "{x}.upper()", "upper", "uppercasing"),
    ("lower", "W>=", "{np} in lowercase", "convert each of them to lowercase|lowercase each one",
     "{x}.lower()", "lower", "lowercasing"),
    ("capitalize", "W>=", "{np} capitalized", "capitalize each of them", "{x}.capitalize()",
     "capitalized", "capitalization"),
    ("spell_back", "W>=", "the reversals of {np}",
     "reverse each of them|spell each one backwards", "{x}[::-1]", "reversed", "string reversal"),
    ("prefix", "W>=", "the first {k} letters of each of {np}",
     "shorten each of them to its first {k} letters", "{x}[:{k}]", "prefixes", "prefix slicing",
     "number", "prefixes"),
    ("append", "W>=", "{np} with {k} appended to each", "append {k} to each of them", "{x} + {k}",
     "suffixed", "string concatenation", "letter"),
    ("twice", "W>=", "{np} each written twice", "repeat each of them twice", "{x} * 2",
     "repeated", "string repetition"),
)  # fmt: skip

FILTERS = {row[0]: make_op("filter", *row) for row in _FILTERS}
MAPS = {row[0]: make_op("map", *row) for row in _MAPS}
