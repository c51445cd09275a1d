"""Scores of a model on made scenes whose answers are known: questions, judges, measures, controls."""

from osprey_core.evaluation.controls import CONTROLS, Ask, blank_picture, plain, shuffled_masks, without
from osprey_core.evaluation.judges import YES_NO, is_right, is_true_color, semantic_iou, words_of
from osprey_core.evaluation.measures import Score, bootstrap, yes_no_measures
from osprey_core.evaluation.questions import TOPICS, HeldOut, Question, balanced, conversations, questions_of
from osprey_core.evaluation.scoring import evaluate, report
from osprey_core.evaluation.sentence_similarity import SentenceEncoder, load_sentence_encoder, semantic_similarity

__all__ = [
    "CONTROLS",
    "TOPICS",
    "YES_NO",
    "Ask",
    "HeldOut",
    "Question",
    "Score",
    "SentenceEncoder",
    "balanced",
    "blank_picture",
    "bootstrap",
    "conversations",
    "evaluate",
    "is_right",
    "is_true_color",
    "load_sentence_encoder",
    "plain",
    "questions_of",
    "report",
    "semantic_iou",
    "semantic_similarity",
    "shuffled_masks",
    "without",
    "words_of",
    "yes_no_measures",
]
