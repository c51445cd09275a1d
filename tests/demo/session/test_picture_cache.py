"""Pictures that are open: computed once, bounded, each part by itself."""

from __future__ import annotations

import threading
import time

from demo.session.marks import mark_point
from demo.session.picture_cache import PictureCache
from demo.session.services import Services
from demo.session.session import Picture, Session
from tests import fakes
from tests.demo.sessions import png


def test_opened_pictures_are_computed_once_and_bounded() -> None:
    cache = PictureCache(capacity=2)
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
    tight = PictureCache(max_pixels=1)
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
