"""A file of answers that is added to line by line, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.evaluation.papers.items import dumped


class AnswerLog:
    """A file of lines: what was set, then {"key", "value"} in the order in which they came.

    Raises InputError where the file was begun with other settings, is not such a file, or cannot be written.
    """

    def __init__(self, file: Path, settings: dict[str, Any]) -> None:
        self.entries: dict[str, Any] = {}
        self._file = file
        self._is_torn = False
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = file.read_bytes().decode("utf-8", "replace").split("\n") if file.is_file() else []
            parsed = [_parsed(line) for line in lines if line.strip()]
            # The first line is never half a line: it is renamed into place. Whatever else begins otherwise is kept.
            if parsed and set(parsed[0]) != {"settings"}:
                raise InputError("papers.log_foreign", path=str(file))
            if parsed and parsed[0]["settings"] != settings:
                raise InputError("papers.settings_differ", path=str(file))
            self.entries = {entry["key"]: entry["value"] for entry in parsed[1:] if set(entry) == {"key", "value"}}
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
                # Where a line before was cut off, such as by a full disk, this one must not join it.
                file.write(("\n" if self._is_torn else "") + dumped({"key": key, "value": value}))
            self._is_torn = False
        except OSError as error:
            self._is_torn = True
            reason = str(error.strerror or error)
            raise InputError("file.unwritable", path=str(self._file), reason=reason) from error


def _parsed(line: str) -> dict[str, Any]:
    """The object of a line; an empty one for a line that holds none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
