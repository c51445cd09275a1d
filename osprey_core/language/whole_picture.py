"""Whether a question asks what the whole picture shows. By its English wording, without a model."""

from __future__ import annotations

import re

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

_ABOUT_REGION = re.compile(r"^\s*about <region\d+>: ")
"""How a conversation tells which region a further question is about that names none."""
_POLITE = re.compile(r"^(?:please|hi|hello|so|and|now|ok|okay|(?:can|could|would|will) you(?: please)?)[, ]+")
_MANNER = re.compile(
    r"(?<![, ])[, ]+(?:please|briefly|shortly|in (?:detail|short|brief|general|english)"
    r"|in (?:one|a|two|a few|few) (?:\w+ )?(?:sentences?|words?|phrases?|lines?))$"
)


def asks_about_whole_picture(question: str, has_regions: bool) -> bool:
    """Whether a question asks what there is in the picture, and nothing more.

    Args:
        question: in English, as a person types it; one that mentions a region never asks so. What a conversation puts
            before it does not count: "About <region1>: …".
        has_regions: whether the conversation has regions, to which "What is this?" refers.
    """
    asked = _ABOUT_REGION.sub("", question.lower())
    if "<" in asked:
        return False
    asked = " ".join(re.sub(r"[.?!…\"]+", " ", asked.replace("’", "'")).split())
    asked = re.sub(r"\b(what|that|it|here|there)'?s\b(?! seen)", r"\1 is", asked)
    while (shorter := _MANNER.sub("", _POLITE.sub("", asked))) != asked:
        asked = shorter
    patterns = _OF_THE_PICTURE if has_regions else (*_OF_THE_PICTURE, *_OF_ANYTHING)
    return any(re.fullmatch(pattern, asked) for pattern in patterns)
