"""Reads what a writer model replied, strictly, and finds what must not be in it.

A fault has a reason, by which it is counted, and a sentence for the writer, who may put it right once. What still has a
fault then is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from osprey_core.datagen.annotated import AnnotatedRegion
from osprey_core.regions.mentions import REGION_TAG, REGION_WORD

MOST_WORDS = 5
"""Words of a short answer, at most."""
QUESTIONS_PER_REGION = 2
"""Questions about the attributes of one region, at most."""

_FENCE = re.compile(r"```(?:json)?[ \t\r]*\n(.*)```", re.DOTALL)
_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
"""What some models write before their reply."""
_SOURCE = re.compile(r"(?i)\b(?:captions?|captioned|annotations?|annotated|the notes|phrases?)\b")
_BOX = re.compile(r"(?i)\b(?:bounding|bbox(?:es)?|box(?:es)?|coordinates?)\b|\[\s*\d|\b0\.\d{2,}")
_REGION_NOUN = re.compile(r"(?i)\b(?:this|the|that|each)\s+region\b(?!\s*\d)")
_UNTAGGED = re.compile(r"(?i)\bregions?[ #-]{0,2}\d|<region")
"""Regions called by their numbers without tags, as in "regions 1 and 2"; a record has other numbers than a reply."""
_UNANSWERED = re.compile(
    r"(?i)\b(?:not (?:mentioned|specified|stated|provided|given|known|clear)|"
    r"(?:cannot|can't|could not) (?:be )?(?:determined?|tell|told|say|said|know|known)|"
    r"no information|unknown|unspecified|unclear)\b"
)
_ASKED_TYPES = {
    "colour": re.compile(r"(?i)\b(?:colou?r|hue)"),
    "pattern": re.compile(r"(?i)\bpattern"),
    "material": re.compile(r"(?i)\b(?:materials?|made (?:of|from|out)|stuff|fabric)\b"),
    "reflectance": re.compile(r"(?i)\b(?:reflect|transparen|translucen|opa(?:que|city)|see[ -]through)"),
}
"""By type of attribute how a question says that it asks for it."""
_ARTICLES = frozenset({"a", "an", "the", "of", "s", "part", "its"})


@dataclass(frozen=True)
class Fault:
    """Why something of a reply cannot be used."""

    reason: str
    """By this it is counted."""
    sentence: str
    """What the writer is told."""


@dataclass(frozen=True)
class Reading:
    """What can be used of a reply: texts by region, or questions with answers."""

    descriptions: dict[int, str] = field(default_factory=dict)
    exchanges: tuple[tuple[str, str], ...] = ()
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        return len(self.descriptions) + len(self.exchanges)


@dataclass(frozen=True)
class Shown:
    """What the writer was asked about: the question's own text and the regions in it."""

    text: str
    regions: Sequence[AnnotatedRegion]


ExchangeCheck = Callable[[str, str, Shown, Sequence[tuple[str, str]]], Fault | None]
"""A further check of (question, answer, what was shown, exchanges before)."""


def read_descriptions(reply: str, shown: Shown) -> Reading:
    """One paragraph for each region."""
    entries, fault = _entries(reply, "descriptions", ("region", "text"))
    if fault is not None:
        return Reading(faults=(fault,))
    kept: dict[int, str] = {}
    faults: list[Fault] = []
    for entry in entries:
        number, text = entry["region"], entry["text"]
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(shown.regions):
            faults.append(Fault("region-invented", f"There is no region {str(number)[:20]!r}; give its number."))
            continue
        text = " ".join(text.split()) if isinstance(text, str) else ""
        found = _text_fault(text, shown) or _named_region(text)
        if found is None and number in kept:
            found = Fault("region-repeated", "Describe each region once.")
        if found is None:
            kept[number] = text
        else:
            faults.append(Fault(found.reason, f"Region {number}: {found.sentence}"))
    described = {entry["region"] for entry in entries if type(entry["region"]) is int}  # True is 1, but no number
    faults += _missing(number for number in range(1, len(shown.regions) + 1) if number not in described)
    return Reading(descriptions=dict(sorted(kept.items())), faults=tuple(faults))


def read_exchanges(reply: str, shown: Shown, check: ExchangeCheck) -> Reading:
    """Questions with answers, in order."""
    entries, fault = _entries(reply, "dialogue", ("question", "answer"))
    if fault is not None:
        return Reading(faults=(fault,))
    kept: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for place, entry in enumerate(entries, 1):
        question, answer = (_tagged(entry[name]) for name in ("question", "answer"))
        found = _text_fault(question, shown) or _text_fault(answer, shown) or _unknown_region(question, answer, shown)
        if found is None and _UNANSWERED.search(answer):
            found = Fault("unanswered", "Ask only what can be answered.")
        if found is None and question.casefold() in {asked.casefold() for asked, _ in kept}:
            found = Fault("question-repeated", "This was asked before.")
        found = found or check(question, answer, shown, kept)
        if found is None:
            kept.append((question, answer))
        else:
            faults.append(Fault(found.reason, f"Question {place}: {found.sentence}"))
    # A region whose only question has a fault is not told as missing besides.
    asked = {number for entry in entries for number in numbers_in(_tagged(entry["question"]))}
    faults += _missing(number for number in range(1, len(shown.regions) + 1) if number not in asked)
    return Reading(exchanges=tuple(kept), faults=tuple(faults))


def any_exchange(question: str, answer: str, shown: Shown, before: Sequence[tuple[str, str]]) -> Fault | None:
    """No further check."""
    return None


