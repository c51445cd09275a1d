"""The page's words, from the catalogues en.json, ko.json and zh.json of this folder.

A word is read where it is shown, so that it is in the language of the person for whom the code runs. English has every
word; the tests see to it that the translations have them too. Knows no component and no Gradio.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from demo.i18n import language
from osprey_core import i18n

FOLDER = Path(__file__).parent
"""`demo/__init__.py` makes its catalogues known."""


def text(key: str, **values: i18n.Param) -> str:
    """The text with this key, such as "chat.send", in the current language, its placeholders filled in.

    Raises KeyError if there is none: keys are written in code, and the tests look each of them up.
    """
    if i18n.template_of(key) is None:
        raise KeyError(key)
    return i18n.render(key, values, language.current())


def group(key: str) -> Any:
    """All texts below a key in the current language: an object or a list as the catalogue holds it, for scripts.

    Raises KeyError if there is none.
    """
    return _group(key, language.current())


def read(key: str) -> Any:
    """The text with this key, or the group of texts below it, in the current language."""
    return text(key) if i18n.template_of(key) is not None else group(key)


@lru_cache(maxsize=256)
def _group(key: str, code: str) -> Any:
    english, theirs = (i18n.read_catalogue(FOLDER, one) for one in (language.DEFAULT, code))
    for name in key.split("."):
        english = english[name]
        theirs = theirs.get(name, english) if isinstance(theirs, dict) else english
    return _completed(theirs, english)


def _completed(theirs: Any, english: Any) -> Any:
    """A translation, with English where it, or an entry of it, is missing."""
    if not isinstance(english, dict):
        return theirs
    return {name: _completed(theirs.get(name, inner), inner) for name, inner in english.items()}
