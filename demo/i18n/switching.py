"""How the page changes its language: which properties of which components are words, and Gradio's side of it.

A panel says it where it makes a component, by `in_words`. Who opens the page gets the words of their language with the
first paint; who switches gets them as an update, and scripts are mounted anew with their new words. Gradio's own
`gr.I18n` does not serve here: it follows the browser's language alone, and neither a choice nor what scripts are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.blocks import Block
from gradio.context import LocalContext
from starlette.middleware import Middleware
from starlette.requests import Request

from demo.i18n import language
from demo.i18n.catalog import read

language.follow_requests(lambda: LocalContext.request.get(None))

AnyBlock = TypeVar("AnyBlock", bound=Block)
Reader = Callable[[], Any]
"""Returns a property's value in the current language."""

_readers: WeakKeyDictionary[Block, dict[str, Reader]] = WeakKeyDictionary()
"""Of every component that shows words: its properties that depend on the language."""


def in_words(component: AnyBlock, **words: str | Reader) -> AnyBlock:
    """Give properties of a component their words, now and whenever the language changes; returns the component.

    Each is the key of a text or of a group of texts in the catalogues, or a function that returns the value.
    """
    readers = {name: _reader(word) for name, word in words.items()}
    _readers[component] = readers
    for name, reader in readers.items():
        if isinstance(component, gr.HTML) and name != "value":
            component.props[name] = reader()
        else:
            setattr(component, name, reader())
    return component


def _reader(word: str | Reader) -> Reader:
    if isinstance(word, str):
        return lambda: read(word)
    return word


class Page(gr.Blocks):
    """Blocks whose words are in the language of whoever asks for them."""

    def __init__(self, **options: Any) -> None:
        self._config: Any = {}
        super().__init__(**options)

    @property
    def config(self) -> Any:
        """What a browser is sent, in the current language."""
        if "components" not in self._config:
            return self._config
        components = [
            {**component, "props": _with_words(component["props"], self.blocks.get(component["id"]))}
            for component in self._config["components"]
        ]
        return {**self._config, "components": components}

    @config.setter
    def config(self, config: Any) -> None:
        self._config = config

    @property
    def spoken(self) -> list[Block]:
        """The components that show words: the outputs of the event that switches the language."""
        return [block for block in self.blocks.values() if block in _readers]

    def switch(self, now: dict[Any, dict[str, Any]]) -> dict[Any, Any]:
        """Updates of `spoken` that bring the page into the current language.

        `now` gives the properties that depend on what the page shows; others are what they are at first.
        """
        return {block: gr.update(**{**_words_of(block), **now.get(block, {})}) for block in self.spoken}

    def launch(self, *args: Any, **options: Any) -> Any:
        """As `gr.Blocks.launch`; requests for the page are answered in the language of their browser."""
        kwargs = dict(options.pop("app_kwargs", None) or {})
        kwargs["middleware"] = [*kwargs.get("middleware", ()), Middleware(_SpeaksAsAsked)]
        return super().launch(*args, app_kwargs=kwargs, **options)


def _words_of(block: Block | None) -> dict[str, Any]:
    """A component's properties that are words, in the current language."""
    readers = {} if block is None else _readers.get(block, {})
    return {name: reader() for name, reader in readers.items()}


def _with_words(properties: dict[str, Any], block: Block | None) -> dict[str, Any]:
    """A component's properties as a browser is sent them; a gr.HTML keeps those of its scripts apart, in `props`."""
    words = _words_of(block)
    if not words:
        return properties
    inner = properties.get("props") or {}
    changed = {**properties, **{name: value for name, value in words.items() if name not in inner}}
    if inner:
        changed["props"] = {**inner, **{name: value for name, value in words.items() if name in inner}}
    return changed


class _SpeaksAsAsked:
    """Answers requests for the page, not those of its events, in the language that they ask for."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or "/gradio_api" in scope["path"]:
            await self._app(scope, receive, send)
            return
        with language.speaking(language.of_request(Request(scope))):
            await self._app(scope, receive, send)
