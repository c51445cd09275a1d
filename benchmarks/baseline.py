"""Answers with nothing kept between questions, straight from the network.

The published demo answers in this way: encoder, image tokens and prompt again for every question. Every faster path
must give the same answers; the tests compare with it as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import torch

from osprey_core import Osprey
from osprey_core.language.generation import AnswerStream, decode
from osprey_core.language.prompts import STOP_STRINGS, TextPrompt, Turn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.regions.masks import as_mask
from osprey_core.runtime.photo_levels import photo_pixels, shared_photo_encoder


@torch.inference_mode()
def embed(
    model: Osprey, image: np.ndarray, prompt: TextPrompt, masks: Sequence[np.ndarray], without: Collection[str] = ()
) -> torch.Tensor:
    """(1, T, D) of a whole prompt about an image uint8 (H, W, 3); everything is computed anew."""
    network = model.network
    parameter = next(network.parameters())
    pixels = image_to_tensor(image, network.config.vision.image_size)[None].to(parameter.device, parameter.dtype)
    if network.config.vision.photo is None:
        image_tokens, levels = network.encode_image(pixels)
    else:
        encoder = shared_photo_encoder(str(parameter.device), in_bfloat16=False)
        image_tokens, levels = network.encode_image(pixels, encoder.encode(photo_pixels(image)[None]))
    shown = [as_mask(masks[index], image.shape[:2]) for index in prompt.regions]
    stack = torch.from_numpy(np.array(shown, dtype=bool).reshape(-1, *image.shape[:2]))
    (mask_tokens,), (pos_tokens,) = network.mask_extractor(levels, [stack.to(parameter.device)])
    mask_tokens = mask_tokens * ("mask" not in without)
    pos_tokens = pos_tokens * ("pos" not in without)
    ids = torch.tensor([prompt.ids], device=parameter.device)
    return network.embed_prompt(ids, image_tokens, mask_tokens, pos_tokens)


def ask(
    model: Osprey,
    image: np.ndarray,
    question: str,
    regions: Sequence[np.ndarray] = (),
    history: Iterable[Turn] = (),
    max_new_tokens: int | None = None,
    without: Collection[str] = (),
) -> str:
    """As `View.ask`, greedily, with one prefill of the whole prompt."""
    prompt = model.prompts.conversation(question, len(regions), history)
    embeds = embed(model, image, prompt, regions, without)
    sampling = SamplingSettings(max_new_tokens=max_new_tokens or model.generation_defaults.max_new_tokens)
    tokens = decode(model.network.llm, embeds, sampling)
    return "".join(AnswerStream(lambda _: tokens, model.prompts.tokenizer, STOP_STRINGS, embeds.shape[1]))
