"""Every kind of question, with the function that makes one: a file for each family."""

from __future__ import annotations

from collections.abc import Mapping

from osprey_core.training.dialogues.conversation import QuestionMaker
from osprey_core.training.dialogues.questions.colors import ask_color, ask_is_color, ask_named_color, ask_texture
from osprey_core.training.dialogues.questions.counts import ask_count, ask_presence
from osprey_core.training.dialogues.questions.descriptions import ask_background, ask_detailed, ask_picture, ask_short
from osprey_core.training.dialogues.questions.names import (
    ask_category,
    ask_is_category,
    ask_same_kind,
    ask_these,
    ask_use_group,
    ask_what,
)
from osprey_core.training.dialogues.questions.parts import ask_has_part, ask_part_of, ask_parts
from osprey_core.training.dialogues.questions.places import (
    ask_around,
    ask_direction,
    ask_is_position,
    ask_named_position,
    ask_position,
)
from osprey_core.training.dialogues.questions.refusals import ask_refusal
from osprey_core.training.dialogues.questions.relations import ask_front, ask_relation, ask_which_side
from osprey_core.training.dialogues.questions.sizes import ask_order, ask_size, ask_which_larger

QUESTION_MAKERS: Mapping[str, QuestionMaker] = {
    "category": ask_category,
    "short": ask_short,
    "detailed": ask_detailed,
    "what": ask_what,
    "color": ask_color,
    "position": ask_position,
    "size": ask_size,
    "relation": ask_relation,
    "which_larger": ask_which_larger,
    "which_side": ask_which_side,
    "order": ask_order,
    "direction": ask_direction,
    "around": ask_around,
    "same_kind": ask_same_kind,
    "count": ask_count,
    "presence": ask_presence,
    "is_color": ask_is_color,
    "is_category": ask_is_category,
    "is_position": ask_is_position,
    "part_of": ask_part_of,
    "parts": ask_parts,
    "has_part": ask_has_part,
    "texture": ask_texture,
    "background": ask_background,
    "refusal": ask_refusal,
    "picture": ask_picture,
    "these": ask_these,
    "named_color": ask_named_color,
    "named_position": ask_named_position,
    "front": ask_front,
    "use_group": ask_use_group,
}
"""The maker of each kind of question; the kinds are those of `KIND_WEIGHTS`."""
