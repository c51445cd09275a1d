"""The page: a Gradio app over osprey_core. Importing it loads no model; `demo.app.build_app` builds the Blocks."""

from pathlib import Path

from osprey_core import i18n

# Errors of every room are told from it, also where nothing else reads the page's words.
i18n.add_catalogue(Path(__file__).parent / "i18n")
