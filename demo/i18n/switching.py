"""How the page changes its language: Gradio's side of `demo.language`.

The page is put together once in each language, and the texts that differ are kept. Who opens it gets those of their
language with the first paint; who switches gets them as an update, and scripts are mounted anew with their new words.
Panels know nothing of this: they say `text("chat.send")`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from starlette.middleware import Middleware
from starlette.requests import Request

from demo.i18n import language

language.follow_requests(lambda: LocalContext.request.get(None))

Texts = dict[int, dict[str, Any]]
"""By the id of a component, those of its properties that are not the same in all languages."""


class Page(gr.Blocks):
    """Blocks whose texts are in the language of whoever asks for them."""

    def __init__(self, **options: Any) -> None:
        self._config: Any = {}
        self.texts: dict[str, Texts] = {}
        super().__init__(**options)

    @property
    def config(self) -> Any:
        """What a browser is sent, in the current language."""
        texts = self.texts.get(language.current())
        if not texts or "components" not in self._config:
            return self._config
        components = [
            {**component, "props": _with_texts(component["props"], texts[component["id"]])}
            if component["id"] in texts
            else component
            for component in self._config["components"]
        ]
        return {**self._config, "components": components}

    @config.setter
    def config(self, config: Any) -> None:
        self._config = config

    def launch(self, *args: Any, **options: Any) -> Any:
        """As `gr.Blocks.launch`; requests for the page are answered in the language of their browser."""
        kwargs = dict(options.pop("app_kwargs", None) or {})
        kwargs["middleware"] = [*kwargs.get("middleware", ()), Middleware(_SpeaksAsAsked)]
        return super().launch(*args, app_kwargs=kwargs, **options)


def build(put_together: Callable[[], Callable[[Page], None]], **options: Any) -> Page:
    """The page whose components `put_together` makes, in every language. It is called once for each.

    What it returns is called at the end with the page that will be served, for events that need all its texts.
    """
    drafts: dict[str, list[dict[str, Any]]] = {}
    for code in language.LANGUAGES:
        if code == language.DEFAULT:
            continue
        with contextlib.suppress(_EnoughError), language.speaking(code), gr.Blocks(**options) as draft:
            put_together()
            drafts[code] = _properties(draft)
            raise _EnoughError  # a draft is never served
    with language.speaking(language.DEFAULT), Page(**options) as page:
        finish = put_together()
        drafts[language.DEFAULT] = _properties(page)
        page.texts.update(_differing(list(page.blocks)[1:], drafts))
        finish(page)
    return page


def components_with_texts(page: Page) -> list[Any]:
    """Those whose texts depend on the language: the outputs of the event that switches it."""
    return [page.blocks[component_id] for component_id in page.texts[language.DEFAULT]]


def switch(page: Page, now: dict[Any, dict[str, Any]]) -> dict[Any, Any]:
    """Updates that bring the page into the current language.

    `now` gives the properties that depend on what the page shows; of others it takes what they are at first.
    """
    texts = page.texts[language.current()]
    return {
        component: gr.update(**{**texts[component._id], **now.get(component, {})})
        for component in components_with_texts(page)
    }


class _EnoughError(Exception):
    """Ends the making of a draft."""


def _properties(blocks: gr.Blocks) -> list[dict[str, Any]]:
    """Of every component in the order in which they were made."""
    found = []
    for block in list(blocks.blocks.values())[1:]:  # the first is the page itself
        config = block.get_config()
        # A gr.HTML keeps those of its script apart; updates name them like all others.
        found.append({"": type(block).__name__, **config, **(config.pop("props", None) or {})})
    return found


def _with_texts(properties: dict[str, Any], texts: dict[str, Any]) -> dict[str, Any]:
    """A component's properties with these in place of its own."""
    inner = properties.get("props") or {}
    changed = {**properties, **{name: value for name, value in texts.items() if name not in inner}}
    if inner:
        changed["props"] = {**inner, **{name: value for name, value in texts.items() if name in inner}}
    return changed


def _differing(ids: list[int], drafts: dict[str, list[dict[str, Any]]]) -> dict[str, Texts]:
    """What is not the same in all drafts, by language."""
    texts: dict[str, Texts] = {code: {} for code in drafts}
    for component_id, *same in zip(ids, *drafts.values(), strict=True):
        assert len({properties[""] for properties in same}) == 1, "in all languages the page has the same components"
        names = [name for name in same[0] if any(other.get(name) != same[0][name] for other in same)]
        for code, properties in zip(drafts, same, strict=True):
            if names:
                texts[code][component_id] = {name: properties.get(name) for name in names}
    return texts


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
