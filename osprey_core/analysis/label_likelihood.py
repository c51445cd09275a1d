"""Label scores: the model's likelihood of answering with each of a person's labels for a region.

Every label is scored as the whole answer to a published question, its end included, so that the scores are
log-probabilities of different answers and can be compared. The question is prefilled once, using the picture's cache;
then all labels are scored in batches. No text is generated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT
from osprey_core.cache.prefix_cache import cache_of
from osprey_core.errors import ContextOverflowError, InputError
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.regions.masks import as_mask
from osprey_core.view import ReadPrompt, View

MAX_LABELS = 1000

MIN_SHARE = 0.5
"""Below this share of the list's probability, the best label is not a clear winner."""
MIN_ON_LIST = 0.1
"""Below this probability of the whole list, the model's answer is most likely not on the list."""

_TOKENS_AT_ONCE = 1024

RankBy = Literal["sum", "mean"]


@dataclass(frozen=True)
class LabelScore:
    """The score of one label as an answer."""

    label: str
    log_likelihood: float
    """Sum over the answer's tokens and its end: the logarithm of the probability that the model says exactly this."""
    token_count: int
    """Tokens of the answer, its end included."""
    share: float
    """0..1, this label's share of the probability of all labels; the shares of a list add up to 1."""

    @property
    def mean_log_likelihood(self) -> float:
        """Log-likelihood per token, which does not put long labels at a disadvantage."""
        return self.log_likelihood / self.token_count


class RankedLabels:
    """All labels of a list, best first, and whether the best one is to be trusted."""

    ranked: Sequence[Any]
    """Scores with a `share`."""
    on_list: float
    """0..1, the probability of all labels together."""

    @property
    def has_rivals(self) -> bool:
        """Whether the best label's share is below MIN_SHARE, so that others come close."""
        return self.ranked[0].share < MIN_SHARE

    @property
    def is_off_list(self) -> bool:
        """Whether `on_list` is below MIN_ON_LIST, so that the right word may be missing from the list."""
        return self.on_list < MIN_ON_LIST

    @property
    def is_uncertain(self) -> bool:
        """Whether the best label should not be trusted, for one of these two reasons."""
        return self.has_rivals or self.is_off_list


@dataclass(frozen=True)
class LabelScores(RankedLabels):
    """What a language model gives for the labels."""

    ranked: tuple[LabelScore, ...]
    on_list: float
    """0..1, the probability that the model, sampled at temperature 1, answers with any of the labels."""

    def top(self, count: int) -> tuple[LabelScore, ...]:
        """The best labels, at most `count`."""
        return self.ranked[:count]


def score_labels(
    view: View,
    mask: np.ndarray,
    labels: Sequence[str],
    question: str = QUESTIONS["category"],
    rank_by: RankBy = "sum",
) -> LabelScores:
    """Score every label as the answer to a question about a region.

    Args:
        view: the opened picture.
        mask: bool or {0, 1} (H, W) of the picture's own size; `<region1>` of the question.
        labels: different words or phrases, as the model would write them.
        question: the published category question unless another one is given.
        rank_by: "sum" ranks by the probability of the whole answer, under which short labels win more easily; "mean"
            by its geometric mean per token, which is fairer to long labels and gives flatter shares.

    Raises:
        InputError: the mask or the labels cannot be used.
        ContextOverflowError: question and label do not fit the model's context.
    """
    if rank_by not in ("sum", "mean"):
        raise InputError("labels.ranking_unknown", ranking=repr(rank_by))
    cleaned = _cleaned(labels)
    answers = _answer_log_likelihoods(view, as_mask(mask, view.size_hw), cleaned, question)
    sums = np.array([sum(tokens) for tokens in answers])
    counts = np.array([len(tokens) for tokens in answers])
    ranks = sums if rank_by == "sum" else sums / counts
    shares = np.exp(ranks - ranks.max())
    shares /= shares.sum()
    order = sorted(range(len(cleaned)), key=lambda place: (-shares[place], place))
    scores = (LabelScore(cleaned[i], float(sums[i]), int(counts[i]), float(shares[i])) for i in order)
    return LabelScores(tuple(scores), min(1.0, float(np.exp(sums).sum())))


