"""What a writer model is shown, and the records that its replies become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osprey_core.datagen.annotated import AnnotatedPicture, AnnotatedRegion
from osprey_core.datagen.reply_checks import Fault, Reading
from osprey_core.datagen.writer_tasks import KINDS, WriterTask, tasks_of
from osprey_core.training.records.record_files import BRIEF, load_records

OUTLINE = [[6, 4, 36, 4, 36, 24, 6, 24]]
DOG = AnnotatedRegion([6, 4, 30, 20], OUTLINE, "dog", ("brown dog", "the dog"))
MAN = AnnotatedRegion([40, 8, 15, 28], OUTLINE, "person", ("man in blue",))
EAR = AnnotatedRegion([6, 4, 9, 9], OUTLINE, "dog", part="ear", attributes={"colour": ("black", "white")})
LEG = AnnotatedRegion([6, 4, 9, 9], OUTLINE, "bench", part="leg")
PICTURE = AnnotatedPicture(
    "9", "9.jpg", (40, 60), (DOG, MAN, EAR, LEG), ("A dog and a man.",), (("dog", (6, 4, 30, 20)),)
)
ALONE = AnnotatedPicture("10", "10.jpg", (40, 60), (DOG,))


def test_a_description_is_made_from_texts_things_and_phrases() -> None:
    task = WriterTask(
        "description", AnnotatedPicture("9", "9.jpg", (40, 60), (DOG, MAN), PICTURE.texts, PICTURE.things)
    )
    assert task.messages()[-1] == {
        "role": "user",
        "content": (
            "The whole picture:\nA dog and a man.\n\n"
            "Things in it:\ndog: [0.100, 0.100, 0.600, 0.600]\n\n"
            "<region1> (dog: [0.100, 0.100, 0.600, 0.600]):\n- brown dog\n- the dog\n\n"
            "<region2> (person: [0.667, 0.200, 0.917, 0.900]):\n- man in blue"
        ),
    }
    assert [message["role"] for message in task.messages()] == ["system", "user", "assistant", "user"]
    # Conversations are made without the list of all things.
    assert "Things in it" not in WriterTask("conversation", task.picture).messages()[-1]["content"]


def test_parts_are_shown_with_their_attributes_only_where_these_are_asked_for() -> None:
    def shown(kind: str) -> str:
        return WriterTask(kind, AnnotatedPicture("9", "9.jpg", (40, 60), (EAR,))).shown().text

    assert shown("part-categories") == "<region1>: thing: dog; part: ear"
    assert shown("part-attributes") == "<region1>: thing: dog; part: ear; colour: black and white"


def test_regions_without_anything_to_say_are_left_out_and_many_make_several_tasks() -> None:
    def regions(kind: str, count: int) -> list[tuple[str, list[str]]]:
        tasks = tasks_of(kind, [PICTURE, ALONE], count)
        return [(task.picture.key, [region.full_name for region in task.picture.regions]) for task in tasks]

    assert regions("part-categories", 8) == [("9", ["dog ear", "bench leg"])]
    assert regions("part-attributes", 8) == [("9", ["dog ear"])]
    assert regions("conversation", 3) == [("9", ["dog", "person", "dog ear"]), ("9_2", ["bench leg"]), ("10", ["dog"])]


def test_regions_that_training_cannot_draw_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    outlines = [OUTLINE, OUTLINE[0], {"size": [40, 60], "counts": [0, 2400]}, {"size": [60, 40]}, [[1, 2, 3, 4]], 7, []]
    regions = tuple(AnnotatedRegion(DOG.bbox, outline, "dog") for outline in outlines)
    (task,) = tasks_of("conversation", [AnnotatedPicture("9", "9.jpg", (40, 60), regions)], 8)
    assert [region.segmentation for region in task.picture.regions] == outlines[:3]
    assert "4 regions have no outline" in caplog.text


def test_a_repair_tells_each_fault_once() -> None:
    task = WriterTask("conversation", ALONE)
    faults = [Fault("a", "It is no JSON."), Fault("a", "It is no JSON."), Fault("b", "It is empty.")]
    *before, reply, asked = task.repair("oops", faults)
    assert before == task.messages()
    assert reply == {"role": "assistant", "content": "oops"}
    assert asked["content"].count("- It is no JSON.\n- It is empty.\n") == 1


def test_records_hold_only_the_regions_that_are_spoken_of() -> None:
    task = WriterTask("conversation", PICTURE)
    record = task.record(Reading(exchanges=(("Who is <region2>?", "A man by <region4>."), ("Why?", "It rains."))))
    assert record is not None
    assert [entry["bbox"] for entry in record["annotation"]] == [MAN.bbox, LEG.bbox]
    assert record["conversations"] == [
        {"from": "human", "value": "Who is <region1>?"},
        {"from": "gpt", "value": "A man by <region2>."},
        {"from": "human", "value": "Why?"},
        {"from": "gpt", "value": "It rains."},
    ]
    described = task.record(Reading(descriptions={2: "A man.", 3: "An ear: black."}))
    assert described is not None
    assert described["description"] == ["<region1>: A man.", "<region2>: An ear: black."]
    assert {key: described[key] for key in ("id", "file_name", "height", "width")} == {
        "id": "9",
        "file_name": "9.jpg",
        "height": 40,
        "width": 60,
    }
    assert [entry["bbox"] for entry in described["annotation"]] == [MAN.bbox, EAR.bbox]
    assert task.record(Reading(exchanges=(("Why?", "It rains."),))) is None
    assert task.record(Reading()) is None


@pytest.mark.parametrize("kind", KINDS)
def test_training_reads_the_usual_file_of_each_kind(kind: str, tmp_path: Path) -> None:
    task = WriterTask(kind, PICTURE)
    reading = (
        Reading(descriptions={1: "A dog."})
        if kind == "description"
        else Reading(exchanges=(("What is <region1>?", "A dog"),))
    )
    path = tmp_path / KINDS[kind].file
    path.write_text(json.dumps([task.record(reading)]))
    (record,) = load_records(path)
    (turn,) = record.turns
    assert turn.answer == ("A dog." if kind == "description" else "A dog")
    assert turn.question.endswith(BRIEF) == (kind not in ("description", "conversation"))
    # The region is introduced by the first question, as published, but for descriptions, which ask about it itself.
    assert ("<region1>" in turn.question) == (kind == "description")
    assert record.masks[0].sum() == 30 * 20
