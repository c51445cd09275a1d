"""Colours, fonts and spacing of the page. Uses system fonts, so nothing is fetched from other hosts."""

from __future__ import annotations

import gradio as gr

from demo.chat.transcript import chip_css
from demo.shared.scripts import text_of

STYLE_SHEETS = ("shared/elements.css", "page.css", "header/header.css", "chat/chat.css")
"""Style sheets of the whole page, in the order in which they are joined; other components have their own."""

_ACCENT = gr.themes.Color(
    name="osprey",
    c50="#eef5f8",
    c100="#d6e7ee",
    c200="#b0d0de",
    c300="#82b3c8",
    c400="#4f90ac",
    c500="#2b7594",
    c600="#1f6280",
    c700="#1a4f68",
    c800="#183f53",
    c900="#152f3e",
    c950="#0d1f2a",
)


def theme() -> gr.themes.Base:
    """The theme for `launch`."""
    return gr.themes.Base(
        primary_hue=_ACCENT,
        secondary_hue=_ACCENT,
        neutral_hue="slate",
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f7f8fa",
        body_background_fill_dark="#12161c",
        background_fill_secondary="#edf0f3",
        background_fill_secondary_dark="#1b212a",
        block_background_fill="#ffffff",
        block_background_fill_dark="#191f27",
        border_color_primary="#d9dee5",
        border_color_primary_dark="#313a46",
        block_border_color="#d9dee5",
        block_border_color_dark="#313a46",
        block_shadow="none",
        body_text_color="#1d2530",
        body_text_color_dark="#e6eaf0",
        body_text_color_subdued="#5a6675",
        body_text_color_subdued_dark="#98a4b3",
        color_accent_soft="#e3eff4",
        color_accent_soft_dark="#1d3340",
        border_color_accent_subdued="#c5dbe5",
        border_color_accent_subdued_dark="#2a4a5b",
        input_background_fill="#ffffff",
        input_background_fill_dark="#191f27",
        button_primary_background_fill="*primary_500",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#edf0f3",
        button_secondary_background_fill_dark="#191f27",
        button_secondary_background_fill_hover_dark="#242c37",
        button_secondary_border_color="#d9dee5",
        button_secondary_border_color_dark="#313a46",
        button_border_width="1px",
    )


def css() -> str:
    """The style sheet for `launch`."""
    return "\n".join([*map(text_of, STYLE_SHEETS), chip_css()])
