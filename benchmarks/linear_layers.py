"""The measure (r): linear layers in float32 by oneDNN, against torch's own choice."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from benchmarks.measures import Setting, picture
from benchmarks.models import copy_of
from benchmarks.timing import Comparison, compare
from osprey_core.language import weight_products
from osprey_core.model.onednn import OneDnnLinear


def linear_layers(setting: Setting) -> Iterator[Comparison]:
    """(r) A new picture until a question can be read, in float32."""
    usual = copy_of(setting.model)
    for part in usual.network.modules():
        if type(part) is OneDnnLinear:
            part.__class__ = nn.Linear  # type: ignore[assignment]

    def as_torch_chooses(number: int) -> None:
        before, weight_products.HAS_ONEDNN = weight_products.HAS_ONEDNN, False
        try:
            usual.open(picture(number)).prepare()
        finally:
            weight_products.HAS_ONEDNN = before

    yield compare(
        "r",
        "a new picture opened and read in float32, linear layers by oneDNN against torch's own choice",
        ("oneDNN", lambda n: setting.model.open(picture(n)).prepare()),
        ("torch's own", as_torch_chooses),
        setting.repeats,
    )
