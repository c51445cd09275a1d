"""What a section has found so far, written to its file after every figure, so that one that is stopped loses none."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SHOWN_LINES = 12


class Findings:
    """Figures by name, and the errors of the parts that failed."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the file that is rewritten after each change; None keeps everything in memory."""
        self.results: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self._path = path

    def add(self, name: str, value: Any) -> None:
        """Keep a value that JSON can hold."""
        self.results[name] = value
        self._write()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Run a part of a section; an error in it is kept with the end of its traceback, and the section goes on."""
        try:
            yield
        except Exception as error:  # whatever a driver, a kernel or a library raises
            lines = "".join(traceback.format_exception(error)).strip().splitlines()
            self.errors[name] = "\n".join(lines[-_SHOWN_LINES:])
            self._write()

    def measure(self, name: str, work: Callable[[], Any]) -> None:
        """Keep what `work` returns under a name, or its error."""
        with self.part(name):
            self.add(name, work())

    def _write(self) -> None:
        if self._path is not None:
            write_json(self._path, {"results": self.results, "errors": self.errors})


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value as JSON; a reader sees the old text or the new one, never a part."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
