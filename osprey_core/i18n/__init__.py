"""Sentences by code, in every language: the catalogues en.json, ko.json and zh.json, and what fills them in.

A catalogue is nested by room; the code of a text is its path, such as "mask.size_mismatch". The page adds catalogues of
its own. Needs the standard library alone, and knows neither errors nor in which language anybody speaks.
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
    """A value that is put into words in the language of the text around it."""

    def render(self, language: str = ENGLISH) -> str: ...


Param = str | int | float | Renderable
"""What may fill a placeholder: ready values, or another message or error."""


@dataclass(frozen=True)
class Message:
    """A text of the catalogues with the values for its placeholders; it can be pickled and compared."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict, hash=False)

    def render(self, language: str = ENGLISH) -> str:
        return render(self.code, self.params, language)

    def __str__(self) -> str:
        return self.render()


@dataclass(frozen=True)
class Listing:
    """Several values in a row, parted as lists are in the language of the text around them."""

    items: tuple[Param, ...]
    separator: str = "list.comma"
    """The code of what stands between two of them."""

    def render(self, language: str = ENGLISH) -> str:
        separator = template_of(self.separator, language) or ", "
        return separator.join(str(_in_words(item, language)) for item in self.items)


def render(code: str, params: Mapping[str, Param], language: str = ENGLISH) -> str:
    """The text with this code in a language, its placeholders filled in.

    What a translation lacks is English; a code that no catalogue has is returned as it is, so that an error never hides
    behind another one.
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
    """All texts of a language by their codes; none for a language that there is not."""
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
    """Every text of a catalogue with its code: keys and places in lists, joined by dots."""
    if isinstance(value, str):
        yield path, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from flattened(inner, f"{path}.{key}" if path else str(key))
