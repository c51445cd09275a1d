"""The header wired to what it does: it follows the loading of the models, and switches the language of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.header.panel import header_html
from demo.i18n import language
from demo.i18n.switching import Page
from demo.session.model_defaults import generation_defaults, values_of
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.messages import ScriptMessage
from demo.shared.outputs import Outputs
from demo.shared.queues import private


class LanguageChoice(ScriptMessage):
    """The language that was chosen, by its code."""

    language: str


def wire_status(services: Services, header: gr.HTML, defaults: gr.State, is_embedded: bool) -> None:
    """The header follows the loading of model and segmenter; then `defaults` takes the model's own sampling.

    Only this state hangs on the timer, never the controls of sampling: an answer of the timer that crosses a person's
    change on its way would undo the change.
    """
    timer = gr.Timer(1.0)
    handlers = StatusHandlers(services, is_embedded)
    timer.tick(handlers.look, defaults, [header, timer, defaults], **private(queues.AT_ONCE))


def wire_languages(page: Page, workspace: gr.State, header: gr.HTML, spoken: Outputs[Session]) -> None:
    """The choice of language. `spoken` says something of the session in words; the rest the page knows."""
    handlers = LanguageHandlers(page, spoken)
    header.choose_language(
        handlers.choose_language,
        [workspace],
        page.spoken,
        **private(queues.AT_ONCE),
    )


@dataclass(frozen=True)
class StatusHandlers:
    """What the timer calls while something loads."""

    services: Services
    is_embedded: bool

    def look(self, known: list[float]) -> list[Any]:
        """Updates of header, timer and defaults; the timer rests once nothing loads any more."""
        resources = (self.services.model, self.services.segmenter, self.services.second)
        busy = any(resource.state == "loading" for resource in resources if resource is not None)
        defaults = known
        if self.services.model.state == "ready":
            defaults = values_of(generation_defaults(self.services, self.is_embedded))
        header = header_html(self.services, self.is_embedded)
        return [header, gr.update(active=busy), gr.skip() if defaults == known else defaults]


@dataclass(frozen=True)
class LanguageHandlers:
    """What the header's script calls."""

    page: Page
    spoken: Outputs[Session]

    def choose_language(self, workspace: Workspace, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """Updates of everything that is written in words."""
        language.choose(request.session_hash, LanguageChoice.read_event(event).language)
        properties = self.spoken.properties(workspace.session)
        return self.page.switch(dict(zip(self.spoken.components, properties, strict=True)))
