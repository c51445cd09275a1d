"""Caching between questions about one picture: the language model's keys and values, within a budget of bytes."""
