"""Labels and vocabularies as people choose them: a typed list, or the name of one that ships with the program."""

from __future__ import annotations

import re
from typing import Any

from osprey_core.errors import InputError
from osprey_core.vocabularies import BUILT_IN, Vocabulary, load_vocabulary, vocabulary_of

MAX_LIST_CHARACTERS = 20_000

OWN = "own"
"""Stands for the person's own list of labels among the vocabularies."""


def read_labels(typed: Any) -> tuple[str, ...]:
    """The distinct labels of a typed list, in typed order. Raises InputError for fewer than two."""
    pieces = re.split(r"[\n,;，、；]", typed) if isinstance(typed, str) else typed
    if not isinstance(pieces, list | tuple) or not all(isinstance(piece, str) for piece in pieces):
        raise InputError("page.few_labels")
    if sum(map(len, pieces)) > MAX_LIST_CHARACTERS:
        raise InputError("page.long_list", limit=MAX_LIST_CHARACTERS)
    labels = tuple(dict.fromkeys(" ".join(piece.split()) for piece in pieces if piece.strip()))
    if len(labels) < 2:
        raise InputError("page.few_labels")
    return labels


def chosen_vocabulary(name: str, labels: Any = "") -> Vocabulary:
    """The vocabulary of this name, of those that ship; for `OWN`, of the person's labels.

    Raises InputError for any other name: a person on the page must not have files of this computer read.
    """
    if name == OWN:
        return vocabulary_of(read_labels(labels), OWN)
    if name not in BUILT_IN:
        raise InputError("page.unknown_vocabulary", known=", ".join((*BUILT_IN, OWN)))
    return load_vocabulary(name)
