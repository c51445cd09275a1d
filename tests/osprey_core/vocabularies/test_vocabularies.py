"""The lists that ship are whole, and a person's own list is read or refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osprey_core.errors import InputError
from osprey_core.vocabularies import BUILT_IN, MAX_CLASSES, load_vocabulary, vocabulary_of


@pytest.mark.parametrize(
    ("name", "classes", "things"),
    [("coco", 133, 80), ("lvis", 1203, 1203), ("ade20k", 150, 100), ("cityscapes", 19, 8)],
)
def test_the_lists_have_the_published_numbers_of_classes(name: str, classes: int, things: int) -> None:
    vocabulary = load_vocabulary(name)
    assert len(vocabulary.classes) == len(set(vocabulary.names)) == classes
    assert sum(entry.is_thing for entry in vocabulary.classes) == things
    assert vocabulary.source
    assert vocabulary.title
    assert all(text == " ".join(text.split()) and "_" not in text for text in vocabulary.texts)


def test_known_classes_stand_at_their_published_places() -> None:
    """Places are ids: COCO's things come first, ADE20K and Cityscapes count as their papers do."""
    assert load_vocabulary("coco").names[:2] == ("person", "bicycle")
    assert load_vocabulary("coco").names[-1] == "rug-merged"
    assert load_vocabulary("ade20k").names[0] == "wall"
    assert load_vocabulary("ade20k").names[-1] == "flag"
    assert load_vocabulary("cityscapes").names[10:14] == ("sky", "person", "rider", "car")
    lvis = load_vocabulary("lvis")
    assert (lvis.names[0], lvis.names[-1]) == ("aerosol can", "zucchini")
    assert lvis.classes[0].texts == ("aerosol can", "spray can")


def test_texts_know_their_classes() -> None:
    vocabulary = load_vocabulary("cityscapes")
    for text, owner in zip(vocabulary.texts, vocabulary.owners, strict=True):
        assert text in vocabulary.classes[owner].texts


def test_own_lists_are_read_from_lines_and_json(tmp_path: Path) -> None:
    lines = tmp_path / "mine.txt"
    lines.write_text("# comment\n0:invalid_class_id\n1:dog, puppy ,dog\n\nspeech  bubble\n", encoding="utf-8")
    vocabulary = load_vocabulary(lines)
    assert vocabulary.name == "mine"
    assert [entry.texts for entry in vocabulary.classes] == [("dog", "puppy"), ("speech bubble",)]
    written = tmp_path / "mine.json"
    classes = [{"name": "dog", "texts": ["dog", "puppy"]}, {"name": "sky", "kind": "stuff"}]
    written.write_text(json.dumps({"classes": classes}), encoding="utf-8")
    read = load_vocabulary(written)
    assert [(entry.texts, entry.is_thing) for entry in read.classes] == [(("dog", "puppy"), True), (("sky",), False)]
    assert vocabulary_of(["a  cat", "dog"]).texts == ("a cat", "dog")


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("a.txt", "", "vocabulary.empty"),
        ("a.txt", "dog\ndog", "vocabulary.twice"),
        ("a.txt", "x" * 201, "vocabulary.text_long"),
        ("a.txt", "\n".join(map(str, range(MAX_CLASSES + 1))), "vocabulary.too_many"),
        ("a.json", "[]", "vocabulary.json_invalid"),
        ("a.json", "{", "vocabulary.json_invalid"),
        ("a.json", '{"classes": [{"name": 3}]}', "vocabulary.json_invalid"),
        ("a.json", '{"classes": [{"name": "a", "texts": []}]}', "vocabulary.json_invalid"),
        ("a.json", '{"classes": [{"name": "a", "kind": "x"}]}', "vocabulary.json_invalid"),
        ("a.json", '{"classes": []}', "vocabulary.empty"),
    ],
)
def test_a_broken_list_is_refused(tmp_path: Path, file: str, content: str, code: str) -> None:
    path = tmp_path / file
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        load_vocabulary(path)
    assert refusal.value.code == code


def test_an_unknown_name_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        load_vocabulary(tmp_path / "nowhere.txt")
    assert refusal.value.code == "vocabulary.unknown"
    assert all(name in str(refusal.value) for name in BUILT_IN)
    with pytest.raises(InputError):
        vocabulary_of([])
