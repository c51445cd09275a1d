"""What one caller's load makes another wait: turns by person at the model and in every queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from demo.api import fair_queue
from demo.options import Options
from tests import fakes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path_factory.mktemp("examples")) as address:
        yield address


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    fakes.picture().save(tmp_path / "mine.png")
    return tmp_path / "mine.png"


def person(address: str, picture: Path) -> Client:
    client = Client(address, verbose=False)
    client.predict(handle_file(str(picture)), api_name="/open_picture")
    client.predict(80, 100, "new", api_name="/segment_point")
    return client


def hurry(model: fakes.FakeModel) -> None:
    """Let the answers that are under way go on without pauses."""
    for stream in model.streams:
        stream.pause = 0.0


def words_told(model: fakes.FakeModel) -> int:
    """Words of all long answers so far that have not ended."""
    return sum(stream.new_tokens for stream in model.streams if stream.new_tokens < 400 and not stream.finish_reason)


def test_a_short_question_goes_before_the_rest_of_a_long_answer(
    address: str, model: fakes.FakeModel, picture: Path
) -> None:
    """The long answer takes 400 words of 20 ms; it lets the short one go first once its slice is over."""
    first, second = person(address, picture), person(address, picture)
    model.pause = 0.02
    try:
        long = first.submit("A long story", 0, 1, 1024, None, api_name="/ask")
        time.sleep(1)
        answer = second.predict("What is @1?", 0, 1, 64, None, api_name="/ask")
        assert "area=8000" in answer
        assert not long.done()
        assert words_told(model) < 320
        hurry(model)
        assert len(long.result(240).split()) == 400
    finally:
        model.pause = 0.0


def test_nor_do_the_long_answers_of_many(address: str, model: fakes.FakeModel, picture: Path) -> None:
    people = [person(address, picture) for _ in range(5)]
    model.pause = 0.012
    try:
        long = [each.submit("A long story", 0, 1, 1024, None, api_name="/ask") for each in people[1:]]
        time.sleep(1)
        assert "area=8000" in people[0].predict("What is @1?", 0, 1, 64, None, api_name="/ask")
        assert not any(job.done() for job in long)
        assert words_told(model) < 800  # a slice of each, of 1,600 words in all
        hurry(model)
        assert [len(job.result(240).split()) for job in long] == [400] * 4
    finally:
        model.pause = 0.0


def test_beyond_what_one_person_may_have_waiting_a_call_is_refused(
    address: str, model: fakes.FakeModel, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_queue, "MOST_OF_PERSON", 3)
    other, own = person(address, picture), {"session_hash": "one-and-the-same"}
    stroke = [[x, y] for y in range(0, 260, 2) for x in range(0, 340, 10)]
    body = {"data": [stroke, 8, "new", False, ""], **own}
    with httpx.Client(timeout=60) as http, ThreadPoolExecutor(20) as pool:
        post = lambda _: http.post(f"{address}gradio_api/call/segment_brush", json=body)  # noqa: E731
        replies = list(pool.map(post, range(60)))
    refused = [reply for reply in replies if reply.status_code == 503]
    assert refused
    assert {reply.json()["detail"] for reply in refused} == {
        "You have 3 calls waiting already; wait for their results first."
    }
    assert {reply.status_code for reply in replies} == {200, 503}
    assert other.predict([[10, 10], [20, 20]], 3, "new", False, api_name="/segment_brush")["number"] == 2


def test_a_full_queue_is_told_to_everybody(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The length that `--queue-length` sets counts the calls of all people; none of this person's waits."""
    lengths: set[int] = set()

    def no_room(queue: fair_queue.FairQueue) -> int:
        lengths.add(vars(queue)["_most_waiting"])
        return 0

    monkeypatch.setattr(fair_queue.FairQueue, "_most_waiting", property(no_room), raising=False)
    call = f"{address}gradio_api/call/segment_point", {"data": [80, 100, "new", ""]}
    for language, sentence in (("en", "The queue is full; try again in a moment."), ("ko", "대기열이 가득")):
        refused = httpx.post(call[0], json=call[1], headers={"Accept-Language": language})
        assert refused.status_code == 503
        assert refused.json()["detail"].startswith(sentence)
    assert lengths == {Options().queue_length}
    monkeypatch.undo()
    assert httpx.post(call[0], json=call[1]).status_code == 200
