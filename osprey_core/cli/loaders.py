"""Loading of the commands' model and segmenter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osprey_core.cli.options import ModelOptions
from osprey_core.segment import Segmenter, load_segmenter

if TYPE_CHECKING:
    from PIL import Image

    from osprey_core.analysis.open_vocabulary import OpenVocabulary
    from osprey_core.region_model import RegionModel


@dataclass(frozen=True)
class Loaders:
    """Functions that load models and segmenters; tests pass their own."""

    model: Callable[[ModelOptions], Any]
    segmenter: Callable[[ModelOptions], Segmenter]
    clip: Callable[[ModelOptions, Any], Any] = field(default=lambda options, model: load_clip(options, model))
    """Called with the loaded model, only where `ModelOptions.labels` names a CLIP."""


def load_model(options: ModelOptions) -> RegionModel:
    """The model, as the page loads it."""
    from osprey_core.backends.loading import load_region_model

    return load_region_model(
        options.model,
        options.device,
        options.dtype,
        options.labels,
        revision=options.revision,
        adapter=options.adapter,
        verify=options.verify,
    )


def load_clip(options: ModelOptions, model: RegionModel) -> OpenVocabulary:
    """The CLIP that `--labels` names, as the page loads it."""
    from osprey_core.backends.loading import load_clip_beside

    assert options.labels is not None
    return load_clip_beside(options.labels, model, options.device, options.dtype, options.revision)


def clip_view(options: ModelOptions, loaders: Loaders, view: Any, image: Image.Image) -> Any:
    """The picture as opened by the CLIP: a label model's own, or the one that `--labels` names; None without one."""
    own = getattr(view, "clip", None)
    if own is not None or options.labels is None:
        return own
    return loaders.clip(options, view.model).open_beside(view, image)


def can_tell_confidence(model: Any) -> bool:
    """Whether the model tells how sure it is of a region's name."""
    abilities = getattr(model, "abilities", None)
    return abilities is None or bool(abilities.confidence)


def load_segmenter_for(options: ModelOptions) -> Segmenter:
    """The segmenter, as the page loads it."""
    device = options.device
    if device == "auto" and options.segmenter != "classic":
        from osprey_core.runtime.devices import resolve_device

        device = str(resolve_device(device))
    return load_segmenter(options.segmenter, device, options.dtype)
