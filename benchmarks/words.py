"""The measures (l) and (m): names out of a long vocabulary by a CLIP, and a phrase that is searched in a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.measures import Setting, picture, region
from benchmarks.timing import Comparison, compare
from osprey_core import View
from osprey_core.analysis.find import find
from osprey_core.analysis.open_vocabulary import ClipView, EmbeddedVocabulary, OpenVocabulary, class_scores
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.yes_or_no import REPLIES
from osprey_core.model.clip import ClipConfig, ClipNetwork, build_clip
from osprey_core.vocabularies import load_vocabulary, vocabulary_of

SEGMENTS = 64
SCALE = 100.0
VOCABULARY = "lvis"


def names_by_clip(setting: Setting) -> Iterator[Comparison]:
    """(l) The best of LVIS's 1,203 classes for each of 64 segments, from the encoder's features on; once, not a shape.

    The head has the published CLIP's shapes and seeded weights, which do not change the time.
    """
    if setting.shape == "wide":
        return
    network = _seeded_head()
    size_hw = picture().shape[:2]
    config = network.config
    view = ClipView(OpenVocabulary("seeded", network), size_hw, torch.randn(1, 1536, 16, 16))
    vocabulary = load_vocabulary(VOCABULARY)
    classes = EmbeddedVocabulary(vocabulary, _vectors(len(vocabulary.texts), config.embed_dim))
    background = EmbeddedVocabulary(vocabulary_of(["a", "b", "c"]), _vectors(3, config.embed_dim))

    def together(number: int) -> list[str]:
        scores = class_scores(view.embed(_segments(number)), classes, SCALE, background)
        return [scores.best(place)[0][0] for place in range(SEGMENTS)]

    @torch.inference_mode()
    def alone(number: int) -> list[str]:
        names = []
        for mask in _segments(number):
            vector = network.embed_regions(view._res5, torch.from_numpy(mask)[None])
            names.append(class_scores(vector, classes, SCALE, background).best(0)[0][0])
        return names

    yield compare(
        "l",
        f"{SEGMENTS} regions named among {len(vocabulary.names):,} classes by CLIP, after the encoder",
        ("one product", together),
        ("one by one", alone),
        setting.repeats,
    )


def found_phrase(setting: Setting) -> Iterator[Comparison]:
    """(m) A phrase searched among 64 segments of an opened picture, for the first time."""
    view = setting.model.open(picture())
    phrases = ["red car", "blue bird", "green boat", "white horse", "small dog", "old clock"]
    phrase = lambda n: phrases[n % len(phrases)]  # noqa: E731
    yield compare(
        "m",
        f"a phrase searched among {SEGMENTS} segments of an opened picture",
        ("one pass", lambda n: find(view, _segments(n), phrase(n))),
        ("each segment and answer by itself", lambda n: _answers(view, region(8000 + n), phrase(n))),
        setting.repeats,
        scaled_by=SEGMENTS,
    )


def _answers(view: View, mask: np.ndarray, phrase: str) -> None:
    """What a search asks about one segment, one answer at a time."""
    for answer in (phrase, phrase.split()[-1]):
        view.answer_likelihoods(QUESTIONS["category"], [mask], [answer])
    for answer in REPLIES:
        view.answer_likelihoods(f"Is <region1> a {phrase}?", [mask], [answer], whole=False)


def _segments(number: int) -> Sequence[np.ndarray]:
    """64 masks that no other repetition has."""
    return [region(100 * number + 37 * place) for place in range(SEGMENTS)]


def _vectors(count: int, width: int) -> torch.Tensor:
    return F.normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(count)), dim=-1)


def _seeded_head() -> ClipNetwork:
    """A CLIP of the published shapes of which only the head has weights: the towers take no part."""
    torch.manual_seed(0)
    with torch.device("meta"):
        network = build_clip(ClipConfig())
    for part in (network.visual.head, network.visual.trunk.head):
        part.to_empty(device="cpu")
        for parameter in part.parameters():
            torch.nn.init.normal_(parameter, std=0.02)
    return network.eval().requires_grad_(False)
