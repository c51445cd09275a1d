"""The Ray Serve application on this machine: real replicas, OpenAI's own client, and one replica killed mid-answer.

One start serves all tests. Loopback only, no dashboard, no reports, 100 MB of store; all of it ends with the module.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from osprey_core.engine import Osprey
from osprey_core.serving.ray_messages import ReplicaState
from osprey_core.serving.ray_options import ClusterOptions, replica_counts
from tests import fakes
from tests.demo.api.threads import in_own_thread
from tests.quiet_ray import quiet_ray
from tests.tiny import tiny_osprey

openai = pytest.importorskip("openai")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (requirements-ray.txt)"),
]

READY_SECONDS = 240
LONG = 1200
"""Tokens of an answer that lasts long enough to be cut off."""
QUESTION = "What is <region1>?"
MANY = 65
"""So many pictures never belong to one of two replicas."""


@dataclass
class Cluster:
    address: str
    model: Osprey
    """The same model in a piece."""

    def client(self) -> Any:
        return openai.OpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0, timeout=120)

    def ask(self, picture: np.ndarray, **settings: Any) -> Any:
        """Ask about the red shape's place; settings: as for the client's `create`."""
        layers = np.dstack([picture, fakes.shape("red").astype(np.uint8) * 255])
        buffer = io.BytesIO()
        Image.fromarray(layers, "RGBA").save(buffer, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        text = settings.pop("question", QUESTION)
        parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]
        asked = {"model": "osprey", "messages": [{"role": "user", "content": parts}], "temperature": 0}
        return self.client().chat.completions.create(**asked, **settings)

    def expected(self, picture: np.ndarray, tokens: int) -> str:
        return self.model.open(picture).ask(QUESTION, [fakes.shape("red")], max_new_tokens=tokens)

    def language(self, picture: np.ndarray) -> ReplicaState:
        """The language replica that answers about a picture; another one if it has just been lost."""
        from ray import serve

        from osprey_core.serving.ray_model import _retried, _told

        handle = serve.get_deployment_handle("Language", "osprey").options(
            session_id=self.model.open(picture).digest, multiplexed_model_id=f"{self.model.name}#0"
        )
        state: ReplicaState = _retried(lambda: _told(handle.state.remote()))
        return state

    def spread(self) -> dict[int, ReplicaState]:
        """Numbers of six pictures and where each is answered; of more, until both language replicas have one.

        Replicas draw their places on the ring when they start: any few pictures may all belong to one of them.
        """
        found: dict[int, ReplicaState] = {}
        for number in range(1, MANY):
            found[number] = self.language(picture(number))
            if number >= 6 and len({state.process for state in found.values()}) == 2:
                return found
        raise AssertionError("one language replica answers about all pictures")


def picture(number: int) -> np.ndarray:
    """A picture of its own."""
    pixels = np.array(fakes.picture())
    pixels[:40, :40] = (number * 37 % 256, number * 91 % 256, number * 53 % 256)
    return pixels


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """For tests without the cluster too: whichever comes first imports Ray."""
    with quiet_ray():
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_osprey(context=2048).save(folder)
    import ray
    from ray import serve

    from demo.ray_ingress import application

    port = fakes.free_port()
    options = ClusterOptions(
        model=str(folder),
        segmenter="classic",
        device="cpu",
        dtype="float32",
        engine="local",
        cache_mb=64,
        vision_replicas="1",
        language_replicas="2",
        vision_cpus=0.5,
        language_cpus=0.4,
        ingress_cpus=0.2,
    )
    try:
        ray.init(
            "local",  # not another cluster that runs on this machine
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            log_to_driver=False,
            namespace="test",
        )
        serve.start(http_options={"host": "127.0.0.1", "port": port}, proxy_location="HeadOnly")
        serve.run(application(options), name="osprey")
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while httpx.get(f"{address}/health", timeout=30).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        yield Cluster(address, Osprey.from_pretrained(str(folder), "cpu", "float32"))
    finally:
        serve.shutdown()
        ray.shutdown()


def test_it_answers_as_the_model_in_a_piece(cluster: Cluster) -> None:
    done = cluster.ask(picture(0), max_tokens=40)
    assert done.choices[0].message.content == cluster.expected(picture(0), 40)
    assert done.choices[0].finish_reason in ("length", "stop")
    assert done.usage.completion_tokens > 20
    chunks = list(cluster.ask(picture(0), max_tokens=40, stream=True))
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces).strip() == done.choices[0].message.content


def test_other_machines_are_refused(cluster: Cluster) -> None:
    # Serve's HTTP server trusts a proxy on loopback to tell who asks.
    elsewhere = {"X-Forwarded-For": "192.0.2.7", "Host": "localhost"}
    refused = httpx.get(f"{cluster.address}/v1/models", headers=elsewhere, timeout=60)
    assert (refused.status_code, "its own machine only" in refused.json()["detail"]) == (403, True)
    assert httpx.get(f"{cluster.address}/health", headers=elsewhere, timeout=60).status_code == 200
    assert httpx.get(f"{cluster.address}/v1/models", timeout=60).status_code == 200


def test_masks_come_from_the_vision_replicas(cluster: Cluster) -> None:
    """A box around the red shape is the same question as its alpha channel."""
    plain = io.BytesIO()
    fakes.picture().save(plain, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(plain.getvalue()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]
    messages: Any = [{"role": "user", "content": parts}]
    regions = {"regions": [{"points": [[80, 100]]}]}
    done = cluster.client().chat.completions.create(
        model="osprey", messages=messages, temperature=0, max_tokens=30, extra_body=regions
    )
    original = np.array(fakes.picture())
    assert done.choices[0].message.content == cluster.expected(original, 30)


def test_a_preview_is_what_the_segmenter_gives_for_one(cluster: Cluster) -> None:
    from ray import serve

    from osprey_core.segment import load_segmenter
    from osprey_core.serving.ray_model import RaySegmenter

    remote = RaySegmenter("classic", serve.get_deployment_handle("Vision", "osprey")).open(np.array(fakes.picture()))
    local = load_segmenter("classic", "cpu").open(np.array(fakes.picture()))
    assert np.array_equal(remote.preview(80, 100), local.preview(80, 100))
    assert remote.preview(80, 100).any()


def test_what_a_replica_refuses_is_told_as_by_the_page(cluster: Cluster) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        cluster.ask(picture(0), question="word " * 1900)
    assert caught.value.code == "engine.question_too_long"


def test_questions_about_a_picture_meet_their_cache(cluster: Cluster) -> None:
    places = cluster.spread()
    before = {state.process: state.computed for state in places.values()}
    with ThreadPoolExecutor(len(places)) as threads:
        list(threads.map(lambda number: cluster.ask(picture(number), max_tokens=2), places))
    for number, place in places.items():
        cluster.ask(picture(number), max_tokens=2, question="And its color?")
        assert cluster.language(picture(number)).process == place.process
    computed = {state.process: state.computed for state in map(cluster.language, map(picture, places))}
    assert computed.keys() == before.keys()
    assert sum(computed.values()) - sum(before.values()) == len(places), "each picture is read once"


def test_pictures_that_come_together_are_encoded_together(cluster: Cluster) -> None:
    from ray import serve

    vision = serve.get_deployment_handle("Vision", "osprey")
    # How close together they arrive is up to the machine's load: several rounds, each with pictures of its own.
    for first in range(100, 200, 10):
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda number: cluster.ask(picture(number), max_tokens=1), range(first, first + 6)))
        if vision.state.remote().result(timeout_s=60).largest_batch > 1:
            return
    pytest.fail("every picture was encoded alone")


def test_a_killed_replica_costs_its_answer_a_pause(cluster: Cluster) -> None:
    """The other replica's answer is not touched; the lost one is continued where it stopped, to the letter."""
    places = {state.process: number for number, state in cluster.spread().items()}
    (lost, number), (kept, other) = places.items()
    begun = {each: threading.Event() for each in (lost, kept)}
    told: dict[int, str] = {}

    def listen(process: int, each: int) -> None:
        for chunk in cluster.ask(picture(each), max_tokens=LONG, stream=True):
            told[each] = told.get(each, "") + "".join(choice.delta.content or "" for choice in chunk.choices)
            if told[each] and not begun[process].is_set():
                # Held here, neither answer is over before the other one has begun, however slow the machine is.
                os.kill(process, signal.SIGSTOP)
                begun[process].set()

    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(listen, *place) for place in places.items()]
        try:
            assert all(event.wait(60) for event in begun.values())
            assert not any(answer.done() for answer in answers)
        finally:
            os.kill(lost, signal.SIGKILL)
            os.kill(kept, signal.SIGCONT)
        for answer in answers:
            answer.result(timeout=180)
    for each in (number, other):
        assert told[each].strip() == cluster.expected(picture(each), LONG)
    # Of any picture: a replica that was started meanwhile may have taken over this one.
    assert any(cluster.language(picture(each)).process == kept for each in range(1, MANY)), "the other one has gone on"
    assert cluster.language(picture(number)).process != lost
    assert cluster.ask(picture(number), max_tokens=8).choices[0].message.content == cluster.expected(picture(number), 8)


