"""In which language the page speaks: that of the person for whom code runs, in an event of the one who triggered it.

Knows of the catalogues only how they call their language; no component and no Gradio.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from osprey_core import i18n

_NAMES = {code: i18n.read_catalogue(Path(__file__).parent, code)["language"] for code in i18n.LANGUAGES}
LANGUAGES = {code: str(names["name"]) for code, names in _NAMES.items()}
"""Codes, and each language's name for itself. English comes first: the others are translations of it."""
SHORT_NAMES = {code: str(names["short"]) for code, names in _NAMES.items()}
HTML_NAMES = {code: str(names["html"]) for code, names in _NAMES.items()}
"""What the attribute `lang` of the page says."""
COOKIE = "osprey_language"
DEFAULT = i18n.ENGLISH

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
