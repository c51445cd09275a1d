"""Questions and answers: ask, retry, undo, rate, and the history that the model gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from demo.i18n.catalog import text
from demo.session.pictures import required_picture
from demo.session.regions import required_region, select_region
from demo.session.session import ChatTurn, RegionSnapshot, Session, new_turn
from osprey_core.errors import InputError
from osprey_core.language import prompts
from osprey_core.regions import mentions

MAX_QUESTION_CHARACTERS = 4000
Style = Literal["short", "detailed", "category", "around", "relation", "compare"]


def ask(session: Session, typed: str, replaces: int | None = None, is_whole: bool = False) -> Session:
    """The session with the question as a new waiting turn. Raises InputError if it cannot be asked.

    It is about the regions that it mentions, or else about the selected one; where none is marked, or if `is_whole`, or
    in place of a question that was, about the whole picture.
    If `replaces` is the id of the last turn, the question replaces that turn; any other id is ignored.
    """
    typed = typed.encode("utf-8", "replace").decode().strip()  # a lone surrogate cannot be encoded as JSON
    required_picture(session)
    if not typed:
        raise InputError("page.no_question")
    if len(typed) > MAX_QUESTION_CHARACTERS:
        raise InputError("page.long_question", limit=MAX_QUESTION_CHARACTERS)
    if session.waiting is not None:
        raise InputError("page.busy")
    last = session.transcript[-1] if session.transcript else None
    replaced = last if last is not None and last.id == replaces else None
    numbers = _numbers_meant(session, typed, is_whole or _is_about_whole(replaced))
    regions = tuple(required_region(session, number).snapshot() for number in numbers)
    turn = new_turn(typed, regions, implied=not mentions.mentioned(typed))
    return _in_place_of(session, replaced, turn) if replaced is not None else session.with_turn(turn)


def is_being_answered(session: Session, typed: str, replaces: int | None = None) -> bool:
    """Whether this is the question that waits for its answer, or nothing: Ask was pressed twice, or Enter held.

    It is another one if it is about other regions, or about the same with other pixels, or is to replace another turn.
    """
    waiting, typed = session.waiting, typed.strip()
    if waiting is None or not typed:
        return waiting is not None
    replaced = waiting.replaces
    if typed != waiting.typed or (replaces is not None and (replaced is None or replaced.id != replaces)):
        return False
    numbers = _numbers_meant(session, typed, _is_about_whole(replaced))
    now = {region.number: region.snapshot() for region in session.regions}
    return tuple(now.get(number) for number in numbers) == waiting.regions


def preset_question(session: Session, style: Style) -> str:
    """The ready-made question of this style, about the selected region.

    "relation" adds the newest other region, "compare" asks about all. Raises InputError without enough regions.
    """
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
        mentioned = [f"@{number}" for number in sorted([*numbers, *others])]
        listed = ", ".join(mentioned[:-1]) + text("for_the_model.list_and") + mentioned[-1]
        return text("for_the_model.compare", regions=listed)
    if style == "relation":
        numbers = sorted([*numbers, others[-1]])
    return mentions.replaced(prompts.QUESTIONS[style], lambda place: f"@{numbers[place - 1]}")


def retry(session: Session) -> Session:
    """Ask the last question again, about the same pixels. Raises InputError without one or while an answer waits."""
    if not session.transcript:
        raise InputError("page.nothing_to_retry")
    if session.waiting is not None:
        raise InputError("page.busy")
    last = session.transcript[-1]
    return _in_place_of(session, last, new_turn(last.typed, last.regions, last.implied))


def undo_turn(session: Session) -> Session:
    """Remove the last question and its answer. Raises InputError without one or while an answer waits."""
    if not session.transcript:
        raise InputError("page.nothing_to_take_back")
    if session.waiting is not None:
        raise InputError("page.busy")
    return session.with_transcript(session.transcript[:-1])


def ask_again(session: Session, turn_id: Any) -> Session:
    """Ask the question of this turn anew, about the regions as they are now. Raises InputError if there is none."""
    turn = next((turn for turn in session.transcript if turn.id == turn_id), None)
    if turn is None:
        raise InputError("page.nothing_to_retry")
    if turn.implied and turn.regions:
        session = select_region(session, turn.regions[0].number)
    return ask(session, turn.typed, is_whole=turn.implied and not turn.regions)


def changed_regions(session: Session, turn: ChatTurn) -> tuple[int, ...]:
    """Numbers of the regions that a turn is about and that have other pixels by now; deleted ones do not count."""
    now = {region.number: region.mask for region in session.regions}
    return tuple(region.number for region in turn.regions if now.get(region.number, region.mask) != region.mask)


def rate(session: Session, turn_id: Any, liked: Any) -> Session:
    """Set the rating of an answer: True, False, or None for none. Does nothing if the turn no longer exists."""
    if not (liked is None or isinstance(liked, bool)) or not isinstance(turn_id, int):
        raise InputError("page.unexpected")
    return session.with_turn_changed(turn_id, liked=liked)


def clear_chat(session: Session) -> Session:
    """Remove the conversation, which undo brings back; picture and regions stay."""
    return session.with_transcript(()) if session.transcript else session


def told_to_model(turns: Sequence[ChatTurn], places: dict[RegionSnapshot, int]) -> list[prompts.Turn]:
    """The turns as the model gets them. Adds to `places` each region's place (from 1) in the model's list."""
    model_turns = []
    previous: tuple[RegionSnapshot, ...] = ()
    for turn in turns:
        question = _question_for_model(turn, places, previous)
        model_turns.append(prompts.Turn(question, turn.answer, len(places), _implied_places(turn, places)))
        previous = turn.regions
    return model_turns


def _numbers_meant(session: Session, typed: str, is_whole: bool) -> list[int]:
    """Of the regions that a question mentions, or else of the selected one, if there is one and not `is_whole`."""
    return mentions.mentioned(typed) or ([] if is_whole or session.selected is None else [session.selected])


def _is_about_whole(turn: ChatTurn | None) -> bool:
    """Whether there is a turn and it is about the whole picture."""
    return turn is not None and turn.implied and not turn.regions


def _in_place_of(session: Session, last: ChatTurn, turn: ChatTurn) -> Session:
    return session.without_turn(last.id).with_turn(replace(turn, replaces=last))


def _question_for_model(turn: ChatTurn, places: dict[RegionSnapshot, int], previous: tuple[RegionSnapshot, ...]) -> str:
    """The turn's question with the model's region numbers; regions not yet in `places` get the next ones."""
    is_new = any(region not in places for region in turn.regions)
    for region in turn.regions:
        places.setdefault(region, len(places) + 1)
    place_of = {region.number: places[region] for region in turn.regions}
    if not turn.implied:
        return mentions.for_model(turn.typed, place_of)
    if is_new or turn.regions == previous or not turn.regions:
        # The prompt introduces new regions itself, and a follow-up about the same regions needs no name.
        return turn.typed
    return text("for_the_model.about_region", region=f"<region{places[turn.regions[0]]}>", question=turn.typed)


def _implied_places(turn: ChatTurn, places: dict[RegionSnapshot, int]) -> tuple[int, ...]:
    """Places of the regions that the turn is about without a mention.

    If older turns are left out of a long conversation, the prompt introduces exactly these regions again.
    """
    return tuple(places[region] for region in turn.regions) if turn.implied else ()
