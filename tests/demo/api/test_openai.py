"""The OpenAI door with OpenAI's own client: regions, turns, settings, streams, errors."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.api.openai.job import StoppedText
from osprey_core import Osprey
from osprey_core.cli.commands import main
from osprey_core.cli.loaders import Loaders, load_model
from osprey_core.language.prompts import QUESTIONS
from osprey_core.region_model import Guess
from osprey_core.regions.rle import encode_rle
from osprey_core.segment import load_segmenter
from tests import fakes

ROOT = Path(__file__).parents[3]
QUEUE_LENGTH = 3
openai = pytest.importorskip("openai")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    examples = tmp_path_factory.mktemp("examples")
    with fakes.served(model, fakes.FakeSegmenter(), examples, queue_length=QUEUE_LENGTH) as address:
        yield address.rstrip("/")


@pytest.fixture
def client(address: str) -> Any:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def seen_through(mask: np.ndarray) -> str:
    """The picture of the shapes with this mask as its alpha channel."""
    layers = np.dstack([np.array(fakes.picture()), mask.astype(np.uint8) * 255])
    return data_url(Image.fromarray(layers, "RGBA"))


PLAIN = data_url(fakes.picture())


def user(text: str, *pictures: str) -> dict[str, Any]:
    return {
        "role": "user",
        "content": [
            *({"type": "image_url", "image_url": {"url": picture}} for picture in pictures),
            {"type": "text", "text": text},
        ],
    }


def test_copies_with_alpha_channels_are_regions(client: Any, model: fakes.FakeModel) -> None:
    red, blue = fakes.shape("red"), fakes.shape("blue")
    asked = user("<image>\nWhat do <region1> and @2 have in common?", seen_through(red), seen_through(blue))
    done = client.chat.completions.create(model="fake", messages=[asked])
    call = model.calls[-1]
    assert call.question == "What do <region1> and <region2> have in common?"
    assert [mask.tolist() for mask in call.regions] == [red.tolist(), blue.tolist()]
    assert (call.image == np.array(fakes.picture())).all()  # also where the alpha channel hides it
    (choice,) = done.choices
    assert "area=8000" in choice.message.content
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.usage.prompt_tokens == 42


def test_regions_come_as_run_lengths_boxes_and_points(client: Any, model: fakes.FakeModel) -> None:
    regions = [
        {"rle": encode_rle(fakes.shape("green"))},
        {"box": [190, 50, 320, 170]},
        {"points": [[80, 100]]},
        {"points": [[80, 100], [250, 110]], "labels": [1, 0]},
    ]
    client.chat.completions.create(
        model="osprey", messages=[user("What is <region1>?", PLAIN)], extra_body={"regions": regions}
    )
    found = [mask.tolist() for mask in model.calls[-1].regions]
    shapes = [fakes.shape(name).tolist() for name in ("green", "blue", "red", "red")]
    assert found == shapes


def test_system_and_earlier_turns_are_told(client: Any, model: fakes.FakeModel) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        user("What is it?", seen_through(fakes.shape("red"))),
        {"role": "assistant", "content": "A rectangle."},
        {"role": "user", "content": "And its color?"},
    ]
    client.chat.completions.create(model="fake", messages=messages)
    call = model.calls[-1]
    assert call.question == "And its color?"
    assert [(turn.question, turn.answer) for turn in call.history] == [("Be brief.\nWhat is it?", "A rectangle.")]


def test_settings_are_passed_on(client: Any, model: fakes.FakeModel) -> None:
    client.chat.completions.create(
        model="fake", messages=[user("Well?", PLAIN)], temperature=0.5, top_p=0.9, max_tokens=7, seed=3, n=2
    )
    first, second = model.calls[-2:]
    assert first.settings | {"seed": 4} == second.settings
    assert first.settings == {"temperature": 0.5, "top_p": 0.9, "max_new_tokens": 7, "seed": 3}


def test_a_stream_has_the_same_words_and_the_usage(client: Any, model: fakes.FakeModel) -> None:
    asked = {"model": "fake", "messages": [user("What is it?", seen_through(fakes.shape("red")))]}
    whole = client.chat.completions.create(**asked)
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces).strip() == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stop_text_ends_the_answer(client: Any, model: fakes.FakeModel) -> None:
    asked = {"model": "fake", "messages": [user("What is it?", seen_through(fakes.shape("red")))]}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    cut = client.chat.completions.create(**asked, stop=["box=", "never"])
    assert cut.choices[0].message.content == whole.partition("box=")[0].strip()
    assert cut.choices[0].finish_reason == "stop"
    assert cut.usage.completion_tokens > 0


def test_a_name_has_its_confidence(client: Any, model: fakes.FakeModel) -> None:
    model.reply, model.names = "a dog", (Guess("dog", 0.3, 0.38), Guess("cat", 0.3, 0.31))
    try:
        done = client.chat.completions.create(
            model="fake", messages=[user("What is it?", seen_through(fakes.shape("red")))]
        )
    finally:
        model.reply, model.names = "", ()
    assert done.choices[0].confidence == {
        "name": "dog",
        "confidence": 0.38,
        "unsure": True,
        "guesses": [{"name": "cat", "confidence": 0.31}],
    }


def test_models_are_listed(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["fake"]
    assert client.models.retrieve("fake").owned_by == "osprey"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"messages": [{"role": "user", "content": "Hello?"}]}, "openai.no_picture"),
        ({"messages": [user("?", PLAIN), {"role": "assistant", "content": "!"}]}, "openai.last_not_user"),
        ({"messages": [user("?", PLAIN, data_url(fakes.picture(scale=2)))]}, "openai.pictures_differ"),
        ({"messages": [user("?", "data:image/png;base64,!")]}, "openai.address_invalid"),
        ({"messages": [user("?", "file:///etc/passwd")]}, "openai.address_invalid"),
        ({"messages": [user("?", "data:image/png;base64,aGVsbG8=")]}, "picture.not_a_picture"),
        ({"messages": [user("What is <region2>?", PLAIN)]}, "openai.region_missing"),
        ({"temperature": 3}, "openai.request_invalid"),
        ({"extra_body": {"regions": [{"box": [0, 0, 5, 5], "points": [[1, 1]]}]}}, "openai.region_invalid"),
        ({"extra_body": {"regions": [{"rle": {"size": [2, 2], "counts": [1, 2, 1]}}]}}, "mask.size_mismatch"),
        ({"logprobs": True}, "openai.no_logprobs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_refused_in_openais_form(client: Any, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "fake", "messages": [user("What is it?", PLAIN)], **changes})
    assert caught.value.code == code
    assert caught.value.type == "invalid_request_error"


def test_unknown_models_and_failures_are_told(client: Any, address: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt", messages=[user("What is it?", PLAIN)])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    exploding = [user("explode", seen_through(fakes.shape("red")))]
    with pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.create(model="fake", messages=exploding)
    assert "secret" not in str(failed.value)
    with pytest.raises(openai.APIError, match=r"unexpected|wrong"):
        list(client.chat.completions.create(model="fake", messages=exploding, stream=True))
    assert httpx.get(f"{address}/v1/chat/completions").status_code == 405
    foreign = httpx.post(f"{address}/v1/chat/completions", json={}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


def waiting_jobs(address: str) -> int:
    """How many jobs wait for their turn at the model."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return int(next(float(line.split()[-1]) for line in lines if line.startswith("osprey_jobs_waiting ")))


