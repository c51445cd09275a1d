"""A Session as a record that can be kept, and back: what export writes and what opening such a file restores.

Knows no page.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from demo.session import mentions
from demo.session.conversation import told_to_model
from demo.session.pictures import open_picture
from demo.session.session import ChatTurn, MaskEdit, Region, RegionSnapshot, Session, new_turn
from osprey_core.errors import InputError
from osprey_core.io import export
from osprey_core.io.record import Rating, Record, RecordedRegion, RecordedTurn
from osprey_core.language import prompts

_RATINGS: dict[bool | None, Rating] = {None: "", True: "like", False: "dislike"}


def record_of(session: Session, model: str = "", segmenter: str = "") -> Record | None:
    """Picture, regions and all answered questions; None while there is no picture."""
    picture = session.picture
    if picture is None:
        return None
    places: dict[RegionSnapshot, int] = {}
    answered = [turn for turn in session.transcript if turn.answer and turn.state != "waiting"]
    turns = [_recorded_turn(turn, told) for turn, told in zip(answered, told_to_model(answered, places), strict=True)]
    spoken = tuple(RecordedRegion(region.number, region.mask) for region in places)
    regions = tuple(RecordedRegion(region.number, region.mask, region.name) for region in session.regions)
    return Record(picture, regions, spoken, tuple(turns), model, segmenter)


def zip_of(session: Session, model: str, segmenter: str) -> tuple[bytes, str]:
    """The session as a zip (see `export.write_zip`), and a name for the file. Raises InputError without a picture."""
    record = record_of(session, model, segmenter)
    if record is None:
        raise InputError("page.no_picture")
    return export.write_zip(record), f"{PurePath(record.picture.name).stem or 'picture'}-osprey.zip"


def open_file(data: bytes, name: str) -> Session:
    """A new session from a file: a picture, or what `zip_of` wrote (the record's JSON alone will do as well)."""
    if data[:2] == b"PK" or data.lstrip()[:1] == b"{":
        return session_of(export.read_conversation(data))
    return open_picture(data, name)


def session_of(record: Record) -> Session:
    """A new session with everything that the record holds; the newest region is selected, undo begins anew."""
    regions = tuple(
        Region(region.number, region.mask, edits=(MaskEdit(True, region.mask),), name=region.name)
        for region in record.regions
    )
    return Session(
        picture=record.picture,
        regions=regions,
        selected=regions[-1].number if regions else None,
        transcript=tuple(_turn(record, turn) for turn in record.turns),
    )


def _recorded_turn(turn: ChatTurn, told: prompts.Turn) -> RecordedTurn:
    return RecordedTurn(
        told.question,
        told.answer,
        told.known_regions,
        told.about if turn.implied else None,
        typed=turn.typed,
        state=turn.state if turn.state != "waiting" else "stopped",
        model=turn.model,
        settings=turn.settings,
        measures=turn.stats,
        rating=_RATINGS[turn.liked],
    )


def _turn(record: Record, kept: RecordedTurn) -> ChatTurn:
    known = len(record.spoken) if kept.known_regions is None else kept.known_regions
    numbers = tuple(region.number for region in record.spoken[:known])
    regions = tuple(RegionSnapshot(region.number, region.mask) for region in record.asked(kept))
    typed = kept.typed
    if not typed or not {each.number for each in regions}.issuperset(mentions.mentioned(typed)):
        typed = mentions.replaced(kept.question, lambda place: f"@{numbers[place - 1]}")
    turn = new_turn(typed, regions, implied=not mentions.mentioned(typed))
    return replace(
        turn,
        answer=kept.answer,
        state=kept.state,
        stats=kept.measures,
        settings=kept.settings,
        places=numbers,
        model=kept.model or record.model,
        liked={"": None, "like": True, "dislike": False}[kept.rating],
    )
