"""A Session as a record that can be kept, and back: what export writes and what opening such a file restores.

Knows no page.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from demo import mentions, words
from demo.handlers import implied_places, open_picture, question_for_model
from demo.session import AnswerStats, Asked, PageRegion, Patch, Picture, Session, Turn, new_turn
from osprey_core import export
from osprey_core.errors import InputError
from osprey_core.record import AnswerMeasures, Record, RecordedPicture, RecordedRegion, RecordedTurn

_RATINGS = {None: "", True: "like", False: "dislike"}


def record_of(session: Session, model: str = "", segmenter: str = "") -> Record | None:
    """Picture, regions and all answered questions; None while there is no picture."""
    picture = session.picture
    if picture is None:
        return None
    places: dict[Asked, int] = {}
    previous: tuple[Asked, ...] = ()
    turns = []
    for turn in session.transcript:
        if not turn.answer or turn.state == "waiting":
            continue
        question = question_for_model(turn, places, previous)
        about = None if not turn.implied else implied_places(turn, places)
        turns.append(_recorded_turn(turn, question, len(places), about))
        previous = turn.asked
    spoken = tuple(RecordedRegion(asked.number, asked.mask) for asked in places)
    regions = tuple(RecordedRegion(region.number, region.mask, region.name) for region in session.regions)
    kept = RecordedPicture(picture.data, picture.name, picture.width, picture.height)
    return Record(kept, regions, spoken, tuple(turns), model, segmenter)


def zip_of(session: Session, model: str, segmenter: str) -> tuple[bytes, str]:
    """The session as a zip (see `export.write_zip`), and a name for the file. Raises InputError without a picture."""
    record = record_of(session, model, segmenter)
    if record is None:
        raise InputError(words.NO_PICTURE)
    return export.write_zip(record), f"{PurePath(record.picture.name).stem or 'picture'}-osprey.zip"


def open_file(session: Session, data: bytes, name: str) -> Session:
    """A new session from a file: a picture, or what `zip_of` wrote (the record's JSON alone will do as well)."""
    if data[:2] == b"PK" or data.lstrip()[:1] == b"{":
        return session_of(export.read_conversation(data))
    return open_picture(session, data, name)


def session_of(record: Record) -> Session:
    """A new session with everything that the record holds; the newest region is selected, undo begins anew."""
    kept = record.picture
    regions = tuple(
        PageRegion(region.number, region.mask, patches=(Patch(True, region.mask),), name=region.name)
        for region in record.regions
    )
    return Session(
        picture=Picture(kept.data, kept.name, kept.width, kept.height),
        regions=regions,
        selected=regions[-1].number if regions else None,
        transcript=tuple(_turn(record, turn) for turn in record.turns),
    )


def _recorded_turn(turn: Turn, question: str, known: int, about: tuple[int, ...] | None) -> RecordedTurn:
    stats = turn.stats
    measures = None
    if stats is not None:
        measures = AnswerMeasures(
            stats.prompt_tokens, stats.new_tokens, stats.seconds_to_first_token, stats.tokens_per_second,
            stats.finish_reason, stats.trimmed_turns,
        )  # fmt: skip
    return RecordedTurn(
        question,
        turn.answer,
        known,
        about,
        typed=turn.typed,
        state=turn.state if turn.state != "waiting" else "stopped",
        model=turn.model,
        measures=measures,
        rating=_RATINGS[turn.liked],  # type: ignore[arg-type]
    )


def _turn(record: Record, kept: RecordedTurn) -> Turn:
    known = len(record.spoken) if kept.known_regions is None else kept.known_regions
    numbers = tuple(region.number for region in record.spoken[:known])
    asked = tuple(Asked(region.number, region.mask) for region in record.asked(kept))
    typed = kept.typed
    if not typed or not {each.number for each in asked}.issuperset(mentions.mentioned(typed)):
        typed = mentions.replaced(kept.question, lambda place: f"@{numbers[place - 1]}")
    measures = kept.measures
    stats = None
    if measures is not None:
        stats = AnswerStats(
            measures.prompt_tokens, measures.new_tokens, measures.seconds_to_first_token, measures.tokens_per_second,
            measures.finish_reason, measures.trimmed_turns,
        )  # fmt: skip
    turn = new_turn(typed, asked, implied=not mentions.mentioned(typed))
    return replace(
        turn,
        answer=kept.answer,
        state=kept.state,
        stats=stats,
        places=numbers,
        model=kept.model or record.model,
        liked={"": None, "like": True, "dislike": False}[kept.rating],
    )
