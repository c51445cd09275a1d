"""The measure (r): linear layers in float32 by oneDNN, against torch's own choice."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from benchmarks.measures import Setting, picture
from benchmarks.timing import Comparison, compare
from osprey_core.language import weight_products
from osprey_core.language.onednn import OneDnnLinear


def linear_layers(setting: Setting) -> Iterator[Comparison]:
    """(r) A new picture until a question can be read, in float32."""
    layers = [part for one in setting.model.networks for part in one.modules() if type(part) is OneDnnLinear]

    def read(number: int) -> None:
        setting.model.open(picture(number)).prepare()

    def read_as_torch_chooses(number: int) -> None:
        before, weight_products.HAS_ONEDNN = weight_products.HAS_ONEDNN, False
        for layer in layers:
            layer.__class__ = nn.Linear  # type: ignore[assignment]
        try:
            read(number)
        finally:
            weight_products.HAS_ONEDNN = before
            for layer in layers:
                layer.__class__ = OneDnnLinear

    yield compare(
        "r",
        "a new picture opened and read in float32, linear layers by oneDNN against torch's own choice",
        ("oneDNN", lambda n: read(30_000 + n)),
        ("torch's own", lambda n: read_as_torch_chooses(40_000 + n)),
        setting.repeats,
    )
