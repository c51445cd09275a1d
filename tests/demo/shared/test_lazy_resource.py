"""What cannot be loaded is told with a remedy, and without internals."""

from __future__ import annotations

import threading
import time

from demo.i18n.catalog import text
from demo.shared import problems
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import OspreyError
from osprey_core.runtime.download import DownloadProgress, tell


class OutOfMemoryError(RuntimeError):
    """As torch calls it; the page knows it by its name alone."""


def test_too_little_memory_is_a_sentence_with_a_remedy() -> None:
    def load() -> None:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    resource = LazyResource("large", load).load()
    assert str(resource.error) == text("page.out_of_memory_loading", name="large")
    assert "--dtype" in str(resource.error)
    assert (
        problems.sentence_of(OutOfMemoryError("x")) == problems.sentence_of(MemoryError()) == text("page.out_of_memory")
    )
    assert problems.sentence_of(OspreyError("Said.")) == "Said."
    assert problems.sentence_of(RuntimeError("x")) is None


def test_an_unexpected_failure_to_load_tells_no_internals() -> None:
    def load() -> None:
        raise KeyError("internal")

    resource = LazyResource("thing", load).start()
    resource.wait(5)
    assert str(resource.error) == text("page.loading_failed", name="thing")


def test_the_progress_of_a_download_can_be_seen_while_it_lasts() -> None:
    seen: list[DownloadProgress | None] = []
    going_on = threading.Event()

    def load() -> str:
        tell(DownloadProgress(3_000_000, 12_000_000))
        going_on.wait(10)
        tell(DownloadProgress(12_000_000, 12_000_000))
        seen.append(resource.progress)
        return "model"

    resource = LazyResource("model", load)
    assert resource.progress is None
    resource.start()
    for _ in range(1000):
        if resource.progress is not None:
            break
        time.sleep(0.01)
    assert resource.progress == DownloadProgress(3_000_000, 12_000_000)
    going_on.set()
    assert resource.get() == "model"
    assert seen == [None], "what has arrived is being loaded, not downloaded"
