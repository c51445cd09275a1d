"""The page: a Gradio app over osprey_core. Importing it loads no model; `demo.page.build_app` builds the Blocks."""
