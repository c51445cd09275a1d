"""Questions and answers about a scene, computed from what the scene holds."""

from osprey_core.training.dialogues.conversation import Conversation, DialogueTurn, DraftQuestion, QuestionMaker
from osprey_core.training.dialogues.kinds import KIND_WEIGHTS, Kinds, KindWeight
from osprey_core.training.dialogues.options import DialogueOptions
from osprey_core.training.dialogues.samples import (
    EVALUATION_SEEDS,
    DialogueSample,
    corpus,
    named_regions,
    region_vocabulary,
    sample,
    sample_about,
    samples,
)

__all__ = [
    "EVALUATION_SEEDS",
    "KIND_WEIGHTS",
    "Conversation",
    "DialogueOptions",
    "DialogueSample",
    "DialogueTurn",
    "DraftQuestion",
    "KindWeight",
    "Kinds",
    "QuestionMaker",
    "corpus",
    "named_regions",
    "region_vocabulary",
    "sample",
    "sample_about",
    "samples",
]
