r"""What language-model judges share: the prompt of a grading and the rating in a reply.

An answer is graded by itself against a reference, so there is no second answer to swap it with. The
one position that can be examined is that of the reference: `answer_first` shows the answer before
it, and a judge that grades by the words alone gives the same ratings.

What is asked for is a last line `Rating: [[7]]`. The last verdict line counts, whatever stands
before it; one that cannot be read is never replaced by an earlier one. A reply is read so:

1. Thinking blocks (`<think>..</think>` and their like) are taken out; one that is not closed leaves
   no verdict. Quoted code (fences, backticks, indented lines) and block quotes are no verdict.
2. A verdict line begins, or goes on after a sentence, with `Rating` or `Score` (also `My final
   rating`, `Rating (1-10)`, `Rating for style`) and a colon, `=` or `is`; or the label stands above
   its number; or it is `<rating>8</rating>`; or the reply ends with a JSON object that has the key
   `rating` or `score`.
3. Its number is `[[8]]`, `[8]`, `(8)`, `**8**`, `\boxed{8}` or `8`, with or without `/10` or
   `out of 10`, in digits of any script and in full-width signs.
4. Without a verdict line, `[[8]]` or `\boxed{8}` counts at the end of the reply's last line, if
   this line holds nothing else, a label in any language, or the word rating, score or rate.

A range, two numbers, another scale, a fraction, a number outside 1 to 10, or a number that goes on
as a sentence about something else is no rating.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from codealign.evaluate.judges import ANSWER_FIRST
from codealign.prompts import template
from codealign.records import DIMENSIONS, Answer, Rating, stable_id

READING = "last verdict line"
"""Changes with the rules by which a reply is read, which every judge's key holds."""


def judge_name(model: str, answer_first: bool) -> str:
    """Return the name that stands in ratings."""
    return f"{ANSWER_FIRST}{model}" if answer_first else model


def prompt(answer: Answer, answer_first: bool = False) -> str:
    """Return the grading prompt: rubric, task with its principle, reference and answer."""
    texts = {
        "Reference answer": answer.reference.strip(),
        "Answer to grade": answer.text.strip() or "(the answer is empty)",
    }
    order = reversed(texts) if answer_first else texts
    return template("judge").fill(
        criterion=template(f"rubrics/{answer.dimension}").text.strip(),
        instruction=f"{answer.instruction}\n\n{answer.principle}".strip(),
        answers="\n\n".join(f"## {title}\n{texts[title]}" for title in order),
    )


def rubric_hash(dimension: str, answer_first: bool = False) -> str:
    """Return a hash of all fixed words in the grading prompt of a dimension, and their order."""
    words = (template("judge").hash, template(f"rubrics/{dimension}").hash)
    return stable_id(*words, ANSWER_FIRST) if answer_first else stable_id(*words)


def rating(
    answer: Answer,
    judge: str,
    reply: str,
    *,
    fault: str = "",
    cut: int = 0,
    answer_first: bool = False,
) -> Rating:
    """Return the rating read from a judge's reply; the reply itself is the reason if it is rated.

    Of an unrated answer the reason says what was wrong.

    Parameters
    ----------
    fault : why there is no reply; "" if there is one.
    cut : tokens at which the reply was cut, as its longest: what it says then is no rating yet. 0
        for a reply that ended by itself.
    """
    value, wrong = (None, fault) if fault else read_verdict(reply)
    if cut and not fault:
        reason = "no rating in the reply (it was cut at its longest)"
        empty = f"the reply was cut at its longest ({cut} tokens) before an answer"
        value, wrong = None, reason if reply.strip() else empty
    rubric = rubric_hash(answer.dimension, answer_first)
    return Rating(answer.id, answer.dimension, judge, value, wrong or reply.strip(), rubric)


# The verdict in a reply: a rating that is read without guessing, or why there is none.

