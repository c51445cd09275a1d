"""What is taken of a writer's reply, and for which reason the rest is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osprey_core.datagen.annotated import AnnotatedPicture, AnnotatedRegion
from osprey_core.datagen.writer_tasks import KINDS, WriterTask

BOX = [6, 4, 30, 20]
DOG = AnnotatedRegion(BOX, [], "dog", ("brown dog",))
MAN = AnnotatedRegion(BOX, [], "person", ("man in blue",))
EAR = AnnotatedRegion(BOX, [], "dog", part="ear", attributes={"colour": ("dark brown", "grey"), "material": ("wool",)})
MUG = AnnotatedRegion(BOX, [], "mug", attributes={"colour": ("white",)})
WHEEL = AnnotatedRegion(BOX, [], "car", part="wheel")

GOOD = "A dog sits there."
PAIR = ("What is <region1>?", "A dog.")
OTHER = ("Who is <region2>?", "A man.")


def task(kind: str, *regions: AnnotatedRegion, text: str = "") -> WriterTask:
    return WriterTask(kind, AnnotatedPicture("9", "9.jpg", (40, 60), regions, (text,) if text else ()))


def descriptions(*entries: tuple[Any, Any]) -> str:
    return json.dumps({"descriptions": [{"region": number, "text": text} for number, text in entries]})


def dialogue(*pairs: tuple[Any, Any]) -> str:
    return json.dumps({"dialogue": [{"question": question, "answer": answer} for question, answer in pairs]})


@pytest.mark.parametrize(
    ("reply", "kept", "reasons"),
    [
        (descriptions((1, GOOD), (2, "A man\n stands.")), {1: GOOD, 2: "A man stands."}, []),
        (f"```json\n{descriptions((1, GOOD), (2, GOOD))}\n```", {1: GOOD, 2: GOOD}, []),
        (f"<think>\nA dog {{…}}\n</think>\n\n{descriptions((1, GOOD), (2, GOOD))}", {1: GOOD, 2: GOOD}, []),
        (f"Here it is: {descriptions((1, GOOD))}", {}, ["not-json"]),
        (descriptions((1, GOOD))[:-4], {}, ["not-json"]),
        ("", {}, ["not-json"]),
        ("```json\n" + "\n" * 30_000, {}, ["not-json"]),
        ("[" * 100_000, {}, ["not-json"]),
        (json.dumps([{"region": 1, "text": GOOD}]), {}, ["wrong-shape"]),
        (json.dumps({"descriptions": [{"number": 1, "text": GOOD}]}), {}, ["wrong-shape"]),
        (json.dumps({"descriptions": []}), {}, ["empty-reply"]),
        (descriptions((1, GOOD)), {1: GOOD}, ["region-missing"]),
        (descriptions((1, GOOD), (2, GOOD), (3, GOOD)), {1: GOOD, 2: GOOD}, ["region-invented"]),
        (descriptions((1, GOOD), ("2", GOOD)), {1: GOOD}, ["region-invented", "region-missing"]),
        (descriptions((2, GOOD), (1, GOOD), (2, "Again.")), {1: GOOD, 2: GOOD}, ["region-repeated"]),
        (descriptions((1, " \n"), (2, GOOD)), {2: GOOD}, ["empty-text"]),
        (descriptions((1, None), (2, "…")), {}, ["empty-text", "empty-text"]),
        (descriptions((1, "The caption says that it is a dog."), (2, GOOD)), {2: GOOD}, ["source-mentioned"]),
        (descriptions((1, "Inside its bounding box a dog sits."), (2, GOOD)), {2: GOOD}, ["box-mentioned"]),
        (descriptions((1, "A dog in a box."), (2, GOOD)), {2: GOOD}, ["box-mentioned"]),
        (descriptions((1, "A dog at [0.1, 0.2, 0.3, 0.4]."), (2, GOOD)), {2: GOOD}, ["box-mentioned"]),
        (descriptions((1, "A dog that begins at 0.125."), (2, GOOD)), {2: GOOD}, ["box-mentioned"]),
        (descriptions((1, "This region shows a dog."), (2, GOOD)), {2: GOOD}, ["region-word"]),
        (descriptions((1, "A dog beside <region2>."), (2, GOOD)), {2: GOOD}, ["region-word"]),
        (descriptions((1, "Regions 1 and 2 are close."), (2, GOOD)), {2: GOOD}, ["region-word"]),
        (descriptions((True, GOOD), (2, GOOD)), {2: GOOD}, ["region-invented", "region-missing"]),
    ],
)
def test_descriptions(reply: str, kept: dict[int, str], reasons: list[str]) -> None:
    reading = task("description", DOG, MAN).read(reply)
    assert reading.descriptions == kept
    assert [fault.reason for fault in reading.faults] == reasons


def test_a_box_that_is_in_the_picture_may_be_mentioned_but_no_coordinates() -> None:
    boxed = task("description", DOG, text="A dog sits in a box.")
    assert boxed.read(descriptions((1, "A dog sits between two boxes."))).descriptions
    reading = boxed.read(descriptions((1, "A dog sits in a box at [0.100, 0.100].")))
    assert [fault.reason for fault in reading.faults] == ["box-mentioned"]


@pytest.mark.parametrize(
    ("kind", "reply", "kept", "reasons"),
    [
        ("conversation", dialogue(PAIR, OTHER), [PAIR, OTHER], []),
        ("conversation", dialogue(PAIR, OTHER, ("Why?", "It rains.")), [PAIR, OTHER, ("Why?", "It rains.")], []),
        ("conversation", dialogue(("What is Region 1?", "Region1 barks."), OTHER),
         [("What is <region1>?", "<region1> barks."), OTHER], []),
        ("conversation", dialogue(PAIR), [PAIR], ["region-missing"]),
        ("conversation", dialogue(PAIR, OTHER, ("Who is <region7>?", "A cat.")), [PAIR, OTHER], ["region-invented"]),
        ("conversation", dialogue(PAIR, OTHER, ("Who barks?", "<region0>.")), [PAIR, OTHER], ["region-invented"]),
        ("conversation", dialogue(PAIR, OTHER, ("How old is <region2>?", "That is not mentioned.")), [PAIR, OTHER],
         ["unanswered"]),
        ("conversation", dialogue(PAIR, OTHER, ("How do regions 1 and 2 differ?", "<region2> speaks.")), [PAIR, OTHER],
         ["region-unnamed"]),
        ("conversation", dialogue(PAIR, OTHER, ("Who is larger?", "It is region #2.")), [PAIR, OTHER],
         ["region-unnamed"]),
        ("conversation", dialogue(PAIR, OTHER, ("How many live in the region?", "3 do.")),
         [PAIR, OTHER, ("How many live in the region?", "3 do.")], []),
        ("conversation", dialogue(PAIR, ("Who is <region2>?", "")), [PAIR], ["empty-text"]),
        ("conversation", dialogue(PAIR, OTHER, ("what is <region1>?", "A pet.")), [PAIR, OTHER], ["question-repeated"]),
        ("conversation", dialogue(PAIR, OTHER, ("What do captions say of <region1>?", "A dog.")), [PAIR, OTHER],
         ["source-mentioned"]),
        ("conversation", descriptions((1, GOOD)), [], ["wrong-shape"]),
        ("short-form", dialogue(PAIR, OTHER), [PAIR, OTHER], []),
        ("short-form", dialogue(PAIR, OTHER, ("Is it raining?", "Yes")), [PAIR, OTHER], ["region-unnamed"]),
        ("short-form", dialogue(PAIR, ("Who is <region2>?", "A man who stands next to it")), [PAIR], ["answer-long"]),
    ],
)  # fmt: skip
def test_conversations(kind: str, reply: str, kept: list[tuple[str, str]], reasons: list[str]) -> None:
    reading = task(kind, DOG, MAN).read(reply)
    assert list(reading.exchanges) == kept
    assert [fault.reason for fault in reading.faults] == reasons


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("Which part of the dog is <region1>?", "Ear", None),
        ("What is <region1>?", "The dog's ear", None),
        ("What is <region1>?", "The ear of a dog", None),
        ("What is <region1>?", "Dog", "answer-unfounded"),
        ("What is <region1>?", "Left ear", "answer-unfounded"),
        ("What is <region1>?", "Tail", "answer-unfounded"),
        ("Is <region1> the ear of a dog?", "Dog ear", "answer-given"),
        ("What are <region1> and <region2>?", "Ear", "region-unnamed"),
        ("What is it?", "Ear", "region-unnamed"),
    ],
)
def test_categories_of_parts(question: str, answer: str, reason: str | None) -> None:
    reply = dialogue((question, answer), ("Which part of the car is <region2>?", "Wheel"))
    reading = task("part-categories", EAR, WHEEL).read(reply)
    reasons = [fault.reason for fault in reading.faults if fault.reason != "region-missing"]
    assert reasons == ([] if reason is None else [reason])
    assert len(reading.exchanges) == (2 if reason is None else 1)


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("Which colour is <region1>?", "Dark brown", None),
        ("Which colours has <region1>?", "Gray and dark brown", None),
        ("Which colours has <region1>?", "dark brown, grey", None),
        ("What is the ear in <region1> made of?", "Wool.", None),
        ("Which colour is <region1>?", "Brown", "answer-unfounded"),
        ("How does <region1> look?", "Dark brown and wool", "answer-unfounded"),
        ("Which colour is <region1>?", "It is grey", "answer-unfounded"),
        ("Is <region1> grey?", "Grey", "answer-given"),
        ("Which color is <region1>?", "Wool", "answer-unfounded"),
        ("What is <region1> made of?", "Grey", "answer-unfounded"),
        ("Which colour is <region2>?", "Grey", "answer-unfounded"),
    ],
)
def test_attributes_are_those_annotated(question: str, answer: str, reason: str | None) -> None:
    reply = dialogue((question, answer), ("Which colour does <region2> have?", "White"))
    reading = task("part-attributes", EAR, MUG).read(reply)
    reasons = [fault.reason for fault in reading.faults if fault.reason != "region-missing"]
    assert reasons == ([] if reason is None else [reason])


def test_a_region_is_asked_about_at_most_as_often_as_published() -> None:
    often = dialogue(
        ("Which colour is <region1>?", "Grey"),
        ("What is the stuff of <region1>?", "Wool"),
        ("What else is <region1>?", "Dark brown"),
    )
    reading = task("part-attributes", EAR).read(often)
    assert [fault.reason for fault in reading.faults] == ["region-repeated"]
    twice = dialogue(("What is <region1>?", "Ear"), ("What can be seen at <region1>?", "An ear"))
    assert [f.reason for f in task("part-categories", EAR).read(twice).faults] == ["region-repeated"]
    same = dialogue(("Which colour is <region1>?", "Grey"), ("What does <region1> look like?", "Grey"))
    assert [f.reason for f in task("part-attributes", EAR).read(same).faults] == ["question-repeated"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_example_obeys_the_rules(kind: str) -> None:
    """The reply that the writer is shown is one that would be taken whole."""
    parts = KINDS[kind].of_parts
    leg = AnnotatedRegion(BOX, [], "bench", (), "leg", {"colour": ("dark brown",), "material": ("wood",)})
    mug = AnnotatedRegion(BOX, [], "mug", (), "", {"colour": ("white", "blue"), "pattern": ("striped",)})
    regions = ([leg] if kind == "part-categories" else [leg, mug]) if parts else [DOG, MAN]
    shown = task(kind, *regions)
    reading = shown.read(shown.messages()[2]["content"])
    assert reading.faults == ()
    assert len(reading) >= len(regions)
