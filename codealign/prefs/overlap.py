"""Duplicates and near-duplicates among seeds, and seeds that give away a benchmark's problems."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from datasketch import MinHash, MinHashLSH

from codealign.records import stable_id
from codealign.resumable import Index

SHINGLE, PERMUTATIONS = 5, 128  # tokens of a shingle, hash functions of a signature
GRAM = 10  # words, as in the decontamination of The Stack's models
SHARE = 0.5  # of a benchmark text's n-grams found in one seed


def words(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case, without punctuation."""
    return re.findall(r"[a-z0-9_]+", text.lower())


def grams(text: str, n: int = GRAM) -> set[tuple[str, ...]]:
    """Return the n-grams of a text's words; a shorter text is one gram, an empty one has none."""
    text_words = words(text)
    if len(text_words) < n:
        return {tuple(text_words)} if text_words else set()
    return {tuple(text_words[i : i + n]) for i in range(len(text_words) - n + 1)}


class Benchmarks:
    """Texts (prompts, solutions) that a seed must not give away.

    Parameters
    ----------
    texts : the benchmarks' prompts and, if wanted, solutions.
    n : words in an n-gram.
    share : a seed is contaminated if it holds at least this share of a text's n-grams, 0 to 1.
    """

    def __init__(self, texts: Iterable[str], n: int = GRAM, share: float = SHARE) -> None:
        self.n, self.share = n, share
        self.sizes: list[int] = []
        self.owners: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for text in texts:
            text_grams = grams(text, n)
            for gram in text_grams:
                self.owners[gram].append(len(self.sizes))
            self.sizes.append(len(text_grams))

    def contaminate(self, code: str) -> bool:
        """Tell whether a text of the benchmarks is found in `code`, wholly or in large part."""
        sizes = {self.n} | {len(g) for g in self.owners if len(g) < self.n}
        code_grams = set().union(*(grams(code, n) for n in sizes))
        hits = Counter(owner for gram in code_grams for owner in self.owners.get(gram, ()))
        return any(count >= self.share * self.sizes[owner] for owner, count in hits.items())


def fingerprint(code: str) -> str:
    """Return an id that is equal for functions that differ in name, docstring or layout only."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.name = "f"
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return stable_id("function", ast.dump(tree))


def shingles(code: str) -> set[str]:
    """Return the runs of five tokens (words, numbers, single signs) of a piece of code."""
    tokens = re.findall(r"\w+|[^\w\s]", code)
    last = max(1, len(tokens) - SHINGLE + 1)
    return {" ".join(tokens[i : i + SHINGLE]) for i in range(last)}


class NearDuplicates:
    """Remembers code and recognises what resembles it, by MinHash and locality-sensitive hashing.

    Similarity is the Jaccard index of the shingles, estimated with 128 hash functions: pairs well
    above the threshold are found, pairs near it may go either way. Two runs agree. Two pieces
    resemble each other if all values of a band are equal; datasketch chooses the bands for the
    threshold. Their index is on disk, since datasketch's own needs kilobytes of memory a piece.

    Parameters
    ----------
    threshold : similarity from which two pieces are near-duplicates, above 0 to 1; 1 finds none
        (equal code is another filter's).
    """

    def __init__(self, threshold: float) -> None:
        self.bands: list[tuple[int, int]] = []
        if threshold < 1:
            best = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
            self.bands = [(band * best.r, (band + 1) * best.r) for band in range(best.b)]
        self.known = Index()

    def seen(self, code: str) -> bool:
        """Tell whether earlier code resembles this one; if not, remember it."""
        if not self.bands:
            return False
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([s.encode("utf-8", "replace") for s in sorted(shingles(code))])
        values = signature.hashvalues
        keys = [f"{start} {values[start:end].tobytes().hex()}" for start, end in self.bands]
        if any(key in self.known for key in keys):
            return True
        for key in keys:
            self.known.add(key)
        return False