LOWEST, HIGHEST = 1, 10
Verdict = tuple[float | None, str]
CODE = "\ufffc"
"""Stands where quoted code was."""

_NAMES = "(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis)"
OPENED = re.compile(
    rf"(?<!`)(?:<{_NAMES}(?:\s[^<>\n]*)?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>)", re.I
)
CLOSED = re.compile(rf"(?<!`)(?:</{_NAMES}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>)", re.I)

FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=mark)[`~]*[ \t]*$|\Z)", re.M | re.S
)
QUOTED_VALUE = re.compile(r"([:=]\s*)`([^`\n]*)`")
QUOTED = re.compile(r"(`+)[^`\n]+?\1|^(?: {4,}|\t).*$|^ {0,3}>.*$", re.M)
BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\(?:text|mathbf|mathrm|textbf)\s*\{)?([^{}\n]*)\}+")
LATEX = re.compile(r"\\\[\s*(\[\[[^\]]*\]\])\s*\\\]|\\\(\s*(.*?)\s*\\\)")
ESCAPED = re.compile(r"\\([\[\]_*#])")
TAGGED = re.compile(r"<(rating|score)>([^<>]*)</\1>", re.I)
EMPHASIS = re.compile(r"\*+|__+|\$+|</?(?:b|strong|em|i|u|p|br|span)\s*/?>", re.I)
FULL_WIDTH: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ", 0xA0: " ", 0x2212: "-",
}  # fmt: skip

NUMBER = r"-?\d+(?:[.,]\d+)*"
WORDS = r"(?:one|two|three|four|five|six|seven|eight|nine|ten)\b"
TEN = r"(?:\s*/\s*10(?![\d/.,]*\d)|\s+(?:out\s+)?of\s+(?:10|ten)\b|\s*\(out\s+of\s+10\))"
VALUE = re.compile(
    rf"(?:\[\[\s*(?P<double>{NUMBER}){TEN}?\s*\]\]|\[\s*(?P<single>{NUMBER}){TEN}?\s*\]"
    rf"|\(\s*(?P<round>{NUMBER}){TEN}?\s*\)|(?P<bare>{NUMBER}))(?P<ten>{TEN})?"
)
DOUBLE = re.compile(rf"\[\[\s*({NUMBER}){TEN}?\s*\]\]{TEN}?")

_KINDS = "|".join(d.replace("_", "[ _-]") for d in DIMENSIONS)
_FIRST = rf"(?:(?:so|thus|hence|therefore|my|the|final|overall|total|{_KINDS}),?\s+)*"
_ABOUT = rf"(?:\s+(?:for|of)\s+(?:{_KINDS}|(?:the|this)\s+(?:answer|response|solution|code)))?"
_LABEL = rf"{_FIRST}(?P<word>rating|score){_ABOUT}\s*(?P<scale>\([^()\n]*\))?\s*"
_BEGINS = r"(?:^[\s#_|-]*(?:\d+[.)]\s+)?|(?<=[.!?;)])\s+)"
LABEL = re.compile(rf"{_BEGINS}{_LABEL}(?P<sign>[:=]|\bis\b:?)\s*(?P<rest>.*)", re.I)
HEADING = re.compile(rf"^[\s#_|-]*{_LABEL}:?\s*$", re.I)
AGAIN = re.compile(r"\b(?:rating|score)\s*[:=]", re.I)
_OTHER = "(?:confidence|outputs?|inputs?|returns?|expected|examples?)"
RATES = re.compile(
    rf"^\W*$|^(?!.*\b{_OTHER}\b)\W*[^\W\d][\w '-]{{0,40}}:\s*$"
    rf"|\b(?:rating|score|rated?|{_KINDS})\b",
    re.I,
)

_LINKS = r"(?:to|or|and|then|maybe|perhaps|possibly|rather|even|but|an?)\b"
RANGE = re.compile(
    rf"\s*(?:[-–—~&,;(.]|\.{{2,}}|…|{_LINKS})?(?:[\s,\[(]|{_LINKS})*(?:\d|{WORDS})", re.I
)
SCALE = re.compile(
    rf"\s*(?:points?)?\s*(?:/\s*\S|\(?\s*(?:out\s+)?of\s+(?:an?\s+)?(?:\d|{WORDS})|%)", re.I
)
OTHER_SCALE = re.compile(
    r"\bscale:?\s+(?:(?:of|from)\s+)?\d+\s*(?:to|-|–)\s*(?!10\b)\d+|\b(?!10\b)\d+[- ]point\s+scale",
    re.I,
)
ENDED = re.compile(
    r"[\s\"'”’]*(?:$|[.,;:!?)\]|](?=\s|$|[\"'”’)])|[–—]\s*\D|\(\s*\D|-+\s+\D"
    r"|\s(?:because|since|as|due|given|considering|based|for|points?)\b)",
    re.I,
)
DECLINED = re.compile(
    r"\W*(?:n\s*/\s*a|none|null|unrated|unratable|not\s|no\s|i\s+(?:cannot|can't|can’t)|cannot|unable)\b",
    re.I,
)
ONLY = re.compile(r"[\s.!)|\"'”’]*\Z")
KEY = re.compile(r"(?:final|overall)?[ _-]?(?:rating|score)\Z", re.I)
SCALE_KEY = re.compile(r"(?:.*scale.*|max.*|out[ _-]?of)\Z", re.I)


def read_verdict(reply: str) -> Verdict:
    """Return the rating in a reply and "", or None and the reason why there is none."""
    if not reply.strip():
        return None, "empty reply"
    text = without_thinking(reply.translate(FULL_WIDTH))
    if text is None:
        return None, "no rating in the reply: its thinking is not finished"
    verdict = _json_verdict(text.strip()) or _line_verdict(plain(text))
    return verdict or (None, "no rating in the reply")


def without_thinking(text: str) -> str | None:
    """Return a reply without its thinking blocks; None if one is still open at its end.

    A closing tag alone ends a block whose opening stood in the prompt.
    """
    kept: list[str] = []
    depth = end = 0
    for mark in sorted((*OPENED.finditer(text), *CLOSED.finditer(text)), key=re.Match.start):
        if mark.re is CLOSED:
            kept = kept if depth else []
            depth = max(depth - 1, 0)
        else:
            kept += [] if depth else [text[end : mark.start()], "\n"]
            depth += 1
        end = mark.end()
    return None if depth else "".join(kept) + text[end:]


def plain(text: str) -> str:
    """Return a reply without quoted code, block quotes, emphasis and LaTeX."""
    text = QUOTED.sub(CODE, QUOTED_VALUE.sub(r"\1\2", FENCE.sub(CODE, text)))
    text = LATEX.sub(r"\1\2", BOXED.sub(r"[[\1]]", text))
    text = TAGGED.sub(r"\n\1: \2\n", ESCAPED.sub(r"\1", text))
    return EMPHASIS.sub(" ", text)


def _line_verdict(text: str) -> Verdict | None:
    """Return what the last verdict line says; None if there is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    for place, line in reversed(list(enumerate(lines))):
        below = lines[place + 1] if place + 1 < len(lines) else ""
        if verdict := _labelled(line, below):
            break
    else:
        verdict = _bracketed(lines[-1]) if lines else None
    if verdict and verdict[0] is not None and OTHER_SCALE.search(text):
        return None, "the reply rates on another scale"
    return verdict


def _labelled(line: str, below: str) -> Verdict | None:
    """Return the verdict of a line with a label; None if it has no label or no number."""
    if HEADING.match(line):
        match = VALUE.fullmatch(below.strip(" #_|-"))
        return _number(match) if match else None
    label = LABEL.search(line)
    if label is None or (label["sign"] == "=" and (below or label["word"].lower() != "rating")):
        return None  # `rating = 3` in the middle is code
    scale = re.findall(r"\d+", label["scale"] or "")
    if scale and max(map(int, scale)) != HIGHEST:
        return None, f"on another scale: {label['scale']}"
    rest = label["rest"]
    if label["sign"].startswith("is"):  # "the score is 3 for an empty list" is about the code
        match = VALUE.match(rest)
        return _value(rest) if match and ONLY.match(rest, match.end()) else None
    parts = [p for p in AGAIN.split(rest) if re.search(r"\d", p)]
    if not parts and DECLINED.match(rest):
        return None, "the last verdict line declines to rate"
    if not parts and re.search(rf"\b{WORDS}", rest, re.I):
        return None, "no rating in the reply"
    return _only(map(_value, parts))


def _only(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return what all verdicts say, or that they differ; None if there is none."""
    different = list(dict.fromkeys(verdicts))
    if len(different) > 1:
        return None, "different ratings: " + ", ".join(f"{v:g}" for v, _ in different if v)
    return different[0] if different else None


def _value(text: str) -> Verdict:
    """Return the rating that a text begins with, or ends with in double brackets."""
    asked = list(DOUBLE.finditer(text))
    match = VALUE.match(text)
    if len(asked) == 1 and not (match and match["double"]) and ONLY.match(text, asked[0].end()):
        return _number(asked[0])
    if match is None:
        return None, f"no rating can be read from {text.strip()[:40]!r}"
    tail = text[match.end() :]
    if not match["ten"] and SCALE.match(tail):
        return None, f"on another scale: {text.strip()[:40]}"
    if RANGE.match(tail) or len({a[1] for a in asked}) > 1:
        return None, f"several numbers: {text.strip()[:40]}"
    if not match["double"] and not ENDED.match(tail):
        return None, f"no rating can be read from {text.strip()[:40]!r}"
    return _number(match)


def _number(match: re.Match[str]) -> Verdict:
    """Return the rating of a match of `VALUE` or `DOUBLE`."""
    text = next(group for group in match.groups() if group)
    whole = re.fullmatch(r"(-?\d+)(?:[.,](\d{1,2}))?", text)
    if whole is None:
        return None, f"no rating can be read from {text!r}"
    value = float(text.replace(",", "."))
    if not LOWEST <= value <= HIGHEST:
        return None, f"rating {value:g} is outside {LOWEST} to {HIGHEST}"
    return (value, "") if value == int(value) else (None, f"rating {value:g} is not a whole number")


def _bracketed(line: str) -> Verdict | None:
    """Return the rating in double brackets that ends the last line of a reply without a label."""
    matches = list(DOUBLE.finditer(line))
    if not matches or not ONLY.match(line, matches[-1].end()):
        return None
    if not RATES.search(line[: matches[0].start()]):
        return None
    return _only(map(_number, matches))


def _json_verdict(text: str) -> Verdict | None:
    """Return what the JSON object says that ends a reply; None without one, or without a rating."""
    text = re.sub(r"\s*(?:```|~~~)$", "", text)
    for start in re.finditer(r"^[ \t]*\{", text, re.M):
        fence = re.search(r"(?:```|~~~)[ \t]*(\w*)[ \t]*\n\s*\Z", text[: start.start()])
        if fence and fence[1].lower() not in ("", "json"):
            continue
        try:
            pairs = json.loads(text[start.start() :], object_pairs_hook=list)
        except (ValueError, RecursionError):
            continue
        return _rated(pairs)
    return None


def _rated(pairs: list[tuple[str, Any]]) -> Verdict | None:
    """Return the rating among the pairs of a JSON object."""
    rated = [value for key, value in pairs if KEY.match(key)]
    scales = [value for key, value in pairs if SCALE_KEY.match(key)]
    if rated and any(not re.search(r"(?<!\d)10(?!\d)", str(scale)) for scale in scales):
        return None, f"on another scale: {scales[0]}"
    return _only(_value(v if isinstance(v, str) else repr(v)) for v in rated)
