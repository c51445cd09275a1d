"""What a picture does whose replicas are lost, without any: Ray's own errors, and calls that never come back."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.quiet_ray import quiet_ray

with quiet_ray():
    pytest.importorskip("ray", reason="Ray is not installed", exc_type=ImportError)
    ray_model = pytest.importorskip(
        "osprey_core.serving.ray_model", reason="Ray is not installed", exc_type=ImportError
    )


def test_a_stopped_answer_ends_while_its_question_is_embedded_again() -> None:
    embedding, stop, gone = threading.Event(), threading.Event(), threading.Event()

    class Lost(ray_model.RayView):  # type: ignore[name-defined]
        def _embed(self, asked: Any) -> Any:
            embedding.set()
            gone.wait(60)

        def _tokens(self, embedded: Any, should_stop: Any) -> Any:
            yield 7
            raise ray_model.exceptions.ActorDiedError

    view = Lost.__new__(Lost)
    asked = ray_model.AskedQuestion("What is it?")
    settings = ray_model.GenerationDefaults()  # any dataclass: it is only told again
    embedded = SimpleNamespace(settings=SimpleNamespace(max_new_tokens=5), requested=settings, ends=frozenset())
    told = view._decode(asked, embedded, stop.is_set)
    assert next(told) == 7
    rest: list[int] = []
    reading = threading.Thread(target=lambda: rest.extend(told), daemon=True)
    reading.start()
    assert embedding.wait(60)
    stop.set()
    reading.join(60)
    assert not reading.is_alive()
    assert rest == []
    gone.set()
