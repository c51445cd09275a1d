"""Segmenters: from clicks and boxes to masks. `load_segmenter` loads one; all follow `segment.protocol`.

The libraries and weights of a segmenter are loaded only when it is.
"""

from osprey_core.errors import InputError
from osprey_core.runtime.choices import DEFAULT_SEGMENTER, SEGMENTERS
from osprey_core.segment.protocol import OpenedPicture, ScoredMask, Segmenter

__all__ = ["DEFAULT_SEGMENTER", "SEGMENTERS", "OpenedPicture", "ScoredMask", "Segmenter", "load_segmenter"]


def load_segmenter(spec: str = DEFAULT_SEGMENTER, device: str = "cpu", dtype: str = "auto") -> Segmenter:
    """Load a segmenter by name.

    spec: "learned" (its weights ship with the package), "classic" (no weights; for drawings), "sam:vit_b",
    "sam:vit_l", "sam:vit_h" (weights from the Hub), or "sam:vit_b:/path/file.pth" (weights from a file).
    device: where learned and SAM compute; classic ignores it.
    dtype: as the model beside it was loaded with; learned looks through the same photo tower, on a CPU in bfloat16 only
        with "auto", see `runtime.picture_precision`.
    Raises InputError for an unknown name, ModelNotFoundError for missing weights, CheckpointError for wrong ones.
    """
    kind, _, rest = spec.partition(":")
    variant, _, path = rest.partition(":")
    if spec == "classic":
        from osprey_core.segment.classic import ClassicSegmenter

        return ClassicSegmenter()
    if spec == "learned":
        from osprey_core.segment.learned import load_learned

        return load_learned(device, None if dtype == "auto" else False)
    if kind == "sam" and f"{kind}:{variant}" in SEGMENTERS and not (rest.endswith(":") and not path):
        from osprey_core.segment.sam import load_sam

        return load_sam(variant, path or None, device)
    raise InputError("segmenter.unknown", name=repr(spec), known=", ".join(SEGMENTERS))
