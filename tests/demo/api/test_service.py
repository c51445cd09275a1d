"""/health, /metrics, request ids and the access log of a page that is really served."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from prometheus_client.parser import text_string_to_metric_families

from demo.api.access_log import id_of
from demo.api.metrics_page import is_local
from demo.app import build_app
from demo.launch import launch, shut_down
from demo.options import Options
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import OspreyError
from tests import fakes
from tests.tiny import tiny_osprey

pytestmark = pytest.mark.slow


@contextmanager
def served(model: Any, folder: Path, **options: Any) -> Iterator[tuple[str, Any]]:
    """A page with this model: its address, and the page."""
    app = build_app(model, fakes.FakeSegmenter(), Options(), folder)
    app.queue(default_concurrency_limit=4)
    address = launch(app, "127.0.0.1", fakes.free_port(), prevent_thread_lock=True, quiet=True, **options)
    try:
        yield address.rstrip("/"), app
    finally:
        app.close(verbose=False)


def metrics(address: str) -> dict[tuple[str, ...], float]:
    """Samples by name and values of their labels."""
    text = httpx.get(f"{address}/metrics").text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_server_is_ready_when_its_model_is(tmp_path: Path) -> None:
    go_on = threading.Event()

    def load() -> fakes.FakeModel:
        go_on.wait(30)
        return fakes.FakeModel()

    with served(LazyResource("late", load).start(), tmp_path) as (address, app):
        loading = httpx.get(f"{address}/health")
        assert loading.status_code == 503
        assert loading.json()["model"] == {"name": "late", "state": "loading"}
        assert loading.headers["retry-after"] == "2"
        go_on.set()
        assert app.services.model.wait(10)
        ready = httpx.get(f"{address}/health", headers={"Host": "10.1.2.3:8080"})  # as a container's keeper asks
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert httpx.head(f"{address}/health").status_code == 200
        assert metrics(address)[("osprey_model_ready",)] == 1
        app.is_ending = True
        assert httpx.get(f"{address}/health").json()["status"] == "ending"
        assert shut_down(app, 5)


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    def load() -> None:
        raise OspreyError("page.loading_failed", name="broken")

    model: LazyResource[None] = LazyResource("broken", load).load()
    with served(model, tmp_path) as (address, _):
        told = httpx.get(f"{address}/health")
        assert told.status_code == 503
        assert told.json()["status"] == "failed"
        assert "broken" in told.json()["model"]["reason"]


def test_a_model_whose_engine_has_ended_is_told(tmp_path: Path) -> None:
    model = fakes.FakeModel()
    with served(LazyResource.of(model, "split"), tmp_path) as (address, _):
        assert httpx.get(f"{address}/health").json()["status"] == "ready"
        model.is_dead = True  # type: ignore[attr-defined]
        told = httpx.get(f"{address}/health")
        assert (told.status_code, told.json()["status"]) == (503, "failed")


def test_what_people_do_is_counted(tmp_path: Path) -> None:
    fakes.picture().save(tmp_path / "mine.png")
    with served(tiny_osprey(), tmp_path) as (address, _):
        before = metrics(address)
        client = Client(address, verbose=False)
        client.predict(handle_file(str(tmp_path / "mine.png")), api_name="/open_picture")
        client.predict(80, 100, "new", api_name="/segment_point")
        for question in ("What is it?", "And now?"):
            client.predict(question, 0, 1, 8, None, api_name="/ask")
        with pytest.raises(AppError):
            client.predict("", 0, 1, 8, None, api_name="/ask")
        after = metrics(address)

    def grown(*sample: str) -> float:
        return after.get(sample, 0) - before.get(sample, 0)

    assert grown("osprey_event_seconds_count", "ask") == 3
    assert grown("osprey_event_seconds_count", "segment_point") == 1
    assert grown("osprey_job_seconds_count", "complete", "answer") == 2
    assert 2 <= grown("osprey_new_tokens_total") <= 16
    assert grown("osprey_prompt_tokens_total") > 40
    assert grown("osprey_first_token_seconds_count") == 2
    assert grown("osprey_errors_total", "page.no_question") == 1
    assert grown("osprey_http_requests_total", "POST", "200") >= 5
    assert after[("osprey_pictures_kept",)] == 1
    assert after[("osprey_pictures_bytes",)] >= 360 * 270 * 3
    assert after[("osprey_cache_bytes",)] > 0
    assert after[("osprey_cache_hits_total",)] >= 1  # the second question's picture
    assert after[("osprey_jobs_running",)] == after[("osprey_jobs_waiting",)] == 0


def test_metrics_are_for_this_computer_unless_all_may_read_them(tmp_path: Path) -> None:
    with served(fakes.FakeModel(), tmp_path) as (address, _):
        assert httpx.get(f"{address}/metrics").status_code == 200
        assert httpx.get(f"{address}/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 404
        assert httpx.get(f"{address}/metrics", headers={"Host": "evil.example"}).status_code == 403
    with served(fakes.FakeModel(), tmp_path, metrics="on") as (address, _):
        assert httpx.get(f"{address}/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 200
    with served(fakes.FakeModel(), tmp_path, metrics="off") as (address, _):
        assert httpx.get(f"{address}/metrics").status_code == 404


@pytest.mark.parametrize(
    ("client", "expected"), [("127.0.0.1", True), ("::1", True), ("192.168.1.4", False), ("", False), ("x", False)]
)
def test_who_is_local(client: str, expected: bool) -> None:
    assert is_local({"type": "http", "headers": [], "client": (client, 1)}) is expected
    named = {"type": "http", "client": (client, 1)}
    assert is_local({**named, "headers": [(b"host", b"localhost:7860")]}) is expected
    assert not is_local({**named, "headers": [(b"host", b"osprey.example.org")]})  # what a proxy was asked for


def test_every_request_has_an_id_and_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        served(fakes.FakeModel(), tmp_path, access_log=True) as (address, _),
        caplog.at_level(logging.INFO, "osprey.access"),
    ):
        mine = httpx.get(f"{address}/health?secret=1", headers={"X-Request-ID": "mine-1"})
        drawn = httpx.get(f"{address}/no-such-page")
        ids = {"mine-1", drawn.headers["x-request-id"]}
        # A line is written after its answer is sent.
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if ids <= {json.loads(record.getMessage())["id"] for record in caplog.records}:
                break
            time.sleep(0.02)
    assert mine.headers["x-request-id"] == "mine-1"
    assert re.fullmatch("[0-9a-f]{32}", drawn.headers["x-request-id"])
    lines = {line["id"]: line for line in map(json.loads, (record.getMessage() for record in caplog.records))}
    line = lines["mine-1"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/health", 200)
    assert line["ms"] >= 0
    assert lines[drawn.headers["x-request-id"]]["status"] == 404
    assert "secret" not in caplog.text


@pytest.mark.parametrize("brought", [None, "", "a" * 65, "two words", 'x"}', "line\nbreak"])
def test_foreign_ids_that_are_not_plain_are_replaced(brought: str | None) -> None:
    assert id_of(brought) != brought
