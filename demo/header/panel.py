"""The header's component: title and tagline, loading status, choice of language, help button."""

from __future__ import annotations

import html
from typing import Any

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

MAX_NAME_CHARACTERS = 24
"""Longest name of a model in the header; the details show it whole."""


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
        f'<div class="osp-status" role="status">{_status_html(services, is_embedded)}</div>'
        f'<div class="osp-header-tools">{_languages_html()}{_theme_html()}{_help_html()}</div></div>'
    )


def _status_html(services: Services, is_embedded: bool) -> str:
    """HTML of what is loading or failed to load, and the details of what is ready, which open on request."""
    ready, loading, failures = "", "", ""
    for resource, label in (
        (services.model, text("status.model")),
        (services.second, text("status.second")),
        (_own_clip(services), text("status.clip")),
        (services.segmenter, text("status.segmenter")),
    ):
        if resource is None:
            continue
        if resource.state == "loading":
            loading += _pill("osp-loading", _loading_in_words(resource))
        elif resource.state == "failed":
            reason = sentence_of(resource.error)
            failures += _pill("osp-failed", f"{text('status.failed', name=resource.name)} {reason}")
        else:
            ready += _pill("osp-ready", f"{label}: {_details(resource)}")
    details = ready + (_note_html() if is_embedded else "")
    about = (
        f'<details class="osp-model"><summary><i></i>{html.escape(_short_name(services.model))}</summary>'
        f'<div class="osp-model-more">{details}</div></details>'
        if details
        else ""
    )
    return loading + about + failures


def _own_clip(services: Services) -> LazyResource[Any] | None:
    """The CLIP, unless it is a part of a model that has a line of its own."""
    names = [resource.name for resource in (services.model, services.second) if resource is not None]
    return None if services.clip is None or services.clip.name in names else services.clip


def _short_name(model: LazyResource[Any]) -> str:
    """The model's name without folders or the owner of a repository, as far as a header has room for it."""
    return model.name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1][:MAX_NAME_CHARACTERS] or text("status.model")


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
        f"<p>{html.escape(text('note.embedded'))}</p><p>{html.escape(text('note.full_model'))} "
        f"<code>{html.escape(text('note.full_command'))}</code></p>"
    )


def _theme_html() -> str:
    tip = html.escape(text("header.theme"))
    return f'<button type="button" class="osp-theme" title="{tip}" aria-label="{tip}"></button>'


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
    label = html.escape(text("help.button"))
    return f'<button type="button" class="osp-help-open" aria-label="{label}"><span>{label}</span><kbd>?</kbd></button>'


def _pill(state: str, text: str) -> str:
    return f'<span class="{state}"><i></i>{html.escape(text)}</span>'
