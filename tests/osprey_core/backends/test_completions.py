"""Whole answers: what may pass is asked again with growing waits, what is refused is not."""

from __future__ import annotations

import pytest

from osprey_core.backends.completions import Retries, complete
from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from tests.osprey_core.backends.endpoint import StandIn, stand_in

SETTINGS = SamplingSettings(0.0, 1.0, 20, 0)
MESSAGES = [{"role": "user", "content": "What is a car?"}]


def ask(server: StandIn, waits: list[float], count: int = 3) -> str:
    model = OpenAIModel(OpenAIEndpoint(server.address, "writer"), {"OPENAI_API_KEY": "secret"})
    retries = Retries(count, 0.5, 1.5, waits.append)
    return complete(model, MESSAGES, SETTINGS, retries).text


def test_busy_broken_and_cut_answers_are_asked_again() -> None:
    waits: list[float] = []
    with stand_in(troubles=[429, 503, 0]) as server:
        assert ask(server, waits) == "a red car"
    assert waits == [0.5, 1.0, 1.5]  # twice as long each time, up to the longest
    assert [one["messages"] for one in server.asked] == [MESSAGES] * 4
    assert server.headers[-1]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("told", "waited"),
    [
        ("7", 7.0),
        ("0.1", 0.5),  # never less than our own wait
        ("99999", 600.0),
        ("nan", 0.5),
        ("soon", 0.5),
        ("Thu, 26 Nov 2009 20:00:00 GMT", 0.5),  # a time that has passed
        ("Thu, 26 Nov 2139 20:00:00 GMT", 600.0),
    ],
)
def test_an_endpoint_is_given_the_time_that_it_asks_for(told: str, waited: float) -> None:
    waits: list[float] = []
    with stand_in(troubles=[429], retry_after=told) as server:
        assert ask(server, waits) == "a red car"
    assert waits == [waited]


def test_tokens_are_asked_for_where_wanted() -> None:
    with stand_in() as server:
        model = OpenAIModel(OpenAIEndpoint(server.address, "writer"), {})
        complete(model, MESSAGES, SETTINGS)
        complete(model, MESSAGES, SETTINGS, with_usage=True)
    assert [one.get("stream_options") for one in server.asked] == [None, {"include_usage": True}]


def test_tokens_are_told() -> None:
    with stand_in() as server:
        model = OpenAIModel(OpenAIEndpoint(server.address, "writer"), {})
        assert complete(model, MESSAGES, SETTINGS) == ("a red car", 99, 7)


@pytest.mark.parametrize(
    ("troubles", "count", "asked", "sentence"),
    [
        ([400], 3, 1, "status 400"),
        ([401], 3, 1, "does not accept the key"),
        ([503, 503, 503], 2, 3, "status 503"),
        ([0, 0], 1, 2, "cut off"),
    ],
)
def test_refusals_and_lasting_trouble_are_told(troubles: list[int], count: int, asked: int, sentence: str) -> None:
    with stand_in(troubles=troubles) as server, pytest.raises(InputError, match=sentence):
        ask(server, [], count)
    assert len(server.asked) == asked
