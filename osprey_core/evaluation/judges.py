"""Decides whether an answer is true of its scene, and measures how many words it shares with the true answers.

The rules look at text only: this module does not know pictures or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from osprey_core.language.relations import said_relation
from osprey_core.training.scenes.colors import COLOR_NAMES

YES_NO = frozenset({"presence", "is_color", "is_category", "is_position", "has_part", "use_group", "same_kind"})
"""Kinds of question that are answered by yes or no."""

_WINNERS = frozenset({"which_larger", "which_side", "order", "front"})
_PLACES = frozenset({"left", "right", "top", "bottom", "middle"})
_VERB = re.compile(r"\b(?:is|are)\b", re.IGNORECASE)
_HAVING = re.compile(r"\b(?:has|have)\b", re.IGNORECASE)


class Judgeable(Protocol):
    """A question of a kind, with its true answer and others as right."""

    @property
    def kind(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def accepted(self) -> tuple[str, ...]: ...


def words_of(text: str) -> list[str]:
    """Lower-case words without articles and punctuation."""
    return [word for word in re.findall(r"[a-z0-9'-]+", text.lower()) if word not in ("a", "an", "the")]


def is_right(question: Judgeable, answer: str) -> bool:
    """Whether an answer says what the scene says.

    Yes/no: the same first word. Colours: some of the thing's colours and no other. Places: the same place, neither
    more nor less of it. Parts: the same list. Relations: the same relation in the first sentence. Which of two: the
    same one first. Otherwise one of the accepted answers, word for word, or, where a sentence was asked for, contained
    in it.
    """
    kind, truth = question.kind, question.answer
    if kind in YES_NO:
        return words_of(answer)[:1] == words_of(truth)[:1]
    if kind in ("color", "named_color"):
        said = _words_after_verb(answer, COLOR_NAMES)
        return bool(said) and said <= _words_after_verb(truth, COLOR_NAMES)
    if kind in ("position", "named_position"):
        return _words_after_verb(answer, _PLACES) == _words_after_verb(truth, _PLACES)
    if kind == "parts":
        return _parts(answer) == _parts(truth)
    if kind == "relation":
        return said_relation(answer) == said_relation(truth)
    given = words_of(answer)
    for accepted in (truth, *question.accepted):
        wanted = words_of(accepted)
        if given == wanted:
            return True
        if kind in _WINNERS and wanted and given[: len(wanted)] == wanted:
            return True
        if kind not in ("category", *_WINNERS) and wanted and _contains(given, wanted):
            return True
    return False


def is_true_color(question: Judgeable, answer: str) -> bool:
    """Whether the colours said are right, or else one of the accepted answers: names that border on the true one too.

    An orange that is nearly yellow may be called either, and a pink thing with black dots pink, or pink and black.
    """
    said = _words_after_verb(answer, COLOR_NAMES)
    return is_right(question, answer) or any(
        said == _words_after_verb(accepted, COLOR_NAMES) for accepted in question.accepted
    )


def semantic_iou(answer: str, accepted: Iterable[str]) -> float:
    """Overlap of words, |A ∩ B| / |A ∪ B|, with the best of the accepted answers (Osprey, section 5.1)."""
    given = set(words_of(answer))
    return max((len(given & set(words_of(a))) / max(1, len(given | set(words_of(a)))) for a in accepted), default=0.0)


def _words_after_verb(text: str, vocabulary: Iterable[str]) -> set[str]:
    """Words of a vocabulary after the sentence's verb: in "the orange is red", orange is a name and no colour."""
    sentence = text.split(".")[0]
    verb = _VERB.search(sentence)
    return set(words_of(sentence[verb.end() :] if verb else sentence)) & set(vocabulary)


def _parts(text: str) -> frozenset[str]:
    """ "It has a roof, a door and windows." -> roof, door, windows."""
    verb = _HAVING.search(text)
    listed = re.split(r",|\band\b", text[verb.end() if verb else 0 :].rstrip(". "))
    return frozenset(" ".join(words_of(part)) for part in listed) - {""}


def _contains(given: list[str], wanted: list[str]) -> bool:
    return any(given[i : i + len(wanted)] == wanted for i in range(len(given) - len(wanted) + 1))