def _cleaned(labels: Sequence[str]) -> list[str]:
    """Labels with white space normalized. Raises InputError unless they are a list of distinct, non-empty texts."""
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise InputError("labels.not_a_list")
    # Lone surrogates cannot be encoded; the prompt replaces them in the same way.
    cleaned = [" ".join(label.split()).encode("utf-8", "replace").decode() for label in labels]
    if not cleaned or not all(cleaned):
        raise InputError("labels.empty")
    if len(cleaned) > MAX_LABELS:
        raise InputError("labels.too_many", limit=MAX_LABELS, count=len(cleaned))
    twice = next((label for place, label in enumerate(cleaned) if label in cleaned[:place]), None)
    if twice is not None:
        raise InputError("labels.twice", label=twice)
    return cleaned


@torch.inference_mode()
def _answer_log_likelihoods(view: View, mask: np.ndarray, labels: Sequence[str], question: str) -> list[list[float]]:
    """Per label the log-likelihood of each token of its answer, the end included."""
    network, prompts = view.network, view.model.prompts
    prompt = prompts.conversation(question, 1)
    answers = []
    for label in labels:
        whole, learned = prompts.transcript([Turn(question, label, 1)], 1)
        answers.append([token for token, is_answer in zip(whole.ids, learned, strict=True) if is_answer])
        assert whole.ids == (*prompt.ids, *answers[-1])
    length = len(prompt.ids) - 1 + network.config.vision.image_token_count
    context = network.config.language.max_position_embeddings
    longest = max(answers, key=len)
    if length + len(longest) > context:
        raise ContextOverflowError(
            "labels.context_exceeded",
            label=labels[answers.index(longest)][:60],
            tokens=length + len(longest),
            limit=context,
        )
    read = view.read(question, [mask])
    first = torch.log_softmax(read.logits.float(), dim=-1)
    scores: list[list[float]] = []
    for batch in _batches(answers):
        scores += _continued(view, read, first, batch)
    return scores


def _continued(view: View, read: ReadPrompt, first: torch.Tensor, answers: Sequence[list[int]]) -> list[list[float]]:
    """Score answers in one pass: they are concatenated, and each attends to the prompt and to itself only.

    first: (V,) log-probabilities of an answer's first token.
    """
    llm, device, behind = view.network.llm, first.device, read.own[0][0].shape[2]
    inputs = [answer[:-1] for answer in answers]  # the logits after the last token are not needed
    ids = [token for tokens in inputs for token in tokens]
    rows = [[float(first[answer[0]])] for answer in answers]
    if not ids:
        return rows
    owner = torch.tensor([place for place, tokens in enumerate(inputs) for _ in tokens], device=device)
    step = torch.tensor([place for tokens in inputs for place in range(len(tokens))], device=device)
    own = (owner[:, None] == owner) & (step[:, None] >= step)  # (T, T), query by key
    seen = torch.cat([own.new_ones(len(ids), behind), own], dim=1)  # (T, behind + T)
    logits = llm(
        input_ids=torch.tensor([ids], device=device),
        attention_mask=seen[None, None],
        position_ids=read.prefix[0][0].shape[2] + behind + step[None],
        use_cache=True,
        shared_prefix=read.prefix,
        **{CACHE_ARGUMENT: cache_of(llm.config, read.own, behind)},
    ).logits[0]  # (T, V)
    following = torch.tensor([token for answer in answers for token in answer[1:]], device=device)
    picked = torch.log_softmax(logits.float(), dim=-1).gather(1, following[:, None])[:, 0].tolist()
    values = iter(picked)
    return [row + [next(values) for _ in tokens] for row, tokens in zip(rows, inputs, strict=True)]


def _batches(answers: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Answers in groups of a bounded number of tokens."""
    batch: list[list[int]] = []
    room: float = math.inf
    for answer in answers:
        if batch and len(answer) > room:
            yield batch
            batch, room = [], math.inf
        batch.append(answer)
        room = min(room, _TOKENS_AT_ONCE) - len(answer)
    yield batch
