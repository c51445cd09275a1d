"""The laboratory's results: a file of JSON lines, one for the setting and one for every run, each written at once."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Results:
    """What a file holds. The setting says under which conditions all runs were made."""

    setting: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_results(path: Path) -> Results:
    """Read a file, `.gz` too; none, or a line that was cut when the program was stopped, counts as nothing."""
    results = Results()
    if not path.is_file():
        return results
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "setting" in entry:
            results.setting |= entry["setting"]
        else:
            results.runs[entry["run"]] = entry
    return results


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add a line, after one that was cut on a line of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut else "") + json.dumps(entry, separators=(",", ":")) + "\n")
