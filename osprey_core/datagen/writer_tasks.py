"""The five kinds of dialogue that a writer model makes: what it is shown of a picture, and what becomes of its reply.

A task is one request: some regions of one picture. The writer sees no picture, only what annotations tell (Osprey,
section 3). The words that it is told are in `prompts.toml`; this module asks nobody.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from osprey_core.datagen.annotated import AnnotatedPicture, AnnotatedRegion
from osprey_core.datagen.reply_checks import (
    Fault,
    Reading,
    Shown,
    any_exchange,
    attribute_exchange,
    category_exchange,
    numbers_in,
    read_descriptions,
    read_exchanges,
    short_exchange,
)
from osprey_core.regions.mentions import REGION_TAG

log = logging.getLogger(__name__)

Message = dict[str, str]

TOLD_FAULTS = 8
"""So many faults of a reply are told to the writer."""


@dataclass(frozen=True)
class Kind:
    """One kind of dialogue."""

    title: str
    file: str
    """The usual name of its file, by which training knows how questions of the kind are put."""
    published: int
    """How many samples of it Osprey-724K has, as its paper counts them."""
    read: Callable[[str, Shown], Reading]
    new_tokens: int
    """A guess of how many tokens a reply has for one region, for the estimate of costs."""
    with_things: bool = False
    """Whether the writer sees all things in the picture."""
    of_parts: bool = False
    """Whether it is made from PACO's parts and attributes, not from texts and phrases."""
    usable: Callable[[AnnotatedRegion], bool] = lambda region: True
    """Whether there is something to say about a region."""


KINDS: dict[str, Kind] = {
    "description": Kind(
        "a detailed description of each region",
        "osprey_detail_description.json",
        70_000,
        read_descriptions,
        100,
        with_things=True,
    ),
    "conversation": Kind(
        "questions and answers in whole sentences about regions and how they relate",
        "osprey_conversation.json",
        127_000,
        partial(read_exchanges, check=any_exchange),
        130,
    ),
    "short-form": Kind(
        "questions about regions, answered by a word or a phrase",
        "osprey_short_form.json",
        99_000,
        partial(read_exchanges, check=short_exchange),
        90,
    ),
    "part-categories": Kind(
        "which part of which thing a region is, from PACO",
        "osprey_part_categories.json",
        99_000,
        partial(read_exchanges, check=category_exchange),
        30,
        of_parts=True,
        usable=lambda region: bool(region.part),
    ),
    "part-attributes": Kind(
        "colour, pattern, material and reflectance of parts and things, from PACO",
        "osprey_part_attributes.json",
        207_000,
        partial(read_exchanges, check=attribute_exchange),
        55,
        of_parts=True,
        usable=lambda region: bool(region.attributes),
    ),
}


@dataclass(frozen=True)
class WriterTask:
    """One request for a writer: a picture with just the regions that it writes about."""

    kind: str
    picture: AnnotatedPicture

    def shown(self) -> Shown:
        """What the writer is shown, besides what it is told to do."""
        return Shown(_rendered(self.kind, self.picture), self.picture.regions)

    def messages(self) -> list[Message]:
        """Instructions, a worked example, and the question."""
        told = _prompts()
        words = told[_section(self.kind)]
        return [
            {"role": "system", "content": words["instructions"].strip()},
            {"role": "user", "content": _rendered(self.kind, _example(self.kind))},
            {"role": "assistant", "content": words["reply"].strip()},
            {"role": "user", "content": self.shown().text},
        ]

    def repair(self, reply: str, faults: Sequence[Fault]) -> list[Message]:
        """The messages that ask for a reply without these faults."""
        listed = list(dict.fromkeys(fault.sentence for fault in faults))[:TOLD_FAULTS]
        asked = _prompts()["repair"].format(faults="\n".join(f"- {sentence}" for sentence in listed)).strip()
        return [*self.messages(), {"role": "assistant", "content": reply}, {"role": "user", "content": asked}]

    def read(self, reply: str) -> Reading:
        """What can be used of a reply."""
        return KINDS[self.kind].read(reply, self.shown())

    def record(self, reading: Reading) -> dict[str, Any] | None:
        """The record in the published layout, without the regions that nothing is said about; None if that is all."""
        if reading.descriptions:
            regions = [self.picture.regions[number - 1] for number in reading.descriptions]
            texts = [f"<region{place}>: {text}" for place, text in enumerate(reading.descriptions.values(), 1)]
            return self.picture.record(regions, description=texts)
        numbers = sorted({number for pair in reading.exchanges for text in pair for number in numbers_in(text)})
        if not numbers:
            return None
        place_of = {number: place for place, number in enumerate(numbers, 1)}
        said: list[dict[str, str]] = []
        for pair in reading.exchanges:
            for speaker, text in zip(("human", "gpt"), pair, strict=True):
                value = REGION_TAG.sub(lambda match: f"<region{place_of[int(match[1])]}>", text)
                said.append({"from": speaker, "value": value})
        return self.picture.record([self.picture.regions[number - 1] for number in numbers], conversations=said)


