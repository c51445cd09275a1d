"""Which questions ask what the whole picture shows."""

from __future__ import annotations

import pytest

from osprey_core.language.whole_picture import asks_about_whole_picture
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
