"""Labels alone: regions get classes of a vocabulary, and every other question is refused with a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.analysis.open_vocabulary import BACKGROUND
from osprey_core.backends.label_model import LabelModel
from osprey_core.backends.loading import load_region_model
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.region_model import RegionModel
from tests.clip import write_clip

PICTURE = np.random.default_rng(0).integers(0, 255, (90, 130, 3), dtype=np.uint8)
PICTURE[:, 60:] = (200, 30, 30)
LEFT = np.zeros((90, 130), bool)
LEFT[:, :50] = True
MASKS = [LEFT, ~LEFT]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LabelModel:
    folder = tmp_path_factory.mktemp("labels")
    (folder / "mine.txt").write_text("dog, puppy\nsea\nred car\nstone wall\n")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    loaded = load_region_model(f"labels:{folder / 'mine.txt'}", "cpu", clip=str(write_clip(folder / "clip")))
    patch.undo()
    assert isinstance(loaded, LabelModel)
    return loaded


def expected(model: LabelModel, mask: np.ndarray) -> dict[str, float]:
    """Classes with their probabilities, computed plainly."""
    classes = {"dog": ["dog", "puppy"], "sea": ["sea"], "red car": ["red car"], "stone wall": ["stone wall"]}
    region = model.clip.open(PICTURE).embed([mask])[0]
    cosines = {name: max(float(region @ v) for v in model.clip.embed_texts(words)) for name, words in classes.items()}
    others = [float(region @ vector) for vector in model.clip.embed_texts(BACKGROUND)]
    weights = np.exp(model.clip.network.scale * np.array([*cosines.values(), *others]))
    return dict(zip(cosines, weights / weights.sum(), strict=False))


def test_regions_get_the_likeliest_class(model: LabelModel) -> None:
    keeps: RegionModel = model
    view = keeps.open(PICTURE)
    answers = dict(view.describe(MASKS, "category"))
    for place, mask in enumerate(MASKS):
        shares = expected(model, mask)
        best = max(shares, key=lambda name: shares[name])
        assert answers[place] == best
        assert view.ask(QUESTIONS["category"], [mask]) == best
        named = view.name(mask)
        assert (named.guesses[0].name, named.guesses[0].confidence) == (best, pytest.approx(shares[best], abs=1e-4))
        assert named.is_unsure == (shares[best] < 0.5)
    second = QUESTIONS["category"].replace("<region1>", "<region2>")
    assert view.ask(second, MASKS) == answers[1]
    assert list(view.describe([], "category")) == []


@pytest.mark.parametrize("question", ["What is this?", "What is <region1>?", QUESTIONS["short"], ""])
def test_other_questions_are_refused(model: LabelModel, question: str) -> None:
    with pytest.raises(InputError) as refusal:
        model.open(PICTURE).ask(question, [LEFT])
    assert refusal.value.code == "label_model.category_only"


def test_other_styles_and_missing_regions_are_refused(model: LabelModel) -> None:
    view = model.open(PICTURE)
    with pytest.raises(InputError):
        view.describe(MASKS, "short")
    with pytest.raises(InputError):
        view.ask(QUESTIONS["category"], [])
    with pytest.raises(InputError):
        view.ask(QUESTIONS["category"], [np.zeros((90, 130), bool)])


def test_what_it_can_is_told(model: LabelModel) -> None:
    assert not model.abilities.questions
    assert model.abilities.confidence
    assert (model.device, model.dtype, model.is_embedded) == ("cpu", "float32", False)


def test_an_unknown_vocabulary_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(InputError) as refusal:
        load_region_model("labels:nowhere")
    assert refusal.value.code == "vocabulary.unknown"
