"""The current language: that of the person whose event or request runs.

Reads only the names of languages from the catalogues. Independent of Gradio.
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
"""Each language's own name, by its code. English comes first: the others are translations of it."""
SHORT_NAMES = {code: str(names["short"]) for code, names in _NAMES.items()}
HTML_NAMES = {code: str(names["html"]) for code, names in _NAMES.items()}
"""Values of the page's attribute `lang`, by code."""
COOKIE = "osprey_language"
DEFAULT = i18n.ENGLISH

_speaking: ContextVar[str | None] = ContextVar("speaking", default=None)
_chosen: OrderedDict[str, str] = OrderedDict()
_MOST_CHOSEN = 10_000
_request: Callable[[], Any] = lambda: None  # noqa: E731


def current() -> str:
    """The code of the current language: that of `speaking`, or else that of the running event's request."""
    return _speaking.get() or of_request(_request()) or DEFAULT


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Use this language inside the `with` block; None or an unknown code means English."""
    token = _speaking.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _speaking.reset(token)


def follow_requests(find: Callable[[], Any]) -> None:
    """Set how the running event's request is found: `find` returns it (cookies, headers, session_hash) or None."""
    global _request
    _request = find


def choose(session_hash: str | None, code: Any) -> None:
    """Remember the choice of a browser tab, for browsers that refuse cookies. Unknown codes are ignored."""
    if session_hash and isinstance(code, str) and code in LANGUAGES:
        _chosen[session_hash] = code
        _chosen.move_to_end(session_hash)
        while len(_chosen) > _MOST_CHOSEN:
            _chosen.popitem(last=False)


def of_request(request: Any) -> str | None:
    """The tab's choice, or else the browser's (cookie), or else the browser's preference; None without a request."""
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
    """The supported language with the highest weight in an Accept-Language header; English if it names none."""
    candidates = []
    for place, part in enumerate(accepted.split(",")):
        name, *parameters = part.strip().lower().split(";")
        code = name.split("-")[0]
        weight = 1.0
        for parameter in parameters:
            match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
            weight = float(match.group(1)) if match else 0.0
        if code in LANGUAGES and weight > 0:
            candidates.append((-weight, place, code))
    return min(candidates)[2] if candidates else DEFAULT
