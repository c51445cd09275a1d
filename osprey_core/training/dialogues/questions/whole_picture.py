"""What questions about the whole picture share: things that a name alone points to, and what has been said."""

from __future__ import annotations

import re
from collections.abc import Callable

from osprey_core.training.dialogues.absent import is_kin
from osprey_core.training.dialogues.conversation import Conversation
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.scene import SceneObject


def pick_unique(talk: Conversation, accept: Callable[[SceneObject], bool]) -> SceneObject | None:
    """An object that satisfies a condition and is the only one that its name could mean."""
    objects = talk.scene.objects
    fit = [
        o
        for o in objects
        if accept(o) and not o.texture and not any(p is not o and is_kin(p.thing, o.thing) for p in objects)
    ]
    return fit[int(talk.rng.integers(len(fit)))] if fit else None


def is_named_already(talk: Conversation, thing: Thing) -> bool:
    """Whether any turn so far holds one of the thing's names, be it in the plural."""
    said = " ".join(f"{turn.question} {turn.answer}" for turn in talk.turns).lower()
    return any(re.search(rf"\b{re.escape(word)}", said) for word in thing.words)
