"""Scripts and style sheets of the page's own components, read from the files beside this one.

Gradio gives every component a script of its own, which cannot import; so what they share is put in front of each.
"""

from __future__ import annotations

from importlib import resources

SHARED = "elements.js"


def script(*names: str) -> str:
    """The text of these scripts, one after the other, behind what all scripts share."""
    return "\n".join(text_of(name) for name in (SHARED, *names))


def text_of(name: str) -> str:
    """The text of a file by its path below this folder, such as "canvas/canvas.css"."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
