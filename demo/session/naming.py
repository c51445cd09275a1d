"""Names of regions that nobody typed: from the first short answer about a region, or joined when regions merge.

A short answer is one to a ready-made question for a name, or one whose name the model is sure of ("It is a giraffe.").
"""

from __future__ import annotations

from dataclasses import replace

from demo.session.session import ChatTurn, Region, RegionSnapshot, Session
from osprey_core.language.prompts import QUESTIONS
from osprey_core.regions import mentions
from osprey_core.regions.region import MAX_NAME_CHARACTERS, clean_name

NAMING_STYLES = ("short", "category")
"""Ready-made questions whose answer is a name."""
LONGEST_GIVEN_NAME = 60
"""Characters; a longer answer is cut after a word, so that it fits a card."""


def with_names_from_answers(session: Session) -> Session:
    """Give every region that nobody has named the first short answer about exactly its pixels as its name.

    Not a change that undo takes back: the answer stays in the conversation, and would name the region again.
    """
    if all(region.name or region.named_by for region in session.regions):
        return session
    names: dict[RegionSnapshot, str] = {}
    for turn in session.transcript:
        if is_naming(turn) and (name := name_from(turn)):
            names.setdefault(turn.regions[0], name)
    if not names:
        return session
    return replace(session, regions=tuple(_named(region, names) for region in session.regions))


def is_naming(turn: ChatTurn) -> bool:
    """Whether the turn is about one region, answered in full and without doubt, and its answer is or holds a name."""
    if turn.state != "complete" or len(turn.regions) != 1 or (turn.stats is not None and turn.stats.is_unsure):
        return False
    return _asks_for_a_name(turn) or bool(_sure_name(turn))


def _asks_for_a_name(turn: ChatTurn) -> bool:
    number = turn.regions[0].number
    asked = mentions.for_model(turn.typed, {number: 1})
    return asked in [QUESTIONS[style] for style in NAMING_STYLES]


def name_from(turn: ChatTurn) -> str:
    """The first sentence of the answer as a name, or to another question the name in it that the model is sure of.

    "" if the answer speaks of regions by their numbers.
    """
    if not _asks_for_a_name(turn):
        return _sure_name(turn)
    if any(isinstance(piece, int) for piece in mentions.answer_pieces(turn.answer, turn.places)):
        return ""
    sentence = clean_name(" ".join(turn.answer.split()).split(". ")[0]).rstrip(" .!")
    if len(sentence) <= LONGEST_GIVEN_NAME:
        return sentence
    whole_words = sentence[: LONGEST_GIVEN_NAME + 1].rpartition(" ")[0]
    return (whole_words or sentence[:LONGEST_GIVEN_NAME]).rstrip(" ,;:-")


def _sure_name(turn: ChatTurn) -> str:
    """The name in the answer whose confidence was measured; "" without one."""
    if turn.stats is None or turn.stats.confidence is None:
        return ""
    return clean_name(turn.stats.first_guess)


def joined_names(region: Region, other: Region) -> Region:
    """The region with both names, the other's behind its own; a name that the person gave goes before the model's."""
    if not other.name or other.name == region.name:
        return region
    if not region.name or (region.named_by == "model" and other.named_by != "model"):
        return replace(region, name=other.name, named_by=other.named_by)
    if other.named_by == "model" and region.named_by != "model":
        return region
    name = f"{region.name}, {other.name}"
    return region if len(name) > MAX_NAME_CHARACTERS else replace(region, name=name)


def _named(region: Region, names: dict[RegionSnapshot, str]) -> Region:
    name = names.get(region.snapshot(), "")
    if not name or region.name or region.named_by:
        return region
    return replace(region, name=name, named_by="model")
