"""Which questions ask what the whole picture shows, how many things of a name, and whether there is one."""

from __future__ import annotations

import pytest

from osprey_core.language.whole_picture import AskedThing, asked_thing, asks_about_whole_picture
from osprey_core.training.dialogues.phrasings import WORDINGS


@pytest.mark.parametrize("question", WORDINGS["picture"].templates)
@pytest.mark.parametrize("has_regions", [False, True])
def test_wordings_that_models_are_taught_ask_so(question: str, has_regions: bool) -> None:
    assert asks_about_whole_picture(question, has_regions)


@pytest.mark.parametrize(
    "question",
    ["What is in the photo?", "Please describe this image in detail.", "Could you please tell me about this scene?",
     "what’s in this picture", "About <region2>: What is in the picture?",
     "What objects can you see in the photograph?", "Describe the image briefly, please."],
)  # fmt: skip
def test_other_wordings_ask_so_too(question: str) -> None:
    assert asks_about_whole_picture(question, True)


@pytest.mark.parametrize("question", ["What is this?", "What's that?", "Describe this.", "What do you see?"])
def test_what_this_is_means_a_region_where_there_is_one(question: str) -> None:
    assert asks_about_whole_picture(question, False)
    assert not asks_about_whole_picture(question, True)


@pytest.mark.parametrize(
    "kind",
    ["count", "count_things", "presence", "named_color", "named_position", "background", "relation", "category"],
)  # fmt: skip
def test_other_questions_do_not(kind: str) -> None:
    asked = [text.replace("{r}", "<region1>").replace("{x}", "dogs") for text in WORDINGS[kind].templates]
    assert not [text for text in asked if asks_about_whole_picture(text, False)]


@pytest.mark.parametrize(
    "question",
    ["What is in this picture that is red?", "Describe the picture in the style of a poem", "What is in <region1>?",
     "Who painted this picture?", "What is the man in the picture doing?", "describe the dog", "", "?"],
)  # fmt: skip
def test_questions_with_more_to_them_do_not(question: str) -> None:
    assert not asks_about_whole_picture(question, False)


@pytest.mark.parametrize(
    ("noun", "several"),
    [("dog", "dogs"), ("paint palette", "paint palettes"), ("pair of socks", "pairs of socks"), ("mouse", "mice"),
     ("cup with straw", "cups with straw"), ("person", "people")],
)  # fmt: skip
def test_wordings_that_models_are_taught_ask_for_a_number_or_whether_there_is_one(noun: str, several: str) -> None:
    counts = {asked_thing(text.replace("{x}", several)) for text in WORDINGS["count"].templates}
    assert counts == {AskedThing(noun, wants_number=True)}
    presences = {asked_thing(text.replace("{x}", f"a {noun}")) for text in WORDINGS["presence"].templates}
    assert presences == {AskedThing(noun, wants_number=False)}
    assert {asked_thing(text) for text in WORDINGS["count_things"].templates} == {AskedThing("", wants_number=True)}


@pytest.mark.parametrize(
    ("question", "noun"),
    [("Are there people in this photo?", "person"), ("Please, how many red cars can you see here", "red car"),
     ("What's the number of dogs?", "dog"), ("Is there text in the image?", "text"),
     ("Does this picture contain an umbrella?", "umbrella"), ("Can you see any cats here?", "cat"),
     ("About <region2>: how many dogs are there in the picture?", "dog")],
)  # fmt: skip
def test_other_wordings_ask_for_a_thing_too(question: str, noun: str) -> None:
    asked = asked_thing(question)
    assert asked is not None
    assert asked.noun == noun


@pytest.mark.parametrize(
    "kind",
    ["picture", "named_color", "named_position", "background", "relation", "category", "is_category", "is_color"],
)
def test_other_questions_ask_for_no_thing(kind: str) -> None:
    asked = [text.replace("{r}", "<region1>").replace("{x}", "a dog") for text in WORDINGS[kind].templates]
    assert not [text for text in asked if asked_thing(text)]


@pytest.mark.parametrize(
    "question",
    ["How many dogs are brown?", "How many legs does the dog have?", "How many are there?", "How many times?",
     "Is there a dog on the left?", "Is there anything red?", "Count the dogs and cats", "Is it a dog?",
     "How many more dogs than cats are there?", "How many dogs are in <region1>?", "Are there any objects?", "",
     "Are there two circles?",
     "How many years old is he?", "Count to ten", "Is there only a dog?", "Is there a dog wearing a hat?",
     "How many dogs have a collar?", "Is there a lot of snow?", "Is there a problem?", "Are there many people?"],
)  # fmt: skip
def test_questions_with_more_to_them_ask_for_no_thing(question: str) -> None:
    assert asked_thing(question) is None
