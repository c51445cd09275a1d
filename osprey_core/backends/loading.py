"""Load whoever shall answer by its name: Osprey, a CLIP with a vocabulary, or a model behind an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osprey_core.region_model import LABELS, RegionModel, is_label_model
from osprey_core.runtime.choices import LOCAL_ENGINE

if TYPE_CHECKING:
    from osprey_core.analysis.open_vocabulary import OpenVocabulary

DEFAULT_VOCABULARY = "coco"
LABELS_SIZE = 896
"""Input size of a CLIP that answers alone: it names more than at 512, where it would share Osprey's features."""


def load_clip_beside(
    name: str, model: Any, device: str = "auto", dtype: str = "auto", revision: str | None = None
) -> OpenVocabulary:
    """The CLIP of this name, to compare regions with words beside a model.

    model: the loaded model, or None; with "clip", an Osprey's own tower and head are used, see `OpenVocabulary.beside`.
    revision: that of the model on the Hub. Raises as `OpenVocabulary.from_pretrained` does.
    """
    from osprey_core.analysis.open_vocabulary import OpenVocabulary
    from osprey_core.engine import Osprey
    from osprey_core.runtime.clip_loading import CLIP

    if name == CLIP and isinstance(model, Osprey) and not model.is_embedded:
        return OpenVocabulary.beside(model, name, revision)
    return OpenVocabulary.from_pretrained(name, device, dtype)


def load_region_model(
    name: str,
    device: str = "auto",
    dtype: str = "auto",
    clip: str | None = None,
    engine: str = LOCAL_ENGINE,
    **options: Any,
) -> RegionModel:
    """The model of this name.

    Args:
        name: "labels" or "labels:VOCABULARY"; "openai:URL#MODEL"; anything else is an Osprey's name.
        clip: the CLIP of "labels": see `OpenVocabulary.from_pretrained`; None for the usual one.
        engine: who decodes an Osprey's answers, see `serving.loading.with_engine`.
        options: further arguments of `Osprey.from_pretrained`, for an Osprey only.

    Raises InputError, ModelNotFoundError or CheckpointError as the models do.
    """
    if name.startswith("openai:"):
        from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel

        return OpenAIModel(OpenAIEndpoint.of(name))
    if is_label_model(name):
        from osprey_core.analysis.open_vocabulary import OpenVocabulary
        from osprey_core.backends.label_model import LabelModel
        from osprey_core.runtime.clip_loading import CLIP
        from osprey_core.vocabularies import load_vocabulary

        vocabulary = load_vocabulary(name.removeprefix(LABELS).removeprefix(":") or DEFAULT_VOCABULARY)
        encoder = OpenVocabulary.from_pretrained(clip or CLIP, device, dtype, LABELS_SIZE)
        return LabelModel(name, encoder, vocabulary)
    from osprey_core.engine import Osprey

    model = Osprey.from_pretrained(name, device, dtype, **options)
    if engine == LOCAL_ENGINE:
        return model  # without loading the clients of other engines
    from osprey_core.serving.loading import with_engine

    return with_engine(model, engine)
