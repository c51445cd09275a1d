"""torch.compile for the parts that benefit: the encoder's blocks and the decoder's feed-forward layers and norms.

Attention is not compiled, because it would be compiled again for each length of the cache. If this machine cannot
compile, the model runs uncompiled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import torch
from torch import nn

from osprey_core.model import OspreyNetwork
from osprey_core.model.osprey import blank_photo_levels
from osprey_core.model.vision import VisionEncoder

log = logging.getLogger(__name__)


def compile_network(network: OspreyNetwork, backend: str = "inductor") -> bool:
    """Compile the parts in place, and run each once, so that compilation does not delay the first answer.

    Args:
        backend: of torch.compile; the default one needs a C++ compiler, or Triton on a GPU.

    Returns:
        whether it succeeded; if not, a warning with the reason is logged, and the network is unchanged.
    """
    parts = list(_parts(network))
    for part in parts:
        part.compile(dynamic=True, backend=backend)
    try:
        _warm_up(network)
    except Exception as error:  # whatever a compiler that is missing or broken raises
        for part in parts:
            part._compiled_call_impl = None
        cause = getattr(error, "inner_exception", error)  # torch wraps what a backend raises
        reason = str(cause).strip().split("\n")[0][:200] or type(cause).__name__
        log.warning("This machine cannot compile the model (%s); it runs uncompiled.", reason)
        return False
    return True


def _parts(network: OspreyNetwork) -> Iterator[nn.Module]:
    if isinstance(network.vision_tower, VisionEncoder):
        for stage in network.vision_tower.trunk.stages:
            yield from stage.blocks  # type: ignore[misc]
    for layer in network.llm.model.layers:
        yield from (layer.input_layernorm, layer.post_attention_layernorm, layer.mlp)


@torch.inference_mode()
def _warm_up(network: OspreyNetwork) -> None:
    parameter, side = next(network.parameters()), network.config.vision.image_size
    pixels = parameter.new_zeros(1, 3, side, side).contiguous(memory_format=torch.channels_last)
    network.encode_image(pixels, blank_photo_levels(network.config.vision, pixels))
    width = network.config.language.hidden_size
    for batch, length in ((1, 8), (1, 1), (2, 8), (2, 1)):  # a size of 1 is compiled apart from all others
        network.llm.model(inputs_embeds=parameter.new_zeros(batch, length, width), use_cache=False)
