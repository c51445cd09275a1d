"""The header's component: title and tagline, loading status, choice of language, help button."""

from __future__ import annotations

import html

import gradio as gr

from demo.i18n import language
from demo.i18n.catalog import text
from demo.i18n.switching import in_words
from demo.session.services import Services
from demo.session.session import Session
from demo.shared.components import scripted
from demo.shared.lazy_resource import LazyResource
from demo.shared.outputs import Outputs
from demo.shared.problems import sentence_of


def build_header(services: Services, is_embedded: bool) -> gr.HTML:
    """The header with the help button and the choice of language; it triggers `choose_language`."""
    return in_words(
        scripted("header", "header/header.js", ("choose_language",), cookie=language.COOKIE),
        value=lambda: header_html(services, is_embedded),
        words="help.sheet",
        steps="help.steps",
        sections="help.keys",
        language=language.current,
        lang=lambda: language.HTML_NAMES[language.current()],
    )


def header_outputs(services: Services, header: gr.HTML, is_embedded: bool) -> Outputs[Session]:
    """The current header; it does not depend on the session."""
    return Outputs((header,), lambda _: [{"value": header_html(services, is_embedded)}])


def header_html(services: Services, is_embedded: bool) -> str:
    """The header's HTML. is_embedded: whether the built-in model runs, which adds a note about its limits."""
    return (
        f'<div class="osp-header"><h1>{text("header.title")}</h1>'
        f'<div class="osp-tagline">{html.escape(text("header.tagline"))}</div>'
        f'<div class="osp-status" role="status">{_status_html(services)}</div>{_languages_html()}{_help_html()}</div>'
        f"{_note_html() if is_embedded else ''}"
    )


def _status_html(services: Services) -> str:
    """HTML of the resources that are ready or loading, then of those that failed to load."""
    pills, failures = "", ""
    for resource, label in (
        (services.model, text("status.model")),
        (services.second, text("status.second")),
        (services.segmenter, text("status.segmenter")),
    ):
        if resource is None:
            continue
        if resource.state == "loading":
            pills += _pill("osp-loading", _loading_in_words(resource))
        elif resource.state == "failed":
            reason = sentence_of(resource.error)
            failures += _pill("osp-failed", f"{text('status.failed', name=resource.name)} {reason}")
        else:
            pills += _pill("osp-ready", f"{label}: {_details(resource)}")
    return pills + failures


def _loading_in_words(resource: LazyResource) -> str:
    """That a resource is being loaded, or how far the download of its files is."""
    progress = resource.progress
    if progress is None:
        return text("status.loading", name=resource.name)
    done, total = (f"{count / 1e6:.0f}" for count in (progress.done, progress.total))
    return text("status.downloading", name=resource.name, done=done, total=total, percent=progress.percent)


def _details(resource: LazyResource) -> str:
    """Name, device and dtype of a loaded resource."""
    loaded = resource.get()
    parts = [loaded.name, *(str(getattr(loaded, part)) for part in ("device", "dtype") if hasattr(loaded, part))]
    return " · ".join(parts)


def _note_html() -> str:
    return (
        f'<details class="osp-model-note"><summary>{html.escape(text("note.embedded"))} '
        f"<u>{html.escape(text('note.more'))}</u></summary>{html.escape(text('note.full_model'))} "
        f"<code>{html.escape(text('note.full_command'))}</code></details>"
    )


def _languages_html() -> str:
    choices = "".join(
        f'<button type="button" data-language="{code}" lang="{language.HTML_NAMES[code]}" title="{name}" '
        f'aria-label="{name}" aria-pressed="{str(code == language.current()).lower()}">'
        f"{language.SHORT_NAMES[code]}</button>"
        for code, name in language.LANGUAGES.items()
    )
    return (
        f'<div class="osp-languages" role="group" aria-label="{html.escape(text("header.language"))}">{choices}</div>'
    )


def _help_html() -> str:
    return f'<button type="button" class="osp-help-open">{html.escape(text("help.button"))}<kbd>?</kbd></button>'


def _pill(state: str, text: str) -> str:
    return f'<span class="{state}"><i></i>{html.escape(text)}</span>'
