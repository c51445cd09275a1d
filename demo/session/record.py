"""Convert a Session to a record that can be saved, and a record back to a Session."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from demo.session.conversation import told_to_model
from demo.session.pictures import open_picture, required_picture
from demo.session.regions import required_region
from demo.session.session import (
    Captions,
    ChatTurn,
    MaskEdit,
    Region,
    RegionSnapshot,
    SecondCaptions,
    Segment,
    Session,
    new_captions,
    new_turn,
)
from osprey_core.errors import InputError
from osprey_core.io import annotation_formats, export, record_json
from osprey_core.io.pictures import pixels_of
from osprey_core.io.record import DescribedSegment, Rating, Record, RecordedRegion, RecordedTurn
from osprey_core.language import prompts
from osprey_core.regions import mentions
from osprey_core.regions.masks import box_xyxy

SAVED_PIXELS = 24_000_000
KEPT_PICTURE = "picture"
"""Name of the picture's file in the records that a browser keeps; the file itself is kept apart."""

_RATINGS: dict[bool | None, Rating] = {None: "", True: "like", False: "dislike"}


def record_of(session: Session, model: str = "", segmenter: str = "") -> Record | None:
    """A record of picture, regions and all answered questions; None without a picture."""
    picture = session.picture
    if picture is None:
        return None
    places: dict[RegionSnapshot, int] = {}
    answered = [turn for turn in session.transcript if turn.answer and turn.state != "waiting"]
    model_turns = told_to_model(answered, places)
    turns = [_recorded_turn(turn, model_turn) for turn, model_turn in zip(answered, model_turns, strict=True)]
    spoken = tuple(RecordedRegion(region.number, region.mask) for region in places)
    regions = tuple(RecordedRegion(region.number, region.mask, region.name) for region in session.regions)
    captions = session.captions
    compared_with = captions.second.model if captions is not None and captions.second is not None else ""
    return Record(picture, regions, spoken, tuple(turns), model, segmenter, _described(captions), compared_with)


def _described(captions: Captions | None) -> tuple[DescribedSegment, ...]:
    """All segments of the table in its order, with the captions that there are."""
    if captions is None or not captions.rows:
        return ()
    texts, second = dict(captions.rows), captions.second
    compared = dict(second.rows) if second is not None else {}
    reasons = second.reasons() if second is not None else {}
    return tuple(
        DescribedSegment(
            segment.mask, texts.get(index, ""), segment.score, compared.get(index, ""), reasons.get(index, "")
        )
        for index, segment in enumerate(captions.segments)
    )


def zip_of(session: Session, model: str, segmenter: str) -> tuple[bytes, str]:
    """The session as a zip (see `export.write_zip`), and a name for the file. Raises InputError without a picture."""
    record = record_of(session, model, segmenter)
    if record is None:
        raise InputError("page.no_picture")
    return export.write_zip(record), f"{PurePath(record.picture.name).stem or 'picture'}-osprey.zip"


def cutout_of(session: Session, number: int, image: NDArray[np.uint8]) -> tuple[bytes, str]:
    """The region cut out of the picture as a PNG with transparency, and a name for the file.

    image: the session's picture, uint8 (H, W, 3). Raises InputError if there is no such region.
    """
    region, picture = required_region(session, number), required_picture(session)
    data = annotation_formats.cutout_png(image, RecordedRegion(region.number, region.mask, region.name))
    return data, f"{PurePath(picture.name).stem or 'picture'}-region-{number}.png"


def cutout_pixels(session: Session, number: int) -> int:
    """Pixels that count for `cutout_of`: those of the region's box. Raises InputError if there is no such region."""
    x0, y0, x1, y1 = box_xyxy(required_region(session, number).mask.mask())
    return (x1 - x0) * (y1 - y0)


def file_pixels(data: bytes) -> int:
    """Pixels to expect in a file for `open_file`; for a saved conversation a large photograph's."""
    return SAVED_PIXELS if _is_saved(data) else pixels_of(data)


