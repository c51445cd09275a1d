"""A slot for something that takes long to load: filled in the background, awaited by those who need it.

Knows nothing of models or of the page; it turns a failure into one sentence for a person.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from demo.i18n import words
from demo.shared.problems import is_out_of_memory
from osprey_core.errors import OspreyError

log = logging.getLogger(__name__)

T = TypeVar("T")
State = Literal["loading", "ready", "failed"]


class Slot(Generic[T]):
    """Holds what `load` returns once a background thread has it. Thread-safe."""

    def __init__(self, name: str, load: Callable[[], T]) -> None:
        self.name = name
        self._load = load
        self._done = threading.Event()
        self._value: T | None = None
        self._reason = ""
        self._thread = threading.Thread(target=self._run, name=f"load {name}", daemon=True)

    @classmethod
    def of(cls, value: T, name: str = "") -> Slot[T]:
        """A slot that is ready from the start."""
        slot = cls(name, lambda: value)
        slot._value = value
        slot._done.set()
        return slot

    def start(self) -> Slot[T]:
        """Begin loading; returns itself."""
        self._thread.start()
        return self

    def load(self) -> Slot[T]:
        """Load here and now, on the caller's thread; returns itself."""
        self._run()
        return self

    @property
    def state(self) -> State:
        """ "loading" (also before start), "ready" or "failed"."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self._reason else "ready"

    @property
    def reason(self) -> str:
        """Why loading failed, as one sentence; empty otherwise."""
        return self._reason if self._done.is_set() else ""

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until loading has ended one way or the other, at most `seconds`; whether it has."""
        return self._done.wait(seconds)

    def get(self) -> T:
        """The value, awaited if need be. Raises OspreyError with the reason if loading failed."""
        self._done.wait()
        if self._reason:
            raise OspreyError(self._reason)
        return self._value  # type: ignore[return-value]

    def _run(self) -> None:
        try:
            self._value = self._load()
        except OspreyError as error:
            log.error("%s could not be loaded: %s", self.name, error)
            self._reason = str(error) or words.LOADING_FAILED.format(name=self.name)
        except Exception as error:
            log.exception("%s could not be loaded", self.name)
            reason = words.OUT_OF_MEMORY_LOADING if is_out_of_memory(error) else words.LOADING_FAILED
            self._reason = reason.format(name=self.name)
        finally:
            self._done.set()
