"""Answers without any cache between questions, straight from the network: what every faster path must equal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import torch

from osprey_core import Osprey
from osprey_core.generate import AnswerStream, Sampling, decode
from osprey_core.masks import as_mask
from osprey_core.preprocess import image_to_tensor
from osprey_core.prompts import STOP_STRINGS, Prompt, Turn


@torch.inference_mode()
def embed(
    model: Osprey, image: np.ndarray, prompt: Prompt, masks: Sequence[np.ndarray], without: Collection[str] = ()
) -> torch.Tensor:
    """(1, T, D) of a whole prompt, everything computed anew."""
    network = model.network
    pixels = image_to_tensor(image, network.config.vision.image_size)[None]
    image_tokens, levels = network.encode_image(pixels)
    shown = [as_mask(masks[index], image.shape[:2]) for index in prompt.regions]
    stack = torch.from_numpy(np.array(shown, dtype=bool).reshape(-1, *image.shape[:2]))
    (mask_tokens,), (pos_tokens,) = network.mask_extractor(levels, [stack])
    mask_tokens = mask_tokens * ("mask" not in without)
    pos_tokens = pos_tokens * ("pos" not in without)
    return network.embed_prompt(torch.tensor([prompt.ids]), image_tokens, mask_tokens, pos_tokens)


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
    sampling = Sampling(max_new_tokens or model.generation_defaults.max_new_tokens)
    tokens = decode(model.network.llm, embeds, sampling)
    return "".join(AnswerStream(lambda _: tokens, model.prompts.tokenizer, STOP_STRINGS, embeds.shape[1]))
