"""Vocabularies: lists of classes, each with the words for it and whether it is a thing or stuff.

Four ship as data (names only; sources and licences stand in the files), others are read from a person's file. It knows
no model.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError

BUILT_IN = ("coco", "lvis", "ade20k", "cityscapes")

MAX_CLASSES = 5000
MAX_TEXT_CHARACTERS = 200
MAX_FILE_BYTES = 4_000_000

_FOLDER = Path(__file__).parent
_INVALID_NAME = "invalid_class_id"
"""FC-CLIP's lists begin with this class where the dataset counts from 1."""


@dataclass(frozen=True)
class VocabularyClass:
    """One class: its name in the dataset, the words for it (at least one), whether single ones can be counted."""

    name: str
    texts: tuple[str, ...]
    is_thing: bool = True


@dataclass(frozen=True)
class Vocabulary:
    """A list of classes with different names."""

    name: str
    classes: tuple[VocabularyClass, ...]
    title: str = ""
    source: str = ""
    """Where the names come from, and their licence."""

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names, in order."""
        return tuple(entry.name for entry in self.classes)

    @property
    def texts(self) -> tuple[str, ...]:
        """All words of all classes, class by class."""
        return tuple(text for entry in self.classes for text in entry.texts)

    @property
    def owners(self) -> tuple[int, ...]:
        """The place of the class of each of `texts`."""
        return tuple(place for place, entry in enumerate(self.classes) for _ in entry.texts)


def load_vocabulary(name: str | Path) -> Vocabulary:
    """A vocabulary by its name ("coco", "lvis", "ade20k", "cityscapes") or from a file.

    A file is JSON as those that ship, or text with one class a line: its words, the first of which is its name,
    separated by commas. A number with a colon before them (as in FC-CLIP's lists) is left out.

    Raises InputError: no such vocabulary or file, or a file with no classes, too many, or two of one name.
    """
    if str(name) in BUILT_IN:
        return _built_in(str(name))
    path = Path(name)
    if not _is_file(path):
        raise InputError("vocabulary.unknown", name=repr(str(name)), known=", ".join(BUILT_IN))
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError("vocabulary.file_large", path=str(path), limit=MAX_FILE_BYTES // 1_000_000)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError("vocabulary.unreadable", path=str(path)) from error
    return _from_json(text, path) if path.suffix.lower() == ".json" else _from_lines(text, path)


def vocabulary_of(labels: Sequence[str], name: str = "own") -> Vocabulary:
    """A person's own list, one class for each label. Raises InputError as `load_vocabulary` does."""
    return _checked(name, (VocabularyClass(label, (label,)) for label in (" ".join(text.split()) for text in labels)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, a null byte
        return False


@functools.cache
def _built_in(name: str) -> Vocabulary:
    path = _FOLDER / f"{name}.json"
    return _from_json(path.read_text(encoding="utf-8"), path)


def _from_lines(text: str, path: Path) -> Vocabulary:
    classes = []
    for line in text.splitlines():
        words = re.sub(r"^\s*\d+\s*:", "", line).split(",")
        texts = tuple(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
        if texts and texts[0] != _INVALID_NAME and not line.lstrip().startswith("#"):
            classes.append(VocabularyClass(texts[0], texts))
    return _checked(path.stem, classes)


def _from_json(text: str, path: Path) -> Vocabulary:
    try:
        values = json.loads(text)
        entries = values["classes"]
        classes = [_class_of(entry) for entry in entries]
        head = {key: values[key] for key in ("title", "source") if isinstance(values.get(key), str)}
        name = values.get("name", path.stem)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("vocabulary.json_invalid", path=str(path)) from error
    return _checked(str(name), classes, **head)


def _class_of(entry: Any) -> VocabularyClass:
    name, texts, kind = entry["name"], entry.get("texts"), entry.get("kind", "thing")
    texts = [name] if texts is None else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in [name, *texts]):
        raise TypeError(texts)
    if kind not in ("thing", "stuff"):
        raise ValueError(kind)
    return VocabularyClass(name, tuple(texts), kind == "thing")


def _checked(name: str, classes: Iterable[VocabularyClass], **head: str) -> Vocabulary:
    vocabulary = Vocabulary(name, tuple(classes), **head)
    if not vocabulary.classes or not all(text.strip() for text in (*vocabulary.names, *vocabulary.texts)):
        raise InputError("vocabulary.empty", name=name)
    if len(vocabulary.classes) > MAX_CLASSES:
        raise InputError("vocabulary.too_many", name=name, limit=MAX_CLASSES, count=len(vocabulary.classes))
    if any(len(text) > MAX_TEXT_CHARACTERS for text in vocabulary.texts):
        raise InputError("vocabulary.text_long", name=name, limit=MAX_TEXT_CHARACTERS)
    seen: set[str] = set()
    for entry in vocabulary.classes:
        if entry.name in seen:
            raise InputError("vocabulary.twice", name=name, label=entry.name)
        seen.add(entry.name)
    return vocabulary
