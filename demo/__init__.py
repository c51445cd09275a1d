"""The page: a Gradio app over osprey_core. Importing it loads no model; `demo.app.build_app` builds the Blocks."""

from pathlib import Path

from osprey_core import i18n

# Error sentences of every package in `demo` come from this catalogue, so it is registered on import.
i18n.add_catalogue(Path(__file__).parent / "i18n")
