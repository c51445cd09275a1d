"""What a question asks about the whole picture: what it shows, how many there are of a thing, whether there is one.

By its English wording, without a model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from osprey_core.language.wording import NUMBERS, is_uncounted, singular

_PICTURE = (
    r"(?:the|this|my|our|that|a)? ?(?:whole|entire|full)? ?(?:picture|image|photo|photograph|scene)(?: here| above)?"
)
_SEE = r"(?:do|can|could) (?:you|i|we) (?:see|find|recogni[sz]e|identify)"
_THINGS = r"(?:things?|objects?|items?)"
_OF_THE_PICTURE = (
    rf"(?:describe|caption|summari[sz]e|explain)(?: to me)? {_PICTURE}",
    rf"give (?:me )?an? (?:short |brief |detailed |long )*(?:description|caption|summary|overview) of {_PICTURE}",
    rf"(?:tell|show) me (?:about|what is (?:in|on)|what you see (?:in|on)) {_PICTURE}",
    rf"what (?:is|are)(?: there| shown| visible| depicted| going on| happening)? (?:in|on|inside) {_PICTURE}",
    rf"what (?:does|do) {_PICTURE} (?:show|contain|depict|have)",
    rf"what {_SEE} (?:in|on) {_PICTURE}",
    rf"what (?:can be|is) seen (?:in|on) {_PICTURE}",
    rf"(?:what|which) {_THINGS} (?:are|is|{_SEE})(?: there| shown| visible)? ?(?:in|on) {_PICTURE}",
    rf"(?:list|name)(?: me)? (?:everything|all|all (?:the )?{_THINGS}|the {_THINGS})"
    rf"(?: that is| you see| that you see)? (?:in|on) {_PICTURE}",
    rf"what is {_PICTURE}(?: about| of)?",
    rf"what is this (?:a|an) {_PICTURE} of",
)
_OF_ANYTHING = (
    r"what (?:is|are) (?:this|that|these|those|it|here|there)",
    rf"what {_SEE}(?: here)?",
    r"what is (?:in|on) (?:here|it|this)",
    rf"what {_THINGS} {_SEE}",
    r"(?:describe|caption) (?:this|that|it|everything)",
    rf"list (?:everything|all|all (?:the )?{_THINGS}|the {_THINGS})(?: you see)?",
)
"""These ask about a region where there is one."""

_NOUN = r"(?P<noun>[a-z][a-z'-]*(?: [a-z][a-z'-]*){0,4}?)"
_ANY = r"(?:an?|any|some) "
_IN_PICTURE = rf"(?: (?:here|anywhere|there|(?:visible |shown )?(?:in|on|inside) {_PICTURE}))?"
_HOW_MANY = (
    rf"how many (?:different )?{_NOUN}(?: are| is)?(?: there| shown| visible)?{_IN_PICTURE}",
    rf"how many (?:different )?{_NOUN} {_SEE}{_IN_PICTURE}",
    rf"how many (?:different )?{_NOUN} (?:does|do) {_PICTURE} (?:show|contain|have)",
    rf"count (?:up )?(?:all (?:of )?)?(?:the )?{_NOUN}{_IN_PICTURE}",
    rf"what is the (?:number|count) of (?:the )?{_NOUN}{_IN_PICTURE}",
)
_WHETHER = (
    rf"(?:is|are) there (?:{_ANY})?{_NOUN}{_IN_PICTURE}",
    rf"(?:{_SEE}|see|find) (?:{_ANY})?{_NOUN}{_IN_PICTURE}",
    rf"(?:does|do) {_PICTURE} (?:show|contain|have) {_ANY}{_NOUN}",
    rf"(?:is|are) {_ANY}{_NOUN} (?:shown |visible )?(?:in|on|inside) {_PICTURE}",
)
_MORE_THAN_A_THING = frozenset({
    *NUMBERS, "above", "all", "and", "another", "any", "anybody", "anyone", "anything", "are", "at", "be", "behind",
    "below", "beside", "between", "both", "but", "can", "carry", "danger", "difference", "do", "does", "each", "eat",
    "else", "enough", "everybody", "everyone", "everything", "exactly", "few", "fewer", "for", "from", "has", "have",
    "he", "here", "hold", "i", "if", "in", "inside", "is", "it", "just", "kind", "left", "less", "like", "lot", "many",
    "me", "more", "most", "much", "near", "next", "nobody", "not", "nothing", "old", "on", "only", "or", "other",
    "others", "problem", "reason", "right", "see", "several", "she", "similar", "sit", "some", "somebody", "someone",
    "something", "stand", "still", "than", "that", "the", "them", "there", "these", "they", "this", "those", "time",
    "to", "too", "under", "up", "us", "way", "we", "wear", "what", "which", "who", "year", "you", "your",
})  # fmt: skip
"""Words of a question that asks for more than things of one name."""
_ANYTHING = frozenset({"thing", "object", "item"})

_ABOUT_REGION = re.compile(r"^\s*about <region\d+>: ", re.IGNORECASE)
"""How a conversation tells which region a further question is about that names none."""
_POLITE = re.compile(r"^(?:please|hi|hello|so|and|now|ok|okay|(?:can|could|would|will) you(?: please)?)[, ]+")
_MANNER = re.compile(
    r"(?<![, ])[, ]+(?:please|briefly|shortly|in (?:detail|short|brief|general|english)"
    r"|in (?:one|a|two|a few|few) (?:\w+ )?(?:sentences?|words?|phrases?|lines?))$"
)


@dataclass(frozen=True)
class AskedThing:
    """Which things a question is about."""

    noun: str
    """In the singular, as the question has it: "red car"; "" for things of any kind."""
    wants_number: bool
    """Whether it asks how many there are; otherwise whether there is one."""


def asks_about_whole_picture(question: str, has_regions: bool) -> bool:
    """Whether a question asks what there is in the picture, and nothing more.

    Args:
        question: in English, as a person types it; one that mentions a region never asks so. What a conversation puts
            before it does not count: "About <region1>: …".
        has_regions: whether the conversation has regions, to which "What is this?" refers.
    """
    asked = _plain(question)
    patterns = _OF_THE_PICTURE if has_regions else (*_OF_THE_PICTURE, *_OF_ANYTHING)
    return any(re.fullmatch(pattern, asked) for pattern in patterns)


def asked_thing(question: str) -> AskedThing | None:
    """What a question asks the number or the presence of, in the whole picture; None if it asks anything else.

    As models are taught, it is about the picture even if the conversation has regions, unless it mentions one.

    Args:
        question: as for `asks_about_whole_picture`.
    """
    asked = _plain(question)
    for patterns, wants_number in ((_HOW_MANY, True), (_WHETHER, False)):
        for pattern in patterns:
            found = re.fullmatch(pattern, asked)
            if found is None:
                continue
            noun = singular(found["noun"])
            if noun in _ANYTHING:
                return AskedThing("", True) if wants_number else None
            if _is_name(noun) and not (wants_number and is_uncounted(noun)):
                return AskedThing(noun, wants_number)
    return None


def without_region(question: str) -> str:
    """A question without what a conversation puts before it: "About <region1>: …"."""
    return _ABOUT_REGION.sub("", question, count=1)


def _is_name(noun: str) -> bool:
    """Whether words may be the name of a thing and nothing more: no "dog wearing a hat", no "two dogs"."""
    first, *others = noun.split()
    words = {first, *others}
    return _MORE_THAN_A_THING.isdisjoint(words | {singular(word) for word in words}) and not any(
        word.endswith("ing") for word in others
    )


def _plain(question: str) -> str:
    """The question in small letters without what does not matter; "" for one that mentions a region."""
    asked = without_region(question.lower())
    if "<" in asked:
        return ""
    asked = " ".join(re.sub(r"[.?!…\"]+", " ", asked.replace("’", "'")).split())
    asked = re.sub(r"\b(what|that|it|here|there)'?s\b(?! seen)", r"\1 is", asked)
    while (shorter := _MANNER.sub("", _POLITE.sub("", asked))) != asked:
        asked = shorter
    return asked
