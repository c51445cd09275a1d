"""Helpers that several packages of the page use."""
