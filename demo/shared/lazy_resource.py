"""A resource that is loaded in a background thread and awaited when it is needed.

A failure to load becomes an OspreyError whose sentence can be shown to a person.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from osprey_core.errors import OspreyError, is_out_of_memory
from osprey_core.runtime.download import DownloadProgress, telling

log = logging.getLogger(__name__)

T = TypeVar("T")
State = Literal["loading", "ready", "failed"]


class LazyResource(Generic[T]):
    """Holds what `load` returns once a background thread has it. Thread-safe."""

    def __init__(self, name: str, load: Callable[[], T]) -> None:
        self.name = name
        self._load = load
        self._done = threading.Event()
        self._value: T | None = None
        self._error: OspreyError | None = None
        self._progress: DownloadProgress | None = None
        self._thread = threading.Thread(target=self._run, name=f"load {name}", daemon=True)

    @classmethod
    def of(cls, value: T, name: str = "") -> LazyResource[T]:
        """A resource that is ready from the start."""
        resource = cls(name, lambda: value)
        resource._value = value
        resource._done.set()
        return resource

    def start(self) -> LazyResource[T]:
        """Begin loading; returns itself."""
        self._thread.start()
        return self

    def load(self) -> LazyResource[T]:
        """Load synchronously on the caller's thread; returns itself."""
        self._run()
        return self

    @property
    def state(self) -> State:
        """ "loading" (also before start), "ready" or "failed"."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self._error else "ready"

    @property
    def error(self) -> OspreyError | None:
        """Why loading failed; None otherwise."""
        return self._error if self._done.is_set() else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait at most `seconds` until loading has ended or failed; returns whether it has."""
        return self._done.wait(seconds)

    def get(self) -> T:
        """The value; waits until it is loaded. Raises OspreyError with the reason if loading failed."""
        self._done.wait()
        if self._error is not None:
            raise OspreyError.of(self._error.message)
        return self._value  # type: ignore[return-value]

    @property
    def progress(self) -> DownloadProgress | None:
        """How far the download of its files is; None if nothing is being downloaded."""
        progress = self._progress
        return None if progress is None or progress.done >= progress.total else progress

    def _tell(self, progress: DownloadProgress) -> None:
        self._progress = progress

    def _run(self) -> None:
        try:
            with telling(self._tell):
                self._value = self._load()
        except OspreyError as error:
            log.error("%s could not be loaded: %s", self.name, error)
            self._error = error
        except Exception as error:
            log.exception("%s could not be loaded", self.name)
            code = "page.out_of_memory_loading" if is_out_of_memory(error) else "page.loading_failed"
            self._error = OspreyError(code, name=self.name)
        finally:
            self._done.set()
