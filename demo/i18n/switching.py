"""Switching the page's language: which component properties are words, and their updates in Gradio.

A panel declares them with `in_words` when it makes a component. The page is served in the person's language; after a
switch the words arrive as updates, and scripts are mounted again with their new words. Gradio's own `gr.I18n` does not
suffice: it follows the browser's language only, so it offers no choice and does not cover the properties of scripts.
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
"""For each component that shows words: the readers of its language-dependent properties, by name."""


def in_words(component: AnyBlock, **words: str | Reader) -> AnyBlock:
    """Set language-dependent properties of a component, now and after each change of language; returns the component.

    Each value is the key of a text or of a group of texts in the catalogues, or a function that returns the value.
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
    """Blocks whose words are in the language of each request."""

    def __init__(self, **options: Any) -> None:
        self._config: Any = {}
        super().__init__(**options)

    @property
    def config(self) -> Any:
        """The configuration that a browser receives, in the current language."""
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
        """Updates of `spoken` that switch the page to the current language.

        `now` holds the properties that depend on the session; all others take their initial value in that language.
        """
        return {block: gr.update(**{**_words_of(block), **now.get(block, {})}) for block in self.spoken}

    def launch(self, *args: Any, **options: Any) -> Any:
        """As `gr.Blocks.launch`; requests for the page are answered in the browser's language."""
        kwargs = dict(options.pop("app_kwargs", None) or {})
        kwargs["middleware"] = [*kwargs.get("middleware", ()), Middleware(_SpeaksAsAsked)]
        return super().launch(*args, app_kwargs=kwargs, **options)


def _words_of(block: Block | None) -> dict[str, Any]:
    """A component's properties that are words, in the current language."""
    readers = {} if block is None else _readers.get(block, {})
    return {name: reader() for name, reader in readers.items()}


def _with_words(properties: dict[str, Any], block: Block | None) -> dict[str, Any]:
    """A component's properties in the current language; a gr.HTML keeps those of its script apart, in `props`."""
    words = _words_of(block)
    if not words:
        return properties
    inner = properties.get("props") or {}
    changed = {**properties, **{name: value for name, value in words.items() if name not in inner}}
    if inner:
        changed["props"] = {**inner, **{name: value for name, value in words.items() if name in inner}}
    return changed


class _SpeaksAsAsked:
    """ASGI middleware: answer requests for the page, but not for its events, in the language they ask for."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or "/gradio_api" in scope["path"]:
            await self._app(scope, receive, send)
            return
        with language.speaking(language.of_request(Request(scope))):
            await self._app(scope, receive, send)
