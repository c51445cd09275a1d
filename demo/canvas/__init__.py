"""The picture canvas: a Gradio HTML component of our own (Python side, script and style beside each other)."""
