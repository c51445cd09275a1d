"""What conversations about made scenes are made of. Values and their checks only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from osprey_core.training.dialogues.kinds import KIND_WEIGHTS, Kinds, weighted
from osprey_core.training.scenes.scene import SceneOptions

About = Literal["anything", "objects", "parts"]


@dataclass(frozen=True)
class DialogueOptions:
    """What a sample is made of. Raises ValueError where a value is out of its range."""

    scene: SceneOptions = field(default_factory=SceneOptions)
    """The picture."""
    max_turns: int = 7
    """Most questions of a conversation, 1 to 12."""
    single_turn_share: float = 0.4
    """Share of conversations with one question."""
    exact_masks: bool = False
    """Whether masks stay exact; otherwise most are roughened as a person's selection would be."""
    kinds: Kinds = ()
    """Only these kinds of question, with their weights; empty: all as usual."""
    surroundings: bool = True
    """Detailed descriptions tell of neighbours, of what hides the thing, and of the background."""
    about: About = "anything"
    """What regions show; in pictures without such a thing nothing is said."""
    thorough: bool = False
    """As many regions as turns, and every turn brings one and asks about it, where its kind of question can."""
    even_relations: bool = False
    """Of two regions whose relation is asked, all kinds of relation come equally often, as far as there are any.

    By chance alone nearly all pairs lie straight beside or above each other."""
    unsaid: bool = False
    """Whether something is in the picture is asked only of what the conversation has not named yet, and only as long
    as something in the picture is left to name: the answer can then be seen, and cannot be read."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_turns <= 12:
            raise ValueError(f"max_turns is {self.max_turns}: give 1..12")
        unknown = {choice.kind for choice in weighted(self.kinds)} - set(KIND_WEIGHTS)
        if unknown:
            raise ValueError(f"kinds has {sorted(unknown)}: choose from {sorted(KIND_WEIGHTS)}")
        if self.about not in get_args(About):
            raise ValueError(f"about is {self.about!r}: choose anything, objects or parts")