def test_beyond_the_length_of_the_queue_requests_are_refused(address: str, model: fakes.FakeModel) -> None:
    """One answer is written and as many wait as may; whoever comes then is told so, and served once there is room."""
    long = {"model": "fake", "messages": [user("A long story", seen_through(fakes.shape("red")))], "stream": True}
    clients = [openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) for _ in range(QUEUE_LENGTH + 1)]
    model.pause = 0.05
    streams = []
    try:
        for count, each in enumerate(clients):
            streams.append(each.chat.completions.create(**long))
            while waiting_jobs(address) < count:
                time.sleep(0.02)
        with pytest.raises(openai.RateLimitError) as refused:
            clients[0].chat.completions.create(**long)
        assert refused.value.code == "queue_full"
        assert "The queue is full; try again in a moment." in str(refused.value)
        assert refused.value.response.headers["retry-after"] == "2"
    finally:
        model.pause = 0.0
        for stream in streams:
            stream.close()
    while waiting_jobs(address):
        time.sleep(0.02)
    assert clients[0].chat.completions.create(**{**long, "stream": False}).choices[0].message.content


def test_clients_of_describe_anything_are_answered(address: str, model: fakes.FakeModel) -> None:
    other = openai.OpenAI(base_url=address, api_key="none", max_retries=0)
    asked = user("<image>\nDescribe the masked region in detail.", seen_through(fakes.shape("blue")))
    done = other.chat.completions.create(model="describe_anything_model", messages=[asked], max_tokens=512)
    assert done.choices[0].message.content
    assert (model.calls[-1].regions[0] == fakes.shape("blue")).all()


