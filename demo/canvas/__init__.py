"""The picture canvas: a custom gr.HTML component with its Python side, script and style sheet."""
