"""A file of answers that is added to line by line, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.evaluation.papers.items import dumped


class AnswerLog:
    """A file of lines: what was set, then {"key", "value"} in the order in which they came."""

    def __init__(self, file: Path, settings: dict[str, Any]) -> None:
        self.entries: dict[str, Any] = {}
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = file.read_bytes().decode("utf-8", "replace").split("\n") if file.is_file() else []
            known = [value for line in lines if (value := _parsed(line)) is not None]
            if known and known[0] != {"settings": settings}:
                raise InputError("papers.settings_differ", path=str(file))
            self.entries = {entry["key"]: entry["value"] for entry in known[1:] if "key" in entry}
            # Written anew: the last line of a run that was killed may be half a line.
            head = dumped({"settings": settings})
            body = "".join(dumped({"key": key, "value": value}) for key, value in self.entries.items())
            partial = file.with_name(file.name + ".partial")
            partial.write_text(head + body, "utf-8")
            partial.replace(file)
        except OSError as error:
            raise InputError("file.unwritable", path=str(file), reason=str(error.strerror or error)) from error

    def add(self, key: str, value: Any) -> None:
        """Keep an entry, here and in the file. Raises InputError where the file cannot be written."""
        self.entries[key] = value
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(dumped({"key": key, "value": value}))
        except OSError as error:
            reason = str(error.strerror or error)
            raise InputError("file.unwritable", path=str(self._file), reason=reason) from error


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
