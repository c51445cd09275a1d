"""In which language the page speaks, and how a word is found in it.

`words.X` is English where it is written, and in the language of the person for whom code runs wherever it is read: in
an event that is the one who triggered it. So code says `words.X` inside functions and needs to know nothing of this.
Translations are modules with the same names; what they lack stays English. Knows no component and no Gradio.
"""

from __future__ import annotations

import importlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import ModuleType
from typing import Any

LANGUAGES = {"en": "English", "ko": "한국어", "zh": "简体中文"}
"""Codes, and each language's name for itself. English comes first: the others are translations of it."""
SHORT_NAMES = {"en": "EN", "ko": "한국어", "zh": "中文"}
HTML_NAMES = {"en": "en", "ko": "ko", "zh": "zh-Hans"}
"""What the attribute `lang` of the page says."""
COOKIE = "osprey_language"
DEFAULT = "en"

_speaking: ContextVar[str | None] = ContextVar("speaking", default=None)
_chosen: OrderedDict[str, str] = OrderedDict()
_MOST_CHOSEN = 10_000
_request: Callable[[], Any] = lambda: None  # noqa: E731


def current() -> str:
    """The code of the language to speak here and now: that of `speaking`, or of the person whose event this is."""
    return _speaking.get() or of_request(_request()) or DEFAULT


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Inside, words are in this language; None, or one that there is not, is English."""
    token = _speaking.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _speaking.reset(token)


def follow_requests(find: Callable[[], Any]) -> None:
    """`find` gives the request whose event is running, or None: an object with cookies, headers, session_hash."""
    global _request
    _request = find


def choose(session_hash: str | None, code: Any) -> None:
    """Remember what was chosen in a browser tab, also where cookies are refused. Unknown codes mean nothing."""
    if session_hash and isinstance(code, str) and code in LANGUAGES:
        _chosen[session_hash] = code
        _chosen.move_to_end(session_hash)
        while len(_chosen) > _MOST_CHOSEN:
            _chosen.popitem(last=False)


def of_request(request: Any) -> str | None:
    """What was chosen in that tab, or in that browser, or else what the browser prefers; None without a request."""
    if request is None:
        return None
    chosen = _chosen.get(getattr(request, "session_hash", None) or "")
    if chosen:
        return chosen
    cookie = (getattr(request, "cookies", None) or {}).get(COOKIE)
    if cookie in LANGUAGES:
        return str(cookie)
    headers: Mapping[str, str] = getattr(request, "headers", None) or {}
    return preferred(headers.get("accept-language", ""))


def preferred(accepted: str) -> str:
    """The first of our languages in an Accept-Language header, by its weights; English if it names none of them."""
    weighed = []
    for place, part in enumerate(accepted.split(",")):
        name, *parameters = part.strip().lower().split(";")
        code = name.split("-")[0]
        weight = 1.0
        for parameter in parameters:
            match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
            weight = float(match.group(1)) if match else 0.0
        if code in LANGUAGES and weight > 0:
            weighed.append((-weight, place, code))
    return min(weighed)[2] if weighed else DEFAULT


# --- words -----------------------------------------------------------------------------------------------------------


class _Words(ModuleType):
    """A module whose constants are read in the current language."""

    def __getattribute__(self, name: str) -> Any:
        english = super().__getattribute__(name)
        if not name.isupper() or (code := current()) == DEFAULT:
            return english
        return translation(code, name, english)


def follow(module: ModuleType) -> None:
    """From now on the module's constants are read in the current language."""
    module.__class__ = _Words


def translation(code: str, name: str, english: Any) -> Any:
    """The constant of this name in a language; English where it, or an entry of it, is missing."""
    return _completed(getattr(_module(code), name, english), english)


def _completed(found: Any, english: Any) -> Any:
    if not isinstance(english, dict):
        return found
    return {key: _completed(found.get(key, inner), inner) for key, inner in english.items()}


def translated(sentence: str) -> str:
    """A finished English sentence in the current language, if it is one of ours; any other as it is.

    The core and background threads know no language; their sentences are recognised by their templates.
    """
    code = current()
    if code == DEFAULT:
        return sentence
    for pattern, template in _templates(code):
        match = pattern.fullmatch(sentence)
        if match:
            # What is filled in may be a sentence of ours, too.
            return template.format(**{name: translated(value) for name, value in match.groupdict().items()})
    return sentence


def _module(code: str) -> ModuleType:
    return importlib.import_module(f"demo.i18n.words_{code}")


@lru_cache(maxsize=len(LANGUAGES))
def _templates(code: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of English sentences, those with the most fixed text first, with their translations."""
    words = importlib.import_module("demo.i18n.words")
    with speaking(DEFAULT):
        english = {name: value for name, value in vars(words).items() if name.isupper() and isinstance(value, str)}
    pairs = dict(_module(code).CORE)
    for name, value in english.items():
        theirs = getattr(_module(code), name, None)
        if theirs and value.endswith((".", "!", "?")):  # sentences, no labels
            pairs.setdefault(value, theirs)
    order = sorted(pairs, key=lambda template: -len(_HOLE.sub("", template)))
    return tuple((_pattern(template), pairs[template]) for template in order)


_HOLE = re.compile(r"\{(\w+)\}")


def _pattern(template: str) -> re.Pattern[str]:
    pieces = _HOLE.split(template)  # text, name, text, name … text
    written = [f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)]
    return re.compile("".join(written), re.DOTALL)