def short_exchange(question: str, answer: str, shown: Shown, before: Sequence[tuple[str, str]]) -> Fault | None:
    """A question about a region, and an answer of few words."""
    if not numbers_in(question):
        return Fault("region-unnamed", "Call the region by its tag.")
    if len(answer.split()) > MOST_WORDS:
        return Fault("answer-long", "Answer by one word or one phrase.")
    return None


def category_exchange(question: str, answer: str, shown: Shown, before: Sequence[tuple[str, str]]) -> Fault | None:
    """A question about one region, asked about for the first time; the answer names its part as annotated."""
    found = _one_region(question, before, 1)
    if isinstance(found, Fault):
        return found
    region = shown.regions[found - 1]
    part, said = _words(region.part), _words(answer)
    if not (part <= said <= _words(region.full_name)):
        return Fault("answer-unfounded", f'The answer must name "{region.part}", in the words that you are given.')
    if part <= _words(question):
        return Fault("answer-given", "The question holds its own answer.")
    return None


def attribute_exchange(question: str, answer: str, shown: Shown, before: Sequence[tuple[str, str]]) -> Fault | None:
    """A question about one region; the answer is of one type of its annotated attributes."""
    found = _one_region(question, before, QUESTIONS_PER_REGION)
    if isinstance(found, Fault):
        return found
    said = {_spelt(one) for one in re.split(r",|\band\b", answer)} - {""}
    listed = shown.regions[found - 1].attributes.items()
    told = {kind for kind, values in listed if said and said <= {_spelt(one) for one in values}}
    if not told:
        return Fault("answer-unfounded", "The answer must be what is listed, of one kind, and nothing else.")
    wanted = {kind for kind, pattern in _ASKED_TYPES.items() if pattern.search(question)}
    if wanted and not wanted & told:
        return Fault("answer-unfounded", f"The question asks for the {' or '.join(sorted(wanted))}, not the answer.")
    if _words(answer) <= _words(question):
        return Fault("answer-given", "The question holds its own answer.")
    if any(numbers_in(asked) == [found] and _words(before_it) & _words(answer) for asked, before_it in before):
        return Fault("question-repeated", "The other question about this region has this answer.")
    return None


def numbers_in(text: str) -> list[int]:
    """Numbers of the regions that a text mentions by tags, each once."""
    return list(dict.fromkeys(int(number) for number in REGION_TAG.findall(text)))


def _entries(reply: str, key: str, names: Sequence[str]) -> tuple[list[dict[str, Any]], Fault | None]:
    """The list of a reply's JSON, or the fault for which there is none."""
    thoughts = _THOUGHTS.match(reply)
    reply = reply[thoughts.end() :] if thoughts else reply
    fenced = _FENCE.fullmatch(reply.strip())
    fields = ", ".join(f'"{name}": …' for name in names)
    form = f'{{"{key}": [{{{fields}}}, …]}}'
    try:
        content = json.loads(fenced[1] if fenced else reply)
    except (ValueError, RecursionError):
        return [], Fault("not-json", f"It is not JSON of the form {form}.")
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) and set(names) <= set(one) for one in entries):
        return [], Fault("wrong-shape", f"It is JSON, but not of the form {form}.")
    return (entries, None) if entries else ([], Fault("empty-reply", "It says nothing."))


def _text_fault(text: str, shown: Shown) -> Fault | None:
    """What no text may have. A box or a phrase that is in the picture may be mentioned, so what was shown counts."""
    if not re.search(r"\w", text):
        return Fault("empty-text", "There is no text.")
    for reason, pattern, what in (("source-mentioned", _SOURCE, "the notes"), ("box-mentioned", _BOX, "places")):
        # Three letters tell the words apart, and make "boxes" the same as "box".
        allowed = {match[:3].casefold() for match in pattern.findall(shown.text) if match[:1].isalpha()}
        found = [match for match in pattern.findall(text) if match[:3].casefold() not in allowed]
        if found:
            return Fault(reason, f'It must not speak of {what}, as in "{found[0]}".')
    return None


def _named_region(text: str) -> Fault | None:
    """In descriptions things are called what they are."""
    if any(pattern.search(text) for pattern in (_REGION_NOUN, REGION_WORD, _UNTAGGED)):
        return Fault("region-word", "Call the thing what it is, without the word region and without numbers.")
    return None


def _unknown_region(question: str, answer: str, shown: Shown) -> Fault | None:
    """A tag that no region has, or a region that is called by its number without its tag."""
    wrong = [number for number in numbers_in(f"{question} {answer}") if not 1 <= number <= len(shown.regions)]
    if wrong:
        return Fault("region-invented", f"There is no region {wrong[0]}.")
    if any(_UNTAGGED.search(REGION_TAG.sub("…", text)) for text in (question, answer)):
        return Fault("region-unnamed", "Call every region by a tag of its own, such as <region1>.")
    return None


def _missing(numbers: Iterable[int]) -> list[Fault]:
    return [Fault("region-missing", f"Nothing is said about region {number}.") for number in numbers]


def _one_region(question: str, before: Sequence[tuple[str, str]], most: int) -> int | Fault:
    numbers = numbers_in(question)
    if len(numbers) != 1:
        return Fault("region-unnamed", "Call exactly one region by its tag.")
    if sum(numbers_in(asked) == numbers for asked, _ in before) >= most:
        return Fault("region-repeated", f"Ask no more than {most} about one region.")
    return numbers[0]


def _tagged(text: Any) -> str:
    """A text in one line, with "region 2" and the like as "<region2>"; "" for what is no text."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    return REGION_WORD.sub(lambda match: f"<region{int(match[1] or match[2])}>", line)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.casefold().replace("gray", "grey"))) - _ARTICLES


def _spelt(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9-]+", text.casefold().replace("gray", "grey")))
