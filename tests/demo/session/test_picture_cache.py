"""Pictures that are open: computed once, bounded, each part by itself."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import torch

from demo.session.marks import mark_point
from demo.session.picture_cache import PictureCache, bytes_of
from demo.session.services import Services
from demo.session.session import Picture, Session
from tests import fakes
from tests.demo.sessions import png


def test_opened_pictures_are_computed_once_and_bounded() -> None:
    sizes = [360 * 270 * 3 * scale**2 for scale in (1, 2, 3)]
    cache = PictureCache(max_bytes=sizes[1] + sizes[2])
    pictures = [Picture(png(fakes.picture(scale=scale)), "p", 360 * scale, 270 * scale) for scale in (1, 2, 3)]
    computed = []

    def compute() -> int:
        time.sleep(0.02)
        computed.append(1)
        return 7

    threads = [threading.Thread(target=lambda: cache.get(pictures[0]).part("view", compute)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    for picture in pictures:
        cache.get(picture)
    assert len(cache) == 2
    tight = PictureCache(max_bytes=1)
    for picture in pictures:
        tight.get(picture)
    assert len(tight) == 1


def test_a_click_does_not_wait_for_the_encoder(services: Services, two: Session) -> None:
    assert two.picture is not None
    release = threading.Event()
    opened = services.pictures.get(two.picture)
    encoding = threading.Thread(target=lambda: opened.part("view", lambda: release.wait(10)))
    encoding.start()
    try:
        clicking = threading.Thread(target=lambda: mark_point(services, two, 200, 210, "new"))
        clicking.start()
        clicking.join(5)
        assert not clicking.is_alive()
    finally:
        release.set()
        encoding.join()


def test_the_bound_is_bytes_whatever_the_number() -> None:
    cache = PictureCache(max_bytes=64 * 360 * 270 * 3)
    small = [Picture(png() + bytes([place]), "p", 360, 270) for place in range(64)]
    entries = [cache.get(picture) for picture in small]
    assert all(entry.image().nbytes == 360 * 270 * 3 for entry in entries)
    assert [cache.get(picture) for picture in small] == entries  # all are still there
    assert cache.used_bytes == cache.max_bytes
    cache.get(small[0]).part("more", lambda: np.zeros(360 * 270 * 3 * 2, np.uint8))
    cache.get(small[0])
    assert len(cache) == 62


def test_what_grows_after_it_was_asked_for_last_counts_when_another_picture_comes() -> None:
    cache = PictureCache(max_bytes=4 * 360 * 270 * 3)
    entries = [cache.get(Picture(png() + bytes([place]), "p", 360, 270)) for place in range(3)]
    entries[0].part("view", lambda: np.zeros(2 * 360 * 270 * 3, np.uint8))
    entries[1].part("view", lambda: np.zeros(3 * 360 * 270 * 3, np.uint8))
    cache.get(Picture(png() + b"new", "p", 360, 270))
    assert len(cache) == 2
    assert cache.used_bytes <= cache.max_bytes


def test_bytes_of_what_is_shared_or_shown_in_parts_count_once() -> None:
    array = np.zeros((100, 10))
    tensor = torch.zeros(50)
    network = torch.nn.Linear(1000, 1000)
    value = SimpleNamespace(whole=array, parts=[array[:50], array], others={"a": (tensor, tensor)}, network=network)
    assert bytes_of(value) == array.nbytes + tensor.nbytes
    assert bytes_of((network, "text", 5, None, np.zeros)) == 0
    loop: list[object] = [array]
    loop.append(loop)
    assert bytes_of(loop) == array.nbytes
