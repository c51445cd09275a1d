"""Questions and answers: asking, asking again, taking back, rating, and what the model is told of earlier turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from demo.i18n.catalog import text
from demo.session import mentions
from demo.session.pictures import required_picture
from demo.session.regions import required_region
from demo.session.session import ChatTurn, RegionSnapshot, Session, new_turn
from osprey_core.errors import InputError
from osprey_core.language import prompts

MAX_QUESTION_CHARACTERS = 4000
Style = Literal["short", "detailed", "category", "around", "relation", "compare"]


def ask(session: Session, typed: str, replaces: int | None = None) -> Session:
    """The question appended, its answer awaited. Raises InputError if there is nothing that could be asked.

    If `replaces` is the id of the last turn, the question takes that turn's place; any other id means nothing.
    """
    typed = typed.encode("utf-8", "replace").decode().strip()  # half a surrogate pair is no text: JSON breaks on it
    required_picture(session)
    if not session.regions:
        raise InputError("page.no_region")
    if not typed:
        raise InputError("page.no_question")
    if len(typed) > MAX_QUESTION_CHARACTERS:
        raise InputError("page.long_question", limit=MAX_QUESTION_CHARACTERS)
    if session.waiting is not None:
        raise InputError("page.busy")
    numbers = mentions.mentioned(typed)
    numbers_or_selected = numbers or [cast(int, session.selected)]
    regions = tuple(required_region(session, number).snapshot() for number in numbers_or_selected)
    turn = new_turn(typed, regions, implied=not numbers)
    last = session.transcript[-1] if session.transcript else None
    return _in_place_of(session, last, turn) if last and last.id == replaces else session.with_turn(turn)


def preset_question(session: Session, style: Style) -> str:
    """The question of this style: about the selected region, for a relation its newest other too, or about all."""
    required_picture(session)
    if not session.regions:
        raise InputError("page.no_region")
    numbers = [cast(int, session.selected)]
    if style == "around":
        return text("for_the_model.around", region=f"@{numbers[0]}")
    others = [region.number for region in session.regions if region.number != session.selected]
    if style in ("relation", "compare") and not others:
        raise InputError("page.one_region")
    if style == "compare":
        everyone = [f"@{number}" for number in sorted([*numbers, *others])]
        listed = ", ".join(everyone[:-1]) + text("for_the_model.list_and") + everyone[-1]
        return text("for_the_model.compare", regions=listed)
    if style == "relation":
        numbers = sorted([*numbers, others[-1]])
    return mentions.replaced(prompts.QUESTIONS[style], lambda place: f"@{numbers[place - 1]}")


def retry(session: Session) -> Session:
    """The last question asked anew, about the same pixels."""
    if not session.transcript:
        raise InputError("page.nothing_to_retry")
    if session.waiting is not None:
        raise InputError("page.busy")
    last = session.transcript[-1]
    return _in_place_of(session, last, new_turn(last.typed, last.regions, last.implied))


def undo_turn(session: Session) -> Session:
    """Without the last question and its answer."""
    if not session.transcript:
        raise InputError("page.nothing_to_take_back")
    if session.waiting is not None:
        raise InputError("page.busy")
    return session.without_turn(session.transcript[-1].id)


def rate(session: Session, turn_id: Any, liked: Any) -> Session:
    """What the person thinks of an answer: True, False, or None again. Nothing happens if the turn is gone."""
    if not (liked is None or isinstance(liked, bool)) or not isinstance(turn_id, int):
        raise InputError("page.unexpected")
    return session.with_turn_changed(turn_id, liked=liked)


def clear_chat(session: Session) -> Session:
    """Without its conversation; picture and regions stay."""
    return replace(session, transcript=())


def told_to_model(turns: Sequence[ChatTurn], places: dict[RegionSnapshot, int]) -> list[prompts.Turn]:
    """The turns as the model sees them; `places` learns which place (from 1) each region has in its list."""
    told = []
    previous: tuple[RegionSnapshot, ...] = ()
    for turn in turns:
        question = _question_for_model(turn, places, previous)
        told.append(prompts.Turn(question, turn.answer, len(places), _implied_places(turn, places)))
        previous = turn.regions
    return told


def _in_place_of(session: Session, last: ChatTurn, turn: ChatTurn) -> Session:
    return session.without_turn(last.id).with_turn(replace(turn, replaces=last))


def _question_for_model(turn: ChatTurn, places: dict[RegionSnapshot, int], previous: tuple[RegionSnapshot, ...]) -> str:
    """The turn's question with the model's region numbers; regions new to the conversation get the next places."""
    is_new = any(region not in places for region in turn.regions)
    for region in turn.regions:
        places.setdefault(region, len(places) + 1)
    place_of = {region.number: places[region] for region in turn.regions}
    if not turn.implied:
        return mentions.for_model(turn.typed, place_of)
    if is_new or turn.regions == previous or not turn.regions:
        # The prompt introduces a region that is new to it, and a follow-up needs no name.
        return turn.typed
    return text("for_the_model.about_region", region=f"<region{places[turn.regions[0]]}>", question=turn.typed)


def _implied_places(turn: ChatTurn, places: dict[RegionSnapshot, int]) -> tuple[int, ...]:
    """Places of what the turn is about without saying so. Older turns may be left out of a long conversation; then
    the prompt introduces these regions again, and no others."""
    return tuple(places[region] for region in turn.regions) if turn.implied else ()
