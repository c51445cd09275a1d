"""What happens when a person does something: plain functions from a Session (and inputs) to a Session.

They know no Gradio component. What a person can put right is raised as OspreyError; the page makes a toast of it and
keeps the Session that was there.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from demo.i18n import words
from demo.jobs.cancellation import Running, Ticket
from demo.jobs.lazy_resource import Slot
from demo.session import mentions
from demo.session.picture_cache import OpenedPictures
from demo.session.session import (
    AnswerMeasures,
    Asked,
    Captions,
    PageRegion,
    Patch,
    Picture,
    Prompts,
    Segment,
    Session,
    Turn,
    new_captions,
    new_turn,
)
from demo.session.workspace import Seat
from demo.session.workspaces import Seats
from osprey_core.config import GenerationDefaults
from osprey_core.errors import InputError
from osprey_core.io import mask_files
from osprey_core.io.pictures import read_picture
from osprey_core.io.web_fetch import fetch
from osprey_core.language import prompts
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions import masks
from osprey_core.regions.masks import CodedMask, Mask
from osprey_core.segment import refine

log = logging.getLogger(__name__)

MAX_QUESTION_CHARACTERS = 4000
MAX_STROKE_POINTS = 20_000
MAX_CORNERS = 1000
MAX_SEGMENTS = 128
MAX_NAME_CHARACTERS = 40
MAX_MASKS = 100

Action = Literal["new", "add", "remove"]
Reshape = Literal["grow", "shrink", "fill", "largest", "invert"]
RESHAPES: dict[Reshape, Callable[[Mask], Mask]] = {
    "grow": masks.grow,
    "shrink": masks.shrink,
    "fill": masks.fill_holes,
    "largest": masks.largest_component,
    "invert": masks.invert,
}
RegionToken = Literal["mask", "pos"]
Style = Literal["short", "detailed", "category", "around", "relation", "compare"]


class Stream(Protocol):
    """An answer as it is written; the attributes are final once it has been iterated to its end."""

    finish_reason: Any
    trimmed_turns: Any
    prompt_tokens: Any
    new_tokens: Any
    seconds_to_first_token: Any
    tokens_per_second: Any

    def __iter__(self) -> Iterator[str]: ...
    def stop(self) -> None: ...


class View(Protocol):
    """A picture that the model has encoded."""

    def stream(self, question: str, regions: Any, history: Any = ..., **settings: Any) -> Any: ...
    def describe(self, masks: Any, style: str = ..., **settings: Any) -> Iterator[tuple[int, str]]: ...


class Model(Protocol):
    """The part of `osprey_core.Osprey` that the page uses."""

    name: str
    device: str
    dtype: str
    generation_defaults: GenerationDefaults

    def open(self, image: Any) -> Any: ...


class Segmenter(Protocol):
    """The part of `osprey_core.segment.Segmenter` that the page uses."""

    name: str

    def open(self, image: NDArray[np.uint8]) -> Any: ...


@dataclass(frozen=True)
class Example:
    """A picture that is offered on the empty page."""

    path: Path
    title: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Services:
    """What all persons share: models, segmenter, opened pictures, running answers, examples."""

    model: Slot[Any]
    segmenter: Slot[Any]
    second: Slot[Any] | None = None
    """Another model to compare the first with, where one was asked for."""
    examples: tuple[Example, ...] = ()
    opened: OpenedPictures = field(default_factory=OpenedPictures)
    running: Running = field(default_factory=Running)
    seats: Seats = field(default_factory=Seats)
    fetch: Callable[[str], tuple[bytes, str]] | None = fetch
    """What is at a public address, and its name; None if pictures are not opened by their address."""


# --- pictures --------------------------------------------------------------------------------------------------------


def find_examples(folder: Path) -> tuple[Example, ...]:
    """The pictures in a folder by name; `scenes.json` beside them may give titles and questions to suggest."""
    if not folder.is_dir():
        return ()
    notes: dict[str, dict[str, Any]] = {}
    manifest = folder / "scenes.json"
    if manifest.is_file():
        try:
            listed = json.loads(manifest.read_text(encoding="utf-8"))
            scenes = listed.get("scenes", []) if isinstance(listed, dict) else listed
            notes = {str(scene["file"]): scene for scene in scenes}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            log.warning("%s is not readable; the examples go without titles", manifest.name)
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
            note = notes.get(path.name, {})
            title = note.get("title") or path.stem.replace("_", " ").replace("-", " ").strip().capitalize()
            found.append(Example(path, str(title), tuple(str(question) for question in note.get("questions") or ())))
    return tuple(found)


def open_picture(session: Session, data: bytes, name: str) -> Session:
    """A new session with this picture. Raises InputError for a file that is none, and then nothing has changed."""
    image = read_picture(data)
    return Session(picture=Picture(data, name, image.width, image.height))


def open_example(services: Services, session: Session, name: str) -> Session:
    """A new session with the example of this file name."""
    example = find_example(services, name)
    if example is None:
        raise InputError(words.UNKNOWN_EXAMPLE)
    return open_picture(session, example.path.read_bytes(), example.path.name)


def open_address(services: Services, session: Session, address: str) -> Session:
    """A new session with the picture at this address of the web."""
    if services.fetch is None:
        raise InputError(words.NO_ADDRESSES)
    data, name = services.fetch(address)
    return open_picture(session, data, name)


def find_example(services: Services, name: str) -> Example | None:
    """The example of this file name, if there is one."""
    return next((example for example in services.examples if example.path.name == name), None)


def turn(services: Services, seat: Seat, change: Callable[[], None]) -> None:
    """Do `change`, which may bring another picture to the front; what is under way for the one before then ends.

    `change` should be quick: what begins meanwhile is not ended.
    """
    before = seat.front
    change()
    if seat.front.id == before.id:
        return
    session = before.session
    under_way = [session.waiting, session.captions, *session.probes]
    for each in under_way:
        if each is not None:
            services.running.stop(each.id)


# --- regions ---------------------------------------------------------------------------------------------------------


def mark_point(services: Services, session: Session, x: float, y: float, action: Action) -> Session:
    """A click at (x, y) in picture pixels: a new region, or one more hint for the selected one."""
    picture = _need_picture(session)
    x, y = _number(x), _number(y)
    if not (0 <= x < picture.width and 0 <= y < picture.height):
        raise InputError(words.OUTSIDE)
    region = _refined(session, action)
    label = 0 if action == "remove" else 1
    if region is None:
        start = Prompts().with_point(x, y, 1)
        return session.with_region(_new_region(session, _segment(services, picture, start), prompts=start))
    if region.prompts is None or (label == 1 and _is_outside(region.prompts.box_xyxy, x, y)):
        # Drawn by hand, or a box that the click would contradict: the click's own find is added or taken away.
        return _patched(session, region, label == 1, _segment(services, picture, Prompts().with_point(x, y, 1)))
    hints = region.prompts.with_point(x, y, label)
    mask = _with_patches(_segment(services, picture, hints), region)
    return session.with_region(replace(region, mask=_stored(mask), prompts=hints, extent=0))


def other_extent(services: Services, session: Session, number: int) -> Session:
    """The region at the segmenter's next extent for the same clicks: a part of it, the whole, a larger whole."""
    picture = _need_picture(session)
    region = _need_region(session, number)
    found = _masks(services, picture, region.prompts) if region.prompts is not None else []
    if len(found) < 2:
        raise InputError(words.ONE_EXTENT)
    extent = (region.extent + 1) % len(found)
    mask = _with_patches(found[extent], region)
    return session.with_region(replace(region, mask=_stored(mask), extent=extent))