def test_the_embedded_model_answers_as_in_the_library(tmp_path: Path) -> None:
    osprey = Osprey.from_pretrained("nano", "cpu")
    asked = [user(QUESTIONS["short"], seen_through(fakes.shape("red")))]
    with fakes.served(osprey, fakes.FakeSegmenter(), tmp_path) as address:
        client = openai.OpenAI(base_url=f"{address.rstrip('/')}/v1", api_key="none", max_retries=0)
        done = client.chat.completions.create(
            model="osprey", messages=asked, temperature=0, logprobs=True, top_logprobs=3
        )
        chunks = list(
            client.chat.completions.create(model="osprey", messages=asked, temperature=0, logprobs=True, stream=True)
        )
        with pytest.raises(openai.BadRequestError, match="top_logprobs"):
            client.chat.completions.create(model="osprey", messages=asked, logprobs=True, top_logprobs=21)
    view = osprey.open(np.array(fakes.picture()))
    answer = done.choices[0].message.content
    assert answer == view.ask(QUESTIONS["short"], [fakes.shape("red")])

    tokens = done.choices[0].logprobs.content
    assert "".join(token.token for token in tokens).strip() == answer
    # The same answer read in one pass, instead of token by token.
    read = view.answer_likelihoods(QUESTIONS["short"], [fakes.shape("red")], [answer], whole=False)
    assert sum(token.logprob for token in tokens) == pytest.approx(float(read[0, 0]), abs=1e-3)
    for token in tokens:  # greedy: the chosen one is the likeliest
        assert [token.token, token.logprob] == [token.top_logprobs[0].token, token.top_logprobs[0].logprob]
        assert len(token.top_logprobs) == 3
        assert sum(np.exp(other.logprob) for other in token.top_logprobs) <= 1 + 1e-6
        assert bytes(token.bytes).decode() == token.token
    streamed = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs is not None]
    told = [token for logprobs in streamed for token in logprobs.content]
    assert [(token.token, token.top_logprobs) for token in told] == [(token.token, []) for token in tokens]


def test_the_snippets_of_the_docs_run(tmp_path: Path) -> None:
    told = (ROOT / "docs/api.md").read_text(encoding="utf-8").partition("## With OpenAI's clients")[2]
    runners = {
        "sh": ["bash", "-c"],
        "python": [sys.executable, "-c"],
        "js": ["node", "--input-type=module", "-e"],
    }
    if missing := [name for name in ("bash", "curl", "node") if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    said = {}
    with fakes.served(Osprey.from_pretrained("nano", "cpu"), load_segmenter(), tmp_path) as address:
        for name, runner in runners.items():
            (snippet,) = re.findall(rf"```{name}\n(.*?)```", told, re.DOTALL)
            code = snippet.replace("http://127.0.0.1:7860", address.rstrip("/"))
            done = subprocess.run([*runner, code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            said[name] = done.stdout.strip()
    said["sh"] = json.loads(said["sh"])["choices"][0]["message"]["content"]
    assert len(set(said.values())) == 1
    assert said["python"]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_stop_texts_are_found_however_the_text_is_cut(size: int) -> None:
    whole = "one two STOP three"
    text = StoppedText(["STOP", "TOO"])
    pieces = [text.feed(whole[start : start + size]) for start in range(0, len(whole), size)]
    assert "".join(pieces) + text.finish() == "one two "
    other = StoppedText(["never"])
    assert other.feed("ends with nev") + other.finish() == "ends with nev"


def test_everything_is_described_beside_a_model_behind_our_own_door(address: str, tmp_path: Path) -> None:
    """`describe --compare-with` shows every region to the page's model by the door, to the pixel."""
    fakes.picture().save(tmp_path / "shapes.png")
    name = f"openai:{address}/v1#fake?region=rgba"

    def load(options: Any) -> Any:
        return load_model(options) if options.model == name else fakes.FakeModel()

    loaders: Any = Loaders(load, lambda options: fakes.FakeSegmenter())
    errors = io.StringIO()
    out = tmp_path / "captions.json"
    words = ["describe", str(tmp_path / "shapes.png"), "--everything", "--out", str(out), "--compare-with", name]
    assert main(words, io.StringIO(), errors, loaders) == 0, errors.getvalue()
    entries = json.loads(out.read_text())["annotations"]
    assert len(entries) == 3
    for entry in entries:
        assert entry["compared"]["model"] == name
        assert f"area={entry['area']} " in f"{entry['compared']['caption']} "
