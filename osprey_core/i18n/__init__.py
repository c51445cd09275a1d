"""Sentences by code in every language: the catalogues en.json, ko.json and zh.json, and their rendering.

A catalogue is nested by package; the code of a text is its path, such as "mask.size_mismatch". The page adds its own
catalogues. Uses the standard library only; callers choose the language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

_FOLDER = Path(__file__).parent
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(file.stem for file in _FOLDER.glob("*.json") if file.stem != ENGLISH))
"""Codes of the languages that have a catalogue here; English comes first, the others are translations of it."""

_folders = [_FOLDER]


@runtime_checkable
class Renderable(Protocol):
    """A value that is rendered in the language of the text that contains it."""

    def render(self, language: str = ENGLISH) -> str: ...


Param = str | int | float | Renderable
"""Values of placeholders: plain values, or another message or error."""


@dataclass(frozen=True)
class Message:
    """The code of a text with the values for its placeholders; it can be pickled and compared."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict, hash=False)

    def render(self, language: str = ENGLISH) -> str:
        return render(self.code, self.params, language)

    def __str__(self) -> str:
        return self.render()


@dataclass(frozen=True)
class Listing:
    """Several values, separated as in the language of the text that contains them."""

    items: tuple[Param, ...]
    separator: str = "list.comma"
    """The code of the text between two values."""

    def render(self, language: str = ENGLISH) -> str:
        separator = template_of(self.separator, language) or ", "
        return separator.join(str(_in_words(item, language)) for item in self.items)


def render(code: str, params: Mapping[str, Param], language: str = ENGLISH) -> str:
    """The text with this code in a language, its placeholders filled in.

    A text that the translation lacks is in English. An unknown code is returned unchanged, so that rendering an error
    never raises another one.
    """
    template = template_of(code, language)
    if template is None:
        return code
    return template.format_map({name: _in_words(value, language) for name, value in params.items()})


def _in_words(value: Param, language: str) -> str | int | float:
    return value.render(language) if isinstance(value, Renderable) else value


def template_of(code: str, language: str = ENGLISH) -> str | None:
    """The text with this code before its placeholders are filled in; None if there is none."""
    text = texts(language).get(code)
    return text if text is not None or language == ENGLISH else texts(ENGLISH).get(code)


@lru_cache(maxsize=2 * len(LANGUAGES))
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language by their codes; empty for an unknown language."""
    if language not in LANGUAGES:
        return {}
    return {code: text for folder in _folders for code, text in flattened(read_catalogue(folder, language))}


def add_catalogue(folder: Path) -> None:
    """Add the catalogues in a folder: one file for each language, as here."""
    if folder not in _folders:
        _folders.append(folder)
        texts.cache_clear()


def read_catalogue(folder: Path, language: str) -> dict[str, Any]:
    """The parsed file of a language: objects and lists, nested, with texts as leaves."""
    catalogue: dict[str, Any] = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    return catalogue


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a catalogue with its code: keys and list indices, joined by dots."""
    if isinstance(value, str):
        yield path, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from flattened(inner, f"{path}.{key}" if path else str(key))
