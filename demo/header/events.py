"""Handlers of the header: show the loading of the models, and switch the language of the page."""

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
    """Update the header while model and segmenter load; then set `defaults` to the model's sampling defaults.

    The timer updates only this state, never the sampling controls: a timer answer that arrives just after a person
    moved a control would undo the change.
    """
    timer = gr.Timer(1.0)
    handlers = StatusHandlers(services, is_embedded)
    timer.tick(handlers.look, defaults, [header, timer, defaults], **private(queues.AT_ONCE))


def wire_languages(page: Page, workspace: gr.State, header: gr.HTML, spoken: Outputs[Session]) -> None:
    """Wire the choice of language. `spoken` are the components whose words depend on the session."""
    handlers = LanguageHandlers(page, spoken)
    header.choose_language(
        handlers.choose_language,
        [workspace],
        page.spoken,
        **private(queues.AT_ONCE),
    )


@dataclass(frozen=True)
class StatusHandlers:
    """Handler of the timer that runs while something loads."""

    services: Services
    is_embedded: bool

    def look(self, current: list[float]) -> list[Any]:
        """Updates of header, timer and defaults; the timer stops once everything has loaded."""
        services = self.services
        resources = (services.model, services.segmenter, services.second, services.clip)
        busy = any(resource.state == "loading" for resource in resources if resource is not None)
        defaults = current
        if self.services.model.state == "ready":
            defaults = values_of(generation_defaults(self.services, self.is_embedded))
        header = header_html(self.services, self.is_embedded)
        return [header, gr.update(active=busy), gr.skip() if defaults == current else defaults]


@dataclass(frozen=True)
class LanguageHandlers:
    """Handler of the header's script."""

    page: Page
    spoken: Outputs[Session]

    def choose_language(self, workspace: Workspace, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """Updates of all components that show words."""
        language.choose(request.session_hash, LanguageChoice.read_event(event).language)
        properties = self.spoken.properties(workspace.session)
        return self.page.switch(dict(zip(self.spoken.components, properties, strict=True)))