def tasks_of(kind: str, pictures: Iterable[AnnotatedPicture], regions_per_task: int) -> Iterator[WriterTask]:
    """Tasks for all usable regions of all pictures, at most so many regions in one.

    Regions without an outline that can be drawn are left out: training would refuse their records.
    """
    without_outline = 0
    for picture in pictures:
        usable = [region for region in picture.regions if KINDS[kind].usable(region)]
        drawable = [region for region in usable if region.has_outline(picture.size_hw)]
        without_outline += len(usable) - len(drawable)
        usable = drawable
        for start in range(0, len(usable), regions_per_task):
            key = picture.key if not start else f"{picture.key}_{start // regions_per_task + 1}"
            yield WriterTask(kind, replace(picture, key=key, regions=tuple(usable[start : start + regions_per_task])))
    if without_outline:
        log.warning("%d regions have no outline that can be drawn and are left out.", without_outline)


def _rendered(kind: str, picture: AnnotatedPicture) -> str:
    """What is known of a picture, as text for the writer."""
    if KINDS[kind].of_parts:
        return "\n".join(_part_line(kind, place, region) for place, region in enumerate(picture.regions, 1))
    blocks = []
    if picture.texts:
        blocks.append("\n".join(["The whole picture:", *picture.texts]))
    if KINDS[kind].with_things and picture.things:
        lines = [f"{name}: {picture.box_shares(bbox)}" for name, bbox in picture.things]
        blocks.append("\n".join(["Things in it:", *lines]))
    for place, region in enumerate(picture.regions, 1):
        head = f"<region{place}> ({region.full_name}: {picture.box_shares(region.bbox)}):"
        blocks.append("\n".join([head, *(f"- {phrase}" for phrase in region.phrases)]))
    return "\n\n".join(blocks)


def _part_line(kind: str, place: int, region: AnnotatedRegion) -> str:
    known = {"thing": region.name, "part": region.part} if region.part else {"thing": region.name}
    if kind == "part-attributes":
        known |= {name: " and ".join(values) for name, values in region.attributes.items()}
    return f"<region{place}>: " + "; ".join(f"{name}: {value}" for name, value in known.items())


def _section(kind: str) -> str:
    return kind.replace("-", "_")


@cache
def _prompts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("prompts.toml").read_text("utf-8"))


@cache
def _example(kind: str) -> AnnotatedPicture:
    """The picture of the worked example, which is drawn from nobody's data."""
    told = _prompts()["example"]
    listed = told["paco_regions"] if KINDS[kind].of_parts else told["regions"]
    regions = tuple(
        AnnotatedRegion(
            entry["bbox"],
            None,
            entry["name"],
            tuple(entry.get("phrases", ())),
            entry.get("part", ""),
            {name: tuple(values) for name, values in entry.get("attributes", {}).items()},
        )
        for entry in listed
    )
    things = tuple((entry["name"], tuple(entry["bbox"])) for entry in told["things"])
    picture = AnnotatedPicture("example", "", tuple(told["size_hw"]), regions, tuple(told["texts"]), things)
    return replace(picture, regions=tuple(region for region in regions if KINDS[kind].usable(region)))
