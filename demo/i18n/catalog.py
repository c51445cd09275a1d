"""The page's texts, from the catalogues en.json, ko.json and zh.json of this folder.

A text is read when it is shown, in the language of the person whose event runs. English has every text; tests check
that the translations have them too. Independent of Gradio.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from demo.i18n import language
from osprey_core import i18n

FOLDER = Path(__file__).parent
"""`demo/__init__.py` registers its catalogues."""


def text(key: str, **values: i18n.Param) -> str:
    """The text with this key, such as "chat.send", in the current language, its placeholders filled in.

    Raises KeyError if there is none: keys are literals in code, and tests look up each of them.
    """
    if i18n.template_of(key) is None:
        raise KeyError(key)
    return i18n.render(key, values, language.current())


def group(key: str) -> Any:
    """All texts below a key in the current language, as the catalogue's object or list; used for scripts.

    Raises KeyError if there is none.
    """
    return _group(key, language.current())


def read(key: str) -> Any:
    """The text with this key, or the group of texts below it, in the current language."""
    return text(key) if i18n.template_of(key) is not None else group(key)


@lru_cache(maxsize=256)
def _group(key: str, code: str) -> Any:
    english, translated = (i18n.read_catalogue(FOLDER, name) for name in (language.DEFAULT, code))
    for name in key.split("."):
        english = english[name]
        translated = translated.get(name, english) if isinstance(translated, dict) else english
    return _completed(translated, english)


def _completed(translated: Any, english: Any) -> Any:
    """The translation, with the English text for every missing entry."""
    if not isinstance(english, dict):
        return translated
    return {name: _completed(translated.get(name, inner), inner) for name, inner in english.items()}
