"""The example pictures that the empty page offers, read from a folder."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """One example picture."""

    path: Path
    title: str
    questions: tuple[str, ...] = ()


def find_examples(folder: Path) -> tuple[Example, ...]:
    """The pictures in a folder, sorted by name, with titles and suggested questions from `scenes.json` if it exists."""
    if not folder.is_dir():
        return ()
    notes: dict[str, dict[str, Any]] = {}
    manifest = folder / "scenes.json"
    if manifest.is_file():
        try:
            listed = json.loads(manifest.read_text(encoding="utf-8"))
            scenes = listed.get("scenes", []) if isinstance(listed, dict) else listed
            notes = {str(scene["file"]): scene for scene in scenes}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            log.warning("%s is not readable; the examples go without titles", manifest.name)
    examples = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
            note = notes.get(path.name, {})
            title = note.get("title") or path.stem.replace("_", " ").replace("-", " ").strip().capitalize()
            questions = tuple(str(question) for question in note.get("questions") or ())
            examples.append(Example(path, str(title), questions))
    return tuple(examples)
