"""Questions that no picture answers: prices, owners, smells."""

from __future__ import annotations

from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.phrasings import REFUSALS, WORDINGS


def ask_refusal(talk: Conversation) -> DraftQuestion | None:
    """Something that cannot be seen."""
    index = talk.pick_region()
    if index is None:
        return None
    return DraftQuestion(WORDINGS["refusal"], talk.pick(REFUSALS), REFUSALS, (index,))
