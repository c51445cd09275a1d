"""A model behind an endpoint gets the region as pixels, streams, stops, and fails in sentences."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.backends.loading import load_region_model
from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.region_model import RegionModel
from tests.osprey_core.backends.endpoint import StandIn, stand_in

PICTURE = np.full((120, 160, 3), (40, 90, 160), np.uint8)
MASK = np.zeros((120, 160), bool)
MASK[30:90, 40:120] = True


def model_at(served: StandIn, more: str = "", **environment: str) -> OpenAIModel:
    return OpenAIModel(OpenAIEndpoint.of(f"openai:{served.address}#qwen{more}"), environment)


def test_the_region_is_outlined_on_the_picture_and_called_by_its_number() -> None:
    with stand_in() as served:
        view = model_at(served, OPENAI_API_KEY="secret").open(PICTURE)
        stream = view.stream("What is <region1>?", [MASK], temperature=0.5, seed=3, max_new_tokens=9)
        assert "".join(stream) == "a red car"
        asked = served.asked[0]
        assert (asked["model"], asked["temperature"], asked["seed"], asked["max_tokens"]) == ("qwen", 0.5, 3, 9)
        assert served.headers[0]["Authorization"] == "Bearer secret"
        assert served.headers[0]["path"] == "/v1/chat/completions"
        assert served.texts() == ["user: What is marked in the picture is region 1.\nWhat is region 1?"]
        (sent,) = served.pictures()
        changed = np.abs(sent.astype(int) - PICTURE).max(2) > 40
        assert changed[28:33, 60:100].any(), "the outline runs along the region's upper edge"
        assert not changed[2:20, 2:20].any()
        assert not changed[80:86, 46:52].any(), "the region's own colour stays as it is"
        assert (stream.finish_reason, stream.new_tokens, stream.prompt_tokens) == ("eos", 7, 99)


def test_other_ways_to_show_a_region() -> None:
    with stand_in() as served:
        model_at(served, "?region=rgba").open(PICTURE).ask("What is this?", [MASK])
        (sent,) = served.pictures()
        assert sent.shape == (120, 160, 4)
        assert ((sent[..., 3] == 255) == MASK).all()
        model_at(served, "?region=cutout").open(PICTURE).ask("What is this?", [MASK])
        whole, part = served.pictures()
        assert whole.shape == (120, 160, 3)
        assert part.shape == (100, 120, 3)  # 60 x 80 with 20 pixels around it
        model_at(served).open(PICTURE).ask("What do you see?")
        assert served.texts()[0] == "user: What do you see?"


def test_a_conversation_sends_its_pictures_once() -> None:
    with stand_in() as served:
        view: RegionModel = model_at(served)
        history = [Turn("What is <region1>?", "A car.")]
        view.open(PICTURE).ask("Which colour?", [MASK, ~MASK], history, about=[2])
        assert served.texts() == [
            "user: What is marked in the picture are regions 1 to 2, by their numbers.\nWhat is region 1?",
            "assistant: A car.",
            "user: About region 2: Which colour?",
        ]
        assert len(served.pictures()) == 1


def test_regions_are_described_one_request_each() -> None:
    with stand_in() as served:
        answers = list(model_at(served).open(PICTURE).describe([MASK, ~MASK], "category"))
        assert answers == [(0, "a red car"), (1, "a red car")]
        assert QUESTIONS["category"].replace("<region1>", "region 1") in served.texts()[0]


def test_stopping_closes_the_connection() -> None:
    with stand_in(words=["word "] * 200, pause=0.05) as served:
        stream = model_at(served).open(PICTURE).stream("What is <region1>?", [MASK])
        pieces = []
        for piece in stream:
            pieces.append(piece)
            if len(pieces) == 3:
                stream.stop()
        assert len(pieces) == 3
        assert stream.finish_reason == "stopped"
        assert served.closed.wait(5)


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"status": 401, "error": {"message": "no"}}, "openai_model.key_refused", "OPENAI_API_KEY"),
        ({"status": 404, "error": {"message": "no such\nmodel"}}, "openai_model.refused", "no such model"),
        ({"status": 500, "error": "broken"}, "openai_model.refused", "broken"),
        ({"raw": "data: {not json}\n\n"}, "openai_model.no_answer", "127.0.0.1"),
        ({"raw": "data: [3]\n\n"}, "openai_model.no_answer", "127.0.0.1"),
    ],
)
def test_an_endpoint_that_refuses_is_told_in_a_sentence(given: dict, code: str, words: str) -> None:
    with stand_in(**given) as served, pytest.raises(InputError) as refusal:
        model_at(served).open(PICTURE).ask("What is <region1>?", [MASK])
    assert refusal.value.code == code
    assert words in str(refusal.value)


def test_nobody_at_the_address() -> None:
    with stand_in() as served:
        address = served.address
    model = OpenAIModel(OpenAIEndpoint(address, "m"), {})
    with pytest.raises(InputError) as refusal:
        model.open(PICTURE).ask("What is <region1>?", [MASK])
    assert refusal.value.code == "openai_model.no_answer"


def test_the_name_says_address_model_and_showing() -> None:
    assert OpenAIEndpoint.of("openai:https://a.example/v1/#x/y") == OpenAIEndpoint("https://a.example/v1", "x/y")
    assert OpenAIEndpoint.of("openai:http://localhost:8000/v1#m?region=rgba").showing == "rgba"
    assert load_region_model("openai:http://localhost:8000/v1#m").name == "m"


@pytest.mark.parametrize("name", ["openai:", "openai:ftp://a#m", "openai:http://a/v1", "openai:http://a/v1#m?region=x"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_region_model(name)
    assert refusal.value.code == "openai_model.name_invalid"


def test_what_cannot_be_asked_is_refused_before_anything_is_sent() -> None:
    with stand_in() as served:
        view = model_at(served).open(PICTURE)
        for question, mask in ((" ", MASK), ("What?", np.zeros((120, 160), bool)), ("What?", MASK[:50])):
            with pytest.raises(InputError):
                view.ask(question, [mask])
        with pytest.raises(InputError):
            view.describe([MASK], "loud")
        assert served.asked == []
