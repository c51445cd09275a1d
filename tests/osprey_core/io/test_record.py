"""Records: JSON holds the whole conversation, and whatever else is read as one is refused in one sentence."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io import record_json
from osprey_core.io.record import (
    AnswerMeasures,
    DescribedSegment,
    Record,
    RecordedPicture,
    RecordedRegion,
    RecordedTurn,
)
from osprey_core.language.prompts import Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.colors import color_of
from osprey_core.regions.region import NumberedMask
from osprey_core.regions.rle import CodedMask


def png(height: int, width: int, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def block(y0: int, x0: int, y1: int, x1: int, size_hw: tuple[int, int] = (12, 16)) -> CodedMask:
    mask = np.zeros(size_hw, bool)
    mask[y0:y1, x0:x1] = True
    return CodedMask.of(mask)


def example() -> Record:
    """Region 3 was refined after it was asked about, region 7 deleted."""
    before, now, gone = block(1, 1, 5, 5), block(1, 1, 8, 9), block(6, 10, 12, 16)
    return Record(
        RecordedPicture.read(png(12, 16), "a/b\\meadow.png"),
        regions=(RecordedRegion(3, now, "tree"), RecordedRegion(4, gone)),
        spoken=(RecordedRegion(3, before, "tree"), RecordedRegion(7, gone, "bird | *x*")),
        turns=(
            RecordedTurn("What is this?", "A tree.", 1, (1,), "What is this?"),
            RecordedTurn(
                "How does <region2> relate to <region1>?",
                "region2 sits on region1.",
                2,
                (),
                "How does @7 relate to @3?",
                "length",
                "other",
                SamplingSettings(0.7, 0.9, 64, 5),
                AnswerMeasures(100, 9, 0.5, 20.5, "length", 1),
                "like",
            ),
            RecordedTurn("And <region2>?", "", 2, (), "And @7?", "stopped"),
        ),
        model="nano",
        segmenter="classic",
    )


SIZE_HW = (5, 7)
masks = arrays(np.bool_, SIZE_HW).filter(lambda mask: mask.any()).map(CodedMask.of)
texts = st.text(max_size=20)


@st.composite
def records(draw: st.DrawFn) -> Record:
    numbers = draw(st.lists(st.integers(1, 99), max_size=4, unique=True))
    regions = tuple(RecordedRegion(number, draw(masks), draw(texts)) for number in numbers)
    spoken = tuple(
        RecordedRegion(draw(st.integers(1, 99)), draw(masks), draw(texts)) for _ in range(draw(st.integers(0, 3)))
    )
    turns = []
    for _ in range(draw(st.integers(0, 3))):
        known = draw(st.none() | st.integers(0, len(spoken)))
        places = st.integers(1, len(spoken) if known is None else known)
        some = draw(st.lists(places, max_size=3)) if known != 0 and spoken else []
        question = draw(texts).replace("<", "") + "".join(f"<region{place}>" for place in some)
        about = draw(st.none() | st.just(tuple(some)))
        answer_settings = draw(
            st.none()
            | st.builds(
                SamplingSettings, st.just(0.0) | st.floats(0.001, 2), st.floats(0.1, 1), st.integers(1, 99), st.none()
            )
        )
        state: Any = draw(st.sampled_from(["complete", "length", "stopped"]))
        turns.append(RecordedTurn(question, draw(texts), known, about, draw(texts), state, settings=answer_settings))
    scores = st.none() | st.floats(0, 1)
    segments = tuple(DescribedSegment(draw(masks), draw(texts), draw(scores)) for _ in range(draw(st.integers(0, 2))))
    return Record(PICTURE, regions, spoken, tuple(turns), draw(texts), draw(texts), segments)


PICTURE = RecordedPicture.read(png(*SIZE_HW), "small.png")


@given(records())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_json_gives_back_the_record_with_the_picture_in_it_or_beside_it(given_record: Record) -> None:
    embedded = record_json.to_json(given_record)
    assert record_json.from_json(embedded) == given_record
    assert record_json.from_json(embedded.encode()) == given_record
    beside = record_json.to_json(given_record, "picture.png")
    assert record_json.picture_file_of(beside) == "picture.png"
    assert record_json.from_json(beside, PICTURE.data) == given_record
    assert record_json.to_json(record_json.from_json(embedded)) == embedded


def test_a_record_tells_the_model_what_it_was_told() -> None:
    made = example()
    assert [mask.sum() for mask in made.model_masks()] == [16, 36]
    assert made.history() == [
        Turn("What is this?", "A tree.", 1, (1,)),
        Turn("How does <region2> relate to <region1>?", "region2 sits on region1.", 2, ()),
    ]
    assert [[r.number for r in made.asked(turn)] for turn in made.turns] == [[3], [7, 3], [7]]
    assert made.picture.name == "meadow.png"


def test_a_question_is_asked_again_with_the_regions_and_turns_of_its_time() -> None:
    asked = example().request(0)
    assert (asked["question"], asked["history"], len(asked["regions"])) == ("What is this?", [], 1)
    asked = example().request(1)
    assert [turn.answer for turn in asked["history"]] == ["A tree."]
    assert len(asked["regions"]) == 2
    assert (asked["temperature"], asked["top_p"], asked["max_new_tokens"], asked["seed"]) == (0.7, 0.9, 64, 5)


def test_settings_that_only_earlier_versions_allowed_do_not_keep_a_record_from_being_read() -> None:
    read = record_json.from_json(changed(["turns", 1, "settings", "temperature"], 5.0))
    assert read.turns[1].settings is None
    assert read.turns[1].answer == example().turns[1].answer


def test_regions_come_back_with_number_name_colour_and_every_pixel() -> None:
    region = NumberedMask(9, np.eye(12, 16, dtype=bool), "leaf")
    made = Record(example().picture, (RecordedRegion.of(region),))
    back = record_json.from_json(record_json.to_json(made)).regions[0].region()
    assert back == region
    assert back.color == region.color
    listed = json.loads(record_json.to_json(made))["regions"][0]
    assert (listed["color"], listed["area"], listed["box_xyxy"]) == (color_of(9), 12, [0, 0, 12, 12])


def test_names_lose_what_cannot_be_shown_and_text_that_is_none_is_replaced() -> None:
    assert RecordedRegion(1, block(0, 0, 1, 1), " a\nb\x00 ").name == "a b"
    assert RecordedPicture(b"", "../..", 1, 1).name == ".."
    assert RecordedRegion(1, block(0, 0, 1, 1), "x" * 199 + " y").name == "x" * 199
    assert RecordedPicture(b"", "x/\x07", 1, 1).name == "picture"
    made = dataclasses.replace(example(), turns=(RecordedTurn("a \ud83d b", "", 0, ()),))
    assert record_json.from_json(record_json.to_json(made)).turns[0].question == "a ? b"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"regions": (RecordedRegion(1, block(0, 0, 1, 1)),) * 2}, "same number"),
        ({"regions": (RecordedRegion(1, block(0, 0, 1, 1, (3, 4))),)}, "4 x 3 pixels, but the picture is 16 x 12"),
        ({"spoken": ()}, "Question 1 of the conversation is about a region that the record lacks"),
        ({"turns": (RecordedTurn("<region3>", ""),)}, "lacks"),
        ({"turns": (RecordedTurn("<region2>", "", 1),)}, "lacks"),
        ({"turns": (RecordedTurn("?", "", 1, (0,)),)}, "lacks"),
        ({"turns": (RecordedTurn("?", "", 3),)}, "lacks"),
        ({"turns": (RecordedTurn("?", "", 0, ()),) * 2001}, "at most 1000 regions and 2000 questions"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        dataclasses.replace(example(), **change)


def test_values_that_no_file_could_hold_are_refused_at_once() -> None:
    with pytest.raises(InputError, match="at most 100000 characters"):
        RecordedTurn("a" * 100_001, "")
    with pytest.raises(InputError, match="finite"):
        AnswerMeasures(tokens_per_second=float("inf"))


def changed(path: list, value: object) -> str:
    values = json.loads(record_json.to_json(example()))
    spot = values
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = value
    return json.dumps(values)


DELETE = {"size": [12, 16], "counts": [192]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no JSON"),
        ("[]", "no object"),
        ("{}", "no conversation that was exported here"),
        ("[" * 100_000, "no JSON"),
        ("[" * 2_000_001, "too many parts"),
        ('{"format": ' + "9" * 5000 + "}", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (changed(["format"], "coco"), "no conversation"),
        (changed(["picture"], None), "the record has no picture"),
        (changed(["picture", "width"], 17), "about a picture of 17 x 12 pixels, but the given one is 16 x 12"),
        (changed(["picture", "width"], -1), "the width of picture is no number"),
        (changed(["picture", "data"], "%%%"), "the picture cannot be decoded"),
        (changed(["picture", "data"], "aaaa"), "its picture is not the one"),
        (changed(["picture", "data"], 7), "comes without its picture; give “meadow.png”"),
        (changed(["regions"], {}), "the record has no regions"),
        (changed(["regions"], [1]), "region 1 is no object"),
        (changed(["regions"], [{}] * 1001), "1001 regions"),
        (changed(["regions", 0, "number"], 0), "the number of region 1"),
        (changed(["regions", 0, "number"], True), "the number of region 1"),
        (changed(["regions", 0, "name"], 5), "the name of region 1"),
        (changed(["regions", 0, "rle"], "x"), "needs"),
        (changed(["regions", 0, "rle"], DELETE), "mask is empty"),
        (changed(["regions", 0, "rle"], {"size": [12, 16], "counts": [1]}), "do not fill"),
        (changed(["regions", 0, "rle"], {"size": [10**5, 10**5], "counts": [0, 10**10]}), "mask is 100000 x 100000"),
        (changed(["regions", 0, "rle"], {"size": [1e999, 2], "counts": [0]}), "needs"),
        (changed(["regions", 1, "number"], 3), "same number"),
        (changed(["turns"], [{}] * 2001), "2001 questions"),
        (changed(["turns", 0], "hi"), "question 1 is no object"),
        (changed(["turns", 0, "question"], 1), "the question of question 1"),
        (changed(["turns", 0, "answer"], "x" * 100_001), "too long"),
        (changed(["turns", 0, "state"], "odd"), "unknown state"),
        (changed(["turns", 0, "state"], ["complete"]), "unknown state"),
        (changed(["turns", 0, "rating"], {}), "unknown state or rating"),
        (changed(["turns", 0, "about"], "1"), "about something unknown"),
        (changed(["turns", 0, "about"], [9]), "lacks"),
        (changed(["turns", 0, "known_regions"], -1), "known_regions of question 1"),
        (changed(["turns", 1, "settings"], 1), "unreadable settings"),
        (changed(["turns", 1, "settings", "temperature"], 10**400), "temperature that is no number"),
        (changed(["turns", 1, "measures", "new_tokens"], 0.5), "question 2 is no number"),
        (changed(["turns", 1, "measures", "tokens_per_second"], float("nan")), "tokens_per_second that is no number"),
    ],
)
def test_what_is_no_record_is_refused_with_the_reason(text: str | bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        record_json.from_json(text)
    assert "\n" not in str(caught.value)


def test_json_alone_needs_its_own_picture() -> None:
    text = record_json.to_json(example(), "picture.png")
    with pytest.raises(InputError, match=r"give “meadow.png” \(16 x 12 pixels\) along with it"):
        record_json.from_json(text)
    with pytest.raises(InputError, match="16 x 12 pixels, but the given one is 5 x 4"):
        record_json.from_json(text, png(4, 5))
    with pytest.raises(InputError, match="not a picture"):
        record_json.from_json(text, b"nothing")
    assert record_json.from_json(text, png(12, 16, seed=3)).regions == example().regions


def test_oddly_coded_masks_become_the_usual_coding() -> None:
    odd = {"size": [12, 16], "counts": [0, 2, 0, 3, 5, 0, 0, 0, 182]}
    back = record_json.from_json(changed(["regions", 0, "rle"], odd)).regions[0].mask
    assert back == CodedMask.of(back.mask())
    assert back.area == 5