def export_pixels(session: Session) -> int:
    """Pixels that count for `zip_of`: the picture, and the copy of it that is drawn on."""
    return 2 * session.picture.width * session.picture.height if session.picture is not None else 0


def _is_saved(data: bytes) -> bool:
    return data[:2] == b"PK" or data.lstrip()[:1] == b"{"


def open_file(data: bytes, name: str) -> Session:
    """A new session from a file: a picture, a zip that `zip_of` wrote, or the JSON of such a zip."""
    if _is_saved(data):
        return session_of(export.read_conversation(data))
    return open_picture(data, name)


def session_of(record: Record) -> Session:
    """A new session with everything in the record; the newest region is selected, the undo history is empty."""
    regions = tuple(
        Region(region.number, region.mask, edits=(MaskEdit(True, region.mask),), name=region.name)
        for region in record.regions
    )
    return Session(
        picture=record.picture,
        regions=regions,
        selected=regions[-1].number if regions else None,
        transcript=tuple(_turn(record, turn) for turn in record.turns),
        captions=_captions(record),
    )


def _captions(record: Record) -> Captions | None:
    if not record.segments:
        return None
    segments = tuple(Segment(segment.mask, segment.score or 0.0) for segment in record.segments)
    rows = tuple((place, segment.caption) for place, segment in enumerate(record.segments) if segment.caption)
    captions = replace(new_captions("short", len(segments), segments, record.model), rows=rows, second=_second(record))
    return replace(captions, state="complete" if captions.is_whole else "stopped")


def _second(record: Record) -> SecondCaptions | None:
    if not record.compared_with:
        return None
    told = [(place, segment.compared, segment.not_compared) for place, segment in enumerate(record.segments)]
    rows = tuple((place, text) for place, text, _ in told if text)
    failures = tuple((place, reason) for place, text, reason in told if reason and not text)
    return SecondCaptions(record.compared_with, rows, failures)


def text_of(session: Session, model: str = "") -> str:
    """The session's record as JSON without the picture's file, for `session_of_kept`; "" without a picture."""
    written = record_of(session, model)
    return "" if written is None else record_json.to_json(written, KEPT_PICTURE)


def session_of_kept(text: bytes, picture: bytes, digest: str) -> Session:
    """A new session from `text_of` and the picture's file.

    digest: SHA-256 of the file as it was opened, in hexadecimal. Raises InputError if the file is another one, or the
    text is damaged.
    """
    if hashlib.sha256(picture).hexdigest() != digest:
        raise InputError("page.kept_other_picture")
    return session_of(export.read_conversation(text, picture))


def _recorded_turn(turn: ChatTurn, model_turn: prompts.Turn) -> RecordedTurn:
    return RecordedTurn(
        model_turn.question,
        model_turn.answer,
        model_turn.known_regions,
        model_turn.about if turn.implied else None,
        typed=turn.typed,
        state=turn.state if turn.state != "waiting" else "stopped",
        model=turn.model,
        settings=turn.settings,
        measures=turn.stats,
        rating=_RATINGS[turn.liked],
    )


def _turn(record: Record, recorded: RecordedTurn) -> ChatTurn:
    region_count = len(record.spoken) if recorded.known_regions is None else recorded.known_regions
    numbers = tuple(region.number for region in record.spoken[:region_count])
    regions = tuple(RegionSnapshot(region.number, region.mask) for region in record.asked(recorded))
    typed = recorded.typed
    if not typed or not {region.number for region in regions}.issuperset(mentions.mentioned(typed)):
        typed = mentions.replaced(recorded.question, lambda place: f"@{numbers[place - 1]}")
    turn = new_turn(typed, regions, implied=not mentions.mentioned(typed))
    return replace(
        turn,
        answer=recorded.answer,
        state=recorded.state,
        stats=recorded.measures,
        settings=recorded.settings,
        places=numbers,
        model=recorded.model or record.model,
        liked={"": None, "like": True, "dislike": False}[recorded.rating],
    )
