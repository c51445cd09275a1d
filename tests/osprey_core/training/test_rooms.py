"""The rooms of training and their order: pictures know no questions, questions no recipes, recipes no loop."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRAINING = "osprey_core.training."
ABOVE = {
    "scenes": ("dialogues", "recipes", "sources", "config", "batches", "loop"),
    "dialogues": ("recipes", "records", "sources", "config", "batches", "loop"),
    "recipes": ("records", "sources", "config", "batches", "loop"),
    "records": ("recipes", "sources", "config", "batches", "loop"),
}
"""What each room must not import."""


@pytest.mark.parametrize("room", ABOVE)
def test_rooms_import_no_room_above(room: str) -> None:
    for path in sorted((ROOT / "osprey_core" / "training" / room).rglob("*.py")):
        names = [
            node.module or ""
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        ]
        rooms = {name.removeprefix(TRAINING).split(".")[0] for name in names if name.startswith(TRAINING)}
        assert not rooms & set(ABOVE[room]), path