def test_numbers_of_replicas() -> None:
    assert [replica_counts(text) for text in ("2", "1-4", "3-1", "0-5")] == [(2, 2), (1, 4), (3, 3), (0, 5)]
    for wrong in ({"vision_replicas": "many"}, {"vision_cpus": -1}, {"unknown": 1}):
        with pytest.raises(ValueError, match="validation error"):
            ClusterOptions(**wrong)


def test_a_call_that_takes_too_long_is_told() -> None:
    from osprey_core.errors import OspreyError
    from osprey_core.serving.ray_model import _told

    class Response:
        def result(self, timeout_s: float) -> None:
            raise TimeoutError

    with pytest.raises(OspreyError) as caught:
        _told(Response())
    assert caught.value.code == "serving.replica_lost"


def test_a_replica_with_a_dead_engine_is_not_healthy() -> None:
    from osprey_core.errors import OspreyError
    from osprey_core.serving.ray_app import Language
    from osprey_core.serving.vllm_engine import VLLMEngine

    replica, engine = Language(ClusterOptions()), VLLMEngine.__new__(VLLMEngine)
    in_own_thread(lambda: asyncio.run(replica.check_health()))
    engine._llm = SimpleNamespace(errored=True)
    replica._engines.add(engine)
    with pytest.raises(OspreyError):
        in_own_thread(lambda: asyncio.run(replica.check_health()))
    engine._llm = None


def test_keys_are_read_before_anything_starts(tmp_path: Path) -> None:
    from demo.ray_ingress import application
    from osprey_core.errors import InputError

    with pytest.raises(InputError, match="cannot be read"):
        application(ClusterOptions(api_keys=str(tmp_path / "none")))
    with pytest.raises(ValueError, match="validation error"):
        application({"model": "nano", "vision_cpus": "many"})


def test_words_of_serve_run_are_options() -> None:
    from ray.serve import Application
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary

    from demo.ray_ingress import application

    words = {"model": "nano", "language_replicas": "2-4", "vision_gpus": "0.2", "public": "true"}
    assert isinstance(call_user_app_builder_with_args_if_necessary(application, words), Application)
