"""What cannot be loaded is told with a remedy, and without internals."""

from __future__ import annotations

from demo.i18n.catalog import text
from demo.shared import problems
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import OspreyError


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
