"""Two plain HTTP callers, over every endpoint that the app lists: nobody sees or changes what is another's."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

from tests import fakes

pytestmark = pytest.mark.slow

SHARED_NAMES = (None, "", "None", "abc", "     ")
"""What several callers without a session of their own may send as session_hash."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "shapes.png")
    with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), folder) as address:
        yield address.rstrip("/") + "/gradio_api"


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture whose name and bytes nobody else has."""
    path = tmp_path / f"secret-{uuid.uuid4().hex}.png"
    fakes.picture(scale=2).save(path)
    return path


def endpoints(http: httpx.Client, address: str) -> list[dict[str, Any]]:
    """Every event of the app, private ones of the page included, as the app itself lists them."""
    listed: list[dict[str, Any]] = http.get(address.removesuffix("/gradio_api") + "/config").json()["dependencies"]
    assert len([each for each in listed if each["api_visibility"] == "public"]) >= 19
    assert len(listed) > 50
    return listed


def values(endpoint: dict[str, Any], public: dict[str, Any]) -> list[Any]:
    """Something for each input: the parameter's own default, else what its type suggests."""
    named = public.get(f"/{endpoint['api_name']}")
    if named is None:
        return [None] * len(endpoint["inputs"])
    kinds = {"string": "What is @1?", "number": 1, "integer": 1, "boolean": False, "array": [10, 10, 60, 60]}
    given: list[Any] = []
    for parameter in named["parameters"]:
        if parameter["parameter_name"] == "session":
            given.append("")
        elif parameter["parameter_has_default"] and parameter["parameter_default"] is not None:
            given.append(parameter["parameter_default"])
        else:
            given.append(kinds.get(str(parameter["type"].get("type"))))
    return given


def result_of(http: httpx.Client, address: str, endpoint: str, sent: list[Any]) -> tuple[str, Any]:
    """The last event of a call in two steps, as `curl` makes it: its kind and its data."""
    event = http.post(f"{address}/call/{endpoint}", json={"data": sent}).json()["event_id"]
    lines = http.get(f"{address}/call/{endpoint}/{event}").text.strip().splitlines()
    kind, data = lines[-2].removeprefix("event: "), lines[-1].removeprefix("data: ")
    return kind, json.loads(data)


def upload(http: httpx.Client, address: str, path: Path) -> dict[str, Any]:
    (stored,) = http.post(f"{address}/upload", files={"files": (path.name, path.read_bytes())}).json()
    return {"path": stored, "meta": {"_type": "gradio.FileData"}}


def test_strangers_see_and_change_nothing(http: httpx.Client, address: str, secret: Path) -> None:
    public = http.get(f"{address}/info").json()["named_endpoints"]
    # One person with a connection of their own, and one who names the session, each with a picture, a region, a chat.
    own = Client(address.removesuffix("/gradio_api"), verbose=False)
    own.predict(handle_file(str(secret)), api_name="/open_picture")
    region = own.predict(160, 200, "new", api_name="/segment_point")
    answer = own.predict("What is @1?", 0, 1, 64, None, api_name="/ask")
    _, (opened,) = result_of(http, address, "open_picture", [upload(http, address, secret), "", ""])
    named = opened["session"]
    result_of(http, address, "segment_point", [160, 200, "new", named])
    before = own.predict(api_name="/export"), result_of(http, address, "export", [named])[1][0]["path"]
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in before]

    heard, refused = [], 0
    for endpoint in endpoints(http, address):
        name, sent = endpoint["api_name"] or "predict", values(endpoint, public)
        for session_hash in SHARED_NAMES:
            direct = (f"run/{name}", f"api/{name}/") if session_hash in (None, "abc") else ()
            body: dict[str, Any] = {"data": sent, "fn_index": endpoint["id"]}
            if session_hash is not None:
                body["session_hash"] = session_hash
            for route in (*direct, "queue/join"):
                reply = http.post(f"{address}/{route}", json=body)
                assert reply.status_code in (400, 404), (route, session_hash, reply.text)
                assert reply.json()["detail"].endswith(".")
                heard.append(reply.text)
                refused += 1
        if f"/{name}" in public:
            for session_hash in SHARED_NAMES[1:]:
                reply = http.post(f"{address}/call/{name}", json={"data": sent, "session_hash": session_hash})
                assert reply.status_code == 400
            kind, data = result_of(http, address, name, sent)
            heard.append(json.dumps(data))
            if name != "open_picture":
                assert kind == "error"
                assert data["error"] == "Give the session that open_picture returned."
    assert refused > 450

    stranger = f"stranger-{uuid.uuid4().hex}"
    for endpoint in endpoints(http, address):
        body = {"data": values(endpoint, public), "fn_index": endpoint["id"], "session_hash": stranger}
        reply = http.post(f"{address}/queue/join", json=body)
        heard.append(reply.text)
    with http.stream("GET", f"{address}/queue/data", params={"session_hash": stranger}) as events:
        for line in events.iter_lines():
            heard.append(line)
            if "close_stream" in line:
                break
    heard.append(http.get(f"{address.removesuffix('/gradio_api')}/monitoring/summary").text)

    said = "\n".join(heard)
    secrets = [secret.name, secret.stem, region["rle"]["counts"], answer, named, *before, *digests]
    assert [each for each in secrets if each and each in said] == []
    # What is theirs is as it was, byte for byte but for the names of the files.
    after = own.predict(api_name="/export"), result_of(http, address, "export", [named])[1][0]["path"]
    assert [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in after] == digests
    assert own.predict("What is @1?", 0, 1, 64, None, api_name="/ask") == answer


def test_a_call_without_a_connection_names_its_session(http: httpx.Client, address: str, secret: Path) -> None:
    """Plain HTTP in two steps works for whoever names the session that open_picture returned."""
    kind, (opened,) = result_of(http, address, "open_picture", [upload(http, address, secret), "", ""])
    assert kind == "complete"
    kind, (region,) = result_of(http, address, "segment_point", [160, 200, "new", opened["session"]])
    assert kind == "complete"
    assert region["number"] == 1
    other_kind, (other,) = result_of(http, address, "open_picture", [upload(http, address, secret), "", ""])
    assert other_kind == "complete"
    assert other["session"] != opened["session"]
    kind, refusal = result_of(http, address, "take_segment", [0, "new", "guessed"])
    assert kind == "error"
    assert "session" in refusal["error"]


def test_there_are_no_counters_for_everybody(http: httpx.Client, address: str) -> None:
    page = address.removesuffix("/gradio_api")
    for route in ("/monitoring", "/monitoring/summary"):
        assert http.get(page + route).status_code >= 400