def mark_box(services: Services, session: Session, box_xyxy: Sequence[float], action: Action) -> Session:
    """A box in picture pixels, any two opposite corners: what it frames becomes, joins or leaves a region."""
    picture = _need_picture(session)
    if len(box_xyxy) != 4:
        raise InputError(words.BAD_GESTURE)
    xs = sorted(min(max(_number(x), 0.0), float(picture.width)) for x in box_xyxy[0::2])
    ys = sorted(min(max(_number(y), 0.0), float(picture.height)) for y in box_xyxy[1::2])
    if xs[1] - xs[0] < 2 or ys[1] - ys[0] < 2:
        raise InputError(words.BOX_TOO_SMALL)
    hints = Prompts(box_xyxy=(xs[0], ys[0], xs[1], ys[1]))
    region = _refined(session, action)
    mask = _segment(services, picture, hints)
    if region is None:
        return session.with_region(_new_region(session, mask, prompts=hints))
    return _patched(session, region, action == "add", mask)


def mark_brush(session: Session, points_xy: Sequence[Sequence[float]], radius: float, action: Action) -> Session:
    """A stroke through points in picture pixels: exactly the pixels it covers become, join or leave a region."""
    picture = _need_picture(session)
    if not points_xy or len(points_xy) > MAX_STROKE_POINTS:
        raise InputError(words.BAD_GESTURE)
    radius = _number(radius)
    if not 0 < radius <= max(picture.size_hw):
        raise InputError(words.BAD_GESTURE)
    radius = max(radius, 0.5)  # on a small picture, shown enlarged, the brush may be thinner than a pixel
    try:
        stroke = np.array([[_number(x), _number(y)] for x, y in points_xy], dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(words.BAD_GESTURE) from None
    return _drawn(session, masks.strokes_to_mask([stroke], radius, picture.size_hw), action, words.OUTSIDE)


def mark_polygon(session: Session, points_xy: Sequence[Sequence[float]], action: Action) -> Session:
    """A closed outline by its corners in picture pixels: exactly the pixels inside become, join or leave a region."""
    picture = _need_picture(session)
    if not 3 <= len(points_xy) <= MAX_CORNERS:
        raise InputError(words.BAD_GESTURE)
    try:
        corners = np.array([[_number(x), _number(y)] for x, y in points_xy], dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(words.BAD_GESTURE) from None
    return _drawn(session, masks.polygon_to_mask(corners, picture.size_hw), action, words.POLYGON_TOO_THIN)


def refine_mark(services: Services, session: Session) -> Session:
    """The mark that was just drawn by hand replaced by the outline that overlaps it most; undo brings the mark back.

    Raises InputError, and the mark stays, if the last change drew nothing or no outline fits.
    """
    picture = _need_picture(session)
    region = session.region(session.selected)
    earlier = session.undo[-1].regions if session.undo else ()
    before = next((other for other in earlier if region is not None and other.number == region.number), None)
    if region is None or not region.patches or region.patches[:-1] != (before.patches if before else ()):
        raise InputError(words.BAD_GESTURE)
    patch = region.patches[-1]
    drawn = patch.mask.mask()
    hints = refine.hints_of(drawn)
    told = Prompts(hints.points_xy, (1,) * len(hints.points_xy), hints.box_xyxy)
    found = _masks(services, picture, told)
    place = refine.best_match(found, drawn)
    if place is None:
        raise InputError(words.NOT_REFINED)
    if before is None:  # as if the segmenter had been told of it by clicks: they can go on refining it
        return session.with_region(replace(region, mask=_stored(found[place]), prompts=told, patches=(), extent=place))
    return _patched(session, before, patch.adds, found[place])


def find_everything(services: Services, session: Session) -> tuple[Segment, ...]:
    """All that the segmenter finds in the picture, largest first; slow once, then shared."""
    picture = _need_picture(session)
    segments = _opened_segments(services, picture)

    def find() -> tuple[Segment, ...]:
        found = [scored for scored in segments.everything() if scored.mask.any()]
        return tuple(Segment(CodedMask.of(scored.mask), float(scored.score)) for scored in found[:MAX_SEGMENTS])

    found: tuple[Segment, ...] = services.opened(picture).part("everything", find)
    return found


def take_segment(services: Services, session: Session, index: int, action: Action) -> Session:
    """One of `find_everything`, by its place there: it becomes, joins or leaves a region."""
    found = find_everything(services, session)
    if not (isinstance(index, int) and 0 <= index < len(found)):
        raise InputError(words.BAD_GESTURE)
    return _drawn(session, found[index].mask.mask(), action, words.NOTHING_FOUND)


def load_masks(session: Session, data: bytes) -> Session:
    """Every mask of a mask file as a new region with the file's name for it; the last one is selected."""
    picture = _need_picture(session)
    found = mask_files.read_masks(data, picture.size_hw, picture.name)
    if len(found) > MAX_MASKS:
        raise InputError(words.MANY_MASKS.format(count=len(found), limit=MAX_MASKS))
    first = session.next_number
    new = []
    for number, named in enumerate(found, first):
        stored = named.mask
        new.append(PageRegion(number, stored, patches=(Patch(True, stored),), name=named.name[:MAX_NAME_CHARACTERS]))
    return session.with_regions((*session.regions, *new), new[-1].number)


def select_region(session: Session, number: int) -> Session:
    """The region that questions mean when they name none."""
    _need_region(session, number)
    return replace(session, selected=number)


def delete_region(session: Session, number: int) -> Session:
    """Without this region; if it was selected, the newest of the others is. What was said about it stays."""
    _need_region(session, number)
    rest = tuple(region for region in session.regions if region.number != number)
    selected = session.selected
    if selected == number:
        selected = rest[-1].number if rest else None
    return session.with_regions(rest, selected)


def rename_region(session: Session, number: int, name: str) -> Session:
    """The region under a name of the person's own; an empty one takes the name away."""
    name = " ".join(name.split())
    if len(name) > MAX_NAME_CHARACTERS:
        raise InputError(words.LONG_NAME.format(limit=MAX_NAME_CHARACTERS))
    return session.with_region(replace(_need_region(session, number), name=name))


def show_region(session: Session, number: int, shown: bool) -> Session:
    """The region drawn over the picture, or not; questions can mean it all the same."""
    return session.with_region(replace(_need_region(session, number), hidden=not shown))


def reshape_region(session: Session, number: int, how: Reshape) -> Session:
    """The region's mask changed as a whole: a pixel wider or narrower, without holes or stray pieces, inverted."""
    region = _need_region(session, number)
    if how not in RESHAPES:
        raise InputError(words.BAD_GESTURE)
    return session.with_region(_by_hand(region, RESHAPES[how](region.mask.mask())))


def merge_regions(session: Session, number: int, other: int) -> Session:
    """The second region's pixels joined to the first's; the second is gone."""
    region, second = _need_region(session, number), _need_region(session, other)
    if region is second:
        raise InputError(words.SAME_REGION)
    mask = masks.union([region.mask.mask(), second.mask.mask()])
    rest = tuple(each for each in session.regions if each is not second)
    changed = tuple(_by_hand(region, mask) if each is region else each for each in rest)
    return session.with_regions(changed, number)


def subtract_region(session: Session, number: int, other: int) -> Session:
    """The first region without the pixels of the second, which stays."""
    region, second = _need_region(session, number), _need_region(session, other)
    if region is second:
        raise InputError(words.SAME_REGION)
    return session.with_region(_by_hand(region, masks.subtract(region.mask.mask(), second.mask.mask())))


def clear_regions(session: Session) -> Session:
    """Without any region; the conversation stays."""
    return session.with_regions((), None) if session.regions else session


def undo(session: Session) -> Session:
    """As before the last change of regions."""
    return session.undone()


# --- conversation ----------------------------------------------------------------------------------------------------


def ask(session: Session, typed: str, replaces: int | None = None) -> Session:
    """The question appended, its answer awaited. Raises InputError if there is nothing that could be asked.

    If `replaces` is the id of the last turn, the question takes that turn's place; any other id means nothing.
    """
    typed = typed.encode("utf-8", "replace").decode().strip()  # half a surrogate pair is no text: JSON breaks on it
    _need_picture(session)
    if not session.regions:
        raise InputError(words.NO_REGION)
    if not typed:
        raise InputError(words.NO_QUESTION)
    if len(typed) > MAX_QUESTION_CHARACTERS:
        raise InputError(words.LONG_QUESTION.format(limit=MAX_QUESTION_CHARACTERS))
    if session.waiting is not None:
        raise InputError(words.BUSY)
    numbers = mentions.mentioned(typed)
    asked = []
    for number in numbers or [cast(int, session.selected)]:
        region = _need_region(session, number)
        asked.append(Asked(number, region.mask))
    turn = new_turn(typed, tuple(asked), implied=not numbers)
    last = session.transcript[-1] if session.transcript else None
    return _in_place_of(session, last, turn) if last and last.id == replaces else session.with_turn(turn)


def _in_place_of(session: Session, last: Turn, turn: Turn) -> Session:
    return session.without_turn(last.id).with_turn(replace(turn, replaces=last))


def preset_question(session: Session, style: Style) -> str:
    """The question of this style: about the selected region, for a relation its newest other too, or about all."""
    _need_picture(session)
    if not session.regions:
        raise InputError(words.NO_REGION)
    numbers = [cast(int, session.selected)]
    if style == "around":
        return words.QUESTION_AROUND.format(region=f"@{numbers[0]}")
    others = [region.number for region in session.regions if region.number != session.selected]
    if style in ("relation", "compare") and not others:
        raise InputError(words.ONE_REGION)
    if style == "compare":
        everyone = [f"@{number}" for number in sorted([*numbers, *others])]
        listed = ", ".join(everyone[:-1]) + words.LIST_AND + everyone[-1]
        return words.QUESTION_COMPARE.format(regions=listed)
    if style == "relation":
        numbers = sorted([*numbers, others[-1]])
    return mentions.replaced(prompts.QUESTIONS[style], lambda place: f"@{numbers[place - 1]}")


def retry(session: Session) -> Session:
    """The last question asked anew, about the same pixels."""
    if not session.transcript:
        raise InputError(words.NOTHING_TO_RETRY)
    if session.waiting is not None:
        raise InputError(words.BUSY)
    last = session.transcript[-1]
    return _in_place_of(session, last, new_turn(last.typed, last.asked, last.implied))


def undo_turn(session: Session) -> Session:
    """Without the last question and its answer."""
    if not session.transcript:
        raise InputError(words.NOTHING_TO_TAKE_BACK)
    if session.waiting is not None:
        raise InputError(words.BUSY)
    return session.without_turn(session.transcript[-1].id)


def rate(session: Session, turn_id: Any, liked: Any) -> Session:
    """What the person thinks of an answer: True, False, or None again. Nothing happens if the turn is gone."""
    if not (liked is None or isinstance(liked, bool)) or not isinstance(turn_id, int):
        raise InputError(words.UNEXPECTED)
    return session.with_turn_changed(turn_id, liked=liked)


def clear_chat(session: Session) -> Session:
    """Without its conversation; picture and regions stay."""
    return replace(session, transcript=())


@dataclass(frozen=True)
class Request:
    """All that is needed to answer one question; holds no person and can be sent to another process."""

    picture: Picture
    question: str
    regions: tuple[CodedMask, ...]
    """In the order in which the conversation came to them; `<region1>` in the question is the first."""
    numbers: tuple[int, ...]
    """The numbers that these regions have on the page."""
    history: tuple[prompts.Turn, ...]
    settings: SamplingSettings
    about: tuple[int, ...] = ()
    """Places, from 1, of the regions that the question means without mentioning them."""
    without: tuple[RegionToken, ...] = ()
    """Tokens of the regions that are switched off."""
    second: bool = False
    """Whether the second model is asked."""


def request_of(session: Session, turn: Turn, settings: SamplingSettings) -> Request:
    """What the model is asked for this turn of the session.

    The model's regions are those that the conversation has spoken of, as they were then: a region refined since is
    another one to the model, a deleted one remains what earlier answers were about.
    """
    picture = _need_picture(session)
    places: dict[Asked, int] = {}
    earlier = [each for each in session.transcript if each.id != turn.id and each.answer]
    *history, asked_now = told_to_model([*earlier, turn], places)
    return Request(
        picture,
        asked_now.question,
        tuple(asked.mask for asked in places),
        tuple(asked.number for asked in places),
        tuple(history),
        settings,
        asked_now.about or (),
    )


@dataclass(frozen=True)
class DescribeRequest:
    """All that is needed to describe many regions of one picture; can be sent to another process."""

    picture: Picture
    regions: tuple[CodedMask, ...]
    style: str
    settings: SamplingSettings


@dataclass(frozen=True)
class Caption:
    """The description of one region, by its place (from 0) in the request."""

    place: int
    text: str


@dataclass(frozen=True)
class Finding:
    """What a `Look` finds; its kinds add what it is."""


@dataclass(frozen=True)
class Look:
    """Anything else that a model is asked about one picture; its kinds can be sent to another process."""

    picture: Picture

    def findings(self, view: Any, ticket: Ticket) -> Iterator[Finding]:
        """What is found with the opened picture, as soon as it is; ends early once the ticket is stopped."""
        raise NotImplementedError


AnyRequest = Request | DescribeRequest | Look
Piece = str | AnswerMeasures | Caption | Finding


def decode(services: Services, request: AnyRequest, ticket: Ticket) -> Iterator[Piece]:
    """Pieces of the answer, and at its end the measurements; for many regions their captions, as they are complete.

    Stops at the next token (the next caption) once the ticket is stopped.
    """
    view = opened_view(services, request.picture, second=isinstance(request, Request) and request.second)
    if isinstance(request, DescribeRequest):
        yield from _captions(view, request, ticket)
        return
    if isinstance(request, Look):
        yield from request.findings(view, ticket)
        return
    switched_off: dict[str, Any] = {"without": request.without} if request.without else {}
    stream = view.stream(
        request.question,
        [stored.mask() for stored in request.regions],
        history=list(request.history),
        max_new_tokens=request.settings.max_new_tokens,
        temperature=request.settings.temperature,
        top_p=request.settings.top_p,
        seed=request.settings.seed,
        about=request.about,
        **switched_off,
    )
    ticket.attach(stream)
    try:
        yield from stream
    finally:
        stream.stop()  # also when the page stops listening
    yield AnswerMeasures(
        prompt_tokens=int(stream.prompt_tokens or 0),
        new_tokens=int(stream.new_tokens or 0),
        seconds_to_first_token=float(stream.seconds_to_first_token or 0.0),
        tokens_per_second=float(stream.tokens_per_second or 0.0),
        finish_reason=str(stream.finish_reason),
        trimmed_turns=int(stream.trimmed_turns or 0),
    )


Decode = Callable[[Services, AnyRequest, Ticket], Iterator[Piece]]


@dataclass(frozen=True)
class Progress:
    """Where an answer stands: `note` says what it waits for, while it has no text."""

    session: Session
    note: str = ""


def answer(
    services: Services, seat: Seat, settings: SamplingSettings, decode: Decode = decode, interval: float = 0.05
) -> Iterator[Progress]:
    """Write the answer that the person at this seat waits for; the seat's session gets it as it grows.

    Yields at most every `interval` seconds. If the turn disappears (new picture, cleared chat) or is stopped, decoding
    ends at the next token. On an error the question is taken back and the error goes on to the caller.
    """
    turn = seat.session.waiting
    if turn is None:
        return
    ticket = services.running.ticket(turn.id)
    text, stats, completed = "", None, False
    try:
        waiting = seat.session.waiting
        if waiting is None or waiting.id != turn.id:  # stopped just before there was a ticket
            ticket.stop()
        while not ticket.stopped and not services.model.wait(0.2):
            yield Progress(seat.session, words.WAITING_FOR_MODEL)
        if not ticket.stopped:
            model = services.model.get()  # raises the reason if loading failed
            yield Progress(seat.session, words.LOOKING)
            asking = seat.session
            if all(other.id != turn.id for other in asking.transcript):  # another picture has come to the front
                ticket.stop()
            request = None if ticket.stopped else request_of(asking, turn, settings)
            if request is not None:
                _write(seat, turn, places=request.numbers, model=str(getattr(model, "name", "")))
            last = time.monotonic()
            for piece in () if request is None else decode(services, request, ticket):
                if isinstance(piece, AnswerMeasures):
                    stats = piece
                    continue
                text += cast(str, piece)
                if time.monotonic() - last >= interval:
                    session = _write(seat, turn, answer=text)
                    if session is None or ticket.stopped:
                        break
                    yield Progress(session)
                    last = time.monotonic()
        completed = True
    finally:
        services.running.done(turn.id)
        if completed:
            _write(seat, turn, answer=text.strip(), state=_end_state(ticket, stats), stats=stats, replaces=None)
        elif text:  # the page has gone or the model failed half-way: what was written is kept
            _write(seat, turn, answer=text.strip(), state="stopped", stats=stats, replaces=None)
        else:
            seat.change(lambda session: session.with_turn_taken_back(turn.id))
    yield Progress(seat.session)


def stop(services: Services, seat: Seat) -> Session:
    """End the answer that this person waits for, whether it is being written or still waits for its place.

    The turn counts as stopped at once: it may be long until its event's turn comes, and it might never come.
    """
    waiting = seat.session.waiting
    if waiting is None:
        return seat.session
    # First the mark, then the ticket: an answer that begins in between finds one or the other.
    session = seat.change(lambda session: session.with_turn_changed(waiting.id, state="stopped", replaces=None))
    services.running.stop(waiting.id)
    return session


def describe_everything(
    services: Services,
    seat: Seat,
    style: Style,
    settings: SamplingSettings,
    decode: Decode = decode,
    interval: float = 0.25,
) -> Iterator[Session]:
    """Caption everything that the segmenter finds; the seat's session gets the captions as they are written.

    Yields at most every `interval` seconds. Ends early when it is stopped, or when the picture goes.
    """
    session = seat.session
    picture = _need_picture(session)
    if style not in ("short", "detailed", "category"):
        raise InputError(words.BAD_GESTURE)
    if session.captions is not None and session.captions.state == "running":
        raise InputError(words.BUSY_DESCRIBING)
    segments = find_everything(services, session)
    if not segments:
        raise InputError(words.NOTHING_STANDS_OUT)
    captions = new_captions(style, len(segments))
    seat.change(lambda now: replace(now, captions=captions) if now.picture is picture else now)
    ticket = services.running.ticket(captions.id)
    completed = False
    try:
        yield seat.session
        while not ticket.stopped and not services.model.wait(0.2):
            yield seat.session
        services.model.get()  # raises the reason if loading failed
        request = DescribeRequest(picture, tuple(segment.mask for segment in segments), style, settings)
        last = 0.0
        for piece in decode(services, request, ticket):
            if not isinstance(piece, Caption):
                continue
            captions = replace(captions, rows=(*captions.rows, (piece.place, piece.text)))
            if not _write_captions(seat, captions) or ticket.stopped:
                break
            if time.monotonic() - last >= interval:
                yield seat.session
                last = time.monotonic()
        completed = True
    finally:
        services.running.done(captions.id)
        whole = completed and len(captions.rows) == captions.total
        _write_captions(seat, replace(captions, state="complete" if whole else "stopped"))
    yield seat.session


def stop_describing(services: Services, seat: Seat) -> Session:
    """End the captions that are being written; those that are there stay."""
    captions = seat.session.captions
    if captions is not None and captions.state == "running":
        services.running.stop(captions.id)
    return seat.session


def _write_captions(seat: Seat, captions: Captions) -> bool:
    """The captions brought up to date at the seat; False if they went with their picture."""

    def change(session: Session) -> Session:
        known = session.captions is not None and session.captions.id == captions.id
        return replace(session, captions=captions) if known else session

    session = seat.change(change)
    return session.captions is captions


def _captions(view: Any, request: DescribeRequest, ticket: Ticket) -> Iterator[Caption]:
    settings = request.settings
    found = view.describe(
        [stored.mask() for stored in request.regions],
        request.style,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
    )
    for place, text in found:
        yield Caption(place, text)
        if ticket.stopped:
            return


def opened_view(services: Services, picture: Picture, second: bool = False) -> Any:
    """The picture encoded by the model, or by the second one; slow once, then shared."""
    slot = services.second if second else services.model
    if slot is None:
        raise InputError(words.ONE_MODEL)
    opened = services.opened(picture)
    return opened.part("view of the second" if second else "view", lambda: slot.get().open(opened.image()))


# --- helpers ---------------------------------------------------------------------------------------------------------


def _write(seat: Seat, turn: Turn, **changes: Any) -> Session | None:
    """The turn changed at the seat; None if it is not there any more."""
    session = seat.change(lambda session: session.with_turn_changed(turn.id, **changes))
    return session if any(other.id == turn.id for other in session.transcript) else None


def _end_state(ticket: Ticket, stats: AnswerMeasures | None) -> Literal["complete", "length", "stopped"]:
    if ticket.stopped or (stats is not None and stats.finish_reason == "stopped"):
        return "stopped"
    return "length" if stats is not None and stats.finish_reason == "length" else "complete"


def told_to_model(turns: Sequence[Turn], places: dict[Asked, int]) -> list[prompts.Turn]:
    """The turns as the model sees them; `places` learns which place (from 1) each region has in its list."""
    told = []
    previous: tuple[Asked, ...] = ()
    for turn in turns:
        question = _question_for_model(turn, places, previous)
        told.append(prompts.Turn(question, turn.answer, len(places), _implied_places(turn, places)))
        previous = turn.asked
    return told


def _question_for_model(turn: Turn, places: dict[Asked, int], previous: tuple[Asked, ...]) -> str:
    """The turn's question with the model's region numbers; regions new to the conversation get the next places."""
    is_new = any(asked not in places for asked in turn.asked)
    for asked in turn.asked:
        places.setdefault(asked, len(places) + 1)
    place_of = {asked.number: places[asked] for asked in turn.asked}
    if not turn.implied:
        return mentions.for_model(turn.typed, place_of)
    if is_new or turn.asked == previous or not turn.asked:
        # The prompt introduces a region that is new to it, and a follow-up needs no name.
        return turn.typed
    return words.ABOUT_REGION.format(region=f"<region{places[turn.asked[0]]}>", question=turn.typed)


def _implied_places(turn: Turn, places: dict[Asked, int]) -> tuple[int, ...]:
    """Places of what the turn is about without saying so. Older turns may be left out of a long conversation; then
    the prompt introduces these regions again, and no others."""
    return tuple(places[asked] for asked in turn.asked) if turn.implied else ()


def _need_picture(session: Session) -> Picture:
    if session.picture is None:
        raise InputError(words.NO_PICTURE)
    return session.picture


def _refined(session: Session, action: Action) -> PageRegion | None:
    """The region that this action changes; None if it makes a new one."""
    if action not in ("new", "add", "remove"):
        raise InputError(words.BAD_GESTURE)
    region = session.region(session.selected)
    if region is None and action == "remove":
        raise InputError(words.NOTHING_TO_REMOVE_FROM)
    return None if action == "new" else region


def _need_region(session: Session, number: int) -> PageRegion:
    region = session.region(number)
    if region is None:
        raise InputError(_unknown_region(session, number))
    return region


def _by_hand(region: PageRegion, mask: Mask) -> PageRegion:
    """The region with other pixels, which no longer follow from clicks."""
    stored = _stored(mask)
    return replace(region, mask=stored, prompts=None, patches=(Patch(True, stored),), extent=0)


def _new_region(
    session: Session, mask: Mask, prompts: Prompts | None = None, patches: tuple[Patch, ...] = ()
) -> PageRegion:
    return PageRegion(session.next_number, _stored(mask), prompts, patches)


def _drawn(session: Session, mask: Mask, action: Action, when_empty: str) -> Session:
    """Pixels that were drawn by hand, as a new region or as a patch of the selected one."""
    if not mask.any():
        raise InputError(when_empty)
    region = _refined(session, action)
    if region is None:
        return session.with_region(_new_region(session, mask, patches=(Patch(True, CodedMask.of(mask)),)))
    return _patched(session, region, action == "add", mask)


def _patched(session: Session, region: PageRegion, adds: bool, change: Mask) -> Session:
    mask = _stored(_apply(region.mask.mask(), adds, change))
    patch = Patch(adds, CodedMask.of(change))
    return session.with_region(replace(region, mask=mask, patches=(*region.patches, patch)))


def _is_outside(box_xyxy: tuple[float, float, float, float] | None, x: float, y: float) -> bool:
    return box_xyxy is not None and not (box_xyxy[0] <= x < box_xyxy[2] and box_xyxy[1] <= y < box_xyxy[3])


def _apply(mask: Mask, adds: bool, change: Mask) -> Mask:
    return mask | change if adds else mask & ~change


def _stored(mask: Mask) -> CodedMask:
    if not mask.any():
        raise InputError(words.NOTHING_LEFT)
    return CodedMask.of(mask)


def _with_patches(mask: Mask, region: PageRegion) -> Mask:
    """The segmenter's mask with what was added and taken away by hand."""
    for patch in region.patches:
        mask = _apply(mask, patch.adds, patch.mask.mask())
    return mask


def _segment(services: Services, picture: Picture, hints: Prompts) -> Mask:
    """The segmenter's best mask, bool (H, W)."""
    return _masks(services, picture, hints)[0]


def _opened_segments(services: Services, picture: Picture) -> Any:
    """The picture made ready by the segmenter; slow once, then shared."""
    if not services.segmenter.wait(1):  # no longer: others want to mark as well
        raise InputError(words.SEGMENTER_LOADING)
    opened = services.opened(picture)
    return opened.part("segments", lambda: services.segmenter.get().open(opened.image()))


def _masks(services: Services, picture: Picture, hints: Prompts) -> list[Mask]:
    """The segmenter's masks of different extent, best first; at least one."""
    found = _opened_segments(services, picture).segment(list(hints.points_xy), list(hints.labels), hints.box_xyxy)
    kept: list[Mask] = [scored.mask for scored in found if scored.mask.any()]
    if not kept:
        raise InputError(words.NOTHING_FOUND)
    return kept


def _unknown_region(session: Session, number: int) -> str:
    numbers = ", ".join(f"@{region.number}" for region in session.regions)
    if not numbers:
        return words.NO_REGION
    return words.UNKNOWN_REGION.format(number=number, numbers=numbers)


def _number(value: Any) -> float:
    """A finite number, or InputError: gestures come from outside."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(words.BAD_GESTURE) from None
    if not np.isfinite(number):
        raise InputError(words.BAD_GESTURE)
    return number
