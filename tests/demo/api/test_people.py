"""Ten people ask the shipped model at once through the page's queue: the right answers, to the right person."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file

from benchmarks.baseline import ask as ask_uncached
from osprey_core import Osprey
from osprey_core.cache.prefix_cache import cache_of
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import Turn
from osprey_core.regions.rle import decode_rle
from osprey_core.runtime import hub
from tests import fakes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
    ),
]

PICTURES = sorted((Path(__file__).parents[3] / "examples").glob("*.png"))[:3]
QUESTIONS = ("What is {}?", "Describe {} in detail.", "What colour is {}?")


@pytest.fixture(scope="module")
def nano() -> Osprey:
    return Osprey.from_pretrained("nano", "cpu", "float32")


@pytest.fixture(scope="module")
def address(nano: Osprey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fakes.served(nano, fakes.FakeSegmenter(), tmp_path_factory.mktemp("examples")) as address:
        yield address


def seated(address: str, person: int) -> tuple[Client, np.ndarray, np.ndarray]:
    """A person with one of the pictures and a stroke of their own in it: the client, the picture and the mask."""
    client, path = Client(address, verbose=False, httpx_kwargs={"timeout": 300}), PICTURES[person % len(PICTURES)]
    client.predict(handle_file(str(path)), api_name="/open_picture")
    y = 60 + 50 * person
    stroke = [[100 + 40 * person, y], [300 + 40 * person, y]]
    region = client.predict(stroke, 30, "new", False, api_name="/segment_brush")
    return client, np.asarray(read_picture(path)), decode_rle(region["rle"])


def test_ten_people_get_their_own_answers(address: str, nano: Osprey) -> None:
    def talk(person: int) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
        client, image, mask = seated(address, person)
        said = []
        for number in range(2):
            question = QUESTIONS[(person + number) % len(QUESTIONS)]
            said.append((question, client.predict(question.format("@1"), 0, 1, 12, None, api_name="/ask")))
        return image, mask, said

    with ThreadPoolExecutor(10) as pool:
        talks = list(pool.map(talk, range(10)))
    for image, mask, said in talks:
        history: list[Turn] = []
        for question, answer in said:
            asked = question.format("<region1>")
            assert answer == ask_uncached(nano, image, asked, [mask], history, max_new_tokens=12)
            history.append(Turn(asked, answer, 1))
    assert len({answer for _, _, said in talks for _, answer in said}) > 5


def test_a_stop_frees_the_model_and_what_the_answer_was_written_with(
    address: str, nano: Osprey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next in the queue is answered, though the answer before would have gone on for minutes."""
    caches: list[weakref.ref] = []

    def noted(*arguments: object) -> object:
        cache = cache_of(*arguments)  # type: ignore[arg-type]
        caches.append(weakref.ref(cache))
        return cache

    monkeypatch.setattr("osprey_core.view.cache_of", noted)
    first, second = seated(address, 0), seated(address, 1)
    slow = nano.network.llm.lm_head.register_forward_pre_hook(lambda *_: time.sleep(1))
    try:
        stopped = first[0].submit("Describe @1 in detail.", 0, 1, 200, None, api_name="/ask")
        waiting = second[0].submit("What is @1?", 0, 1, 4, None, api_name="/ask")
        while not caches:
            time.sleep(0.05)
        first[0].predict(api_name="/stop")
        stopped.result(200)
        answer = waiting.result(120)
    finally:
        slow.remove()
    _, image, mask = second
    assert answer == ask_uncached(nano, image, "What is <region1>?", [mask], max_new_tokens=4)
    deadline = time.monotonic() + 60
    while any(ref() is not None for ref in caches) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [ref for ref in caches if ref() is not None]
