"""The engine: a loaded model, a picture opened with it, and questions about regions of that picture.

Slow once, fast often: `Osprey.open` encodes a picture, the `View` it returns answers any number of questions and is
never changed by them, so that people and threads can share it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from . import checkpoint, hub
from .config import GenerationDefaults
from .errors import CheckpointError, ContextOverflowError, InputError
from .generate import AnswerStream, Sampling, decode
from .masks import as_mask
from .model import OspreyNetwork
from .pictures import read_picture
from .preprocess import image_to_tensor
from .prompts import QUESTIONS, STOP_STRINGS, Prompt, Prompts, Turn
from .tokens import TextTokenizer

MIN_ANSWER_TOKENS = 32
"""History is left out rather than squeezing an answer into less room than this."""

RegionToken = Literal["mask", "pos"]
"""The two tokens of a region: what is there, and where."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Osprey:
    """A loaded model. Everything it computes is a pure function of its inputs, so threads may share it."""

    def __init__(self, name: str, network: OspreyNetwork, tokenizer: TextTokenizer) -> None:
        self.name = name
        self.network = network
        self.prompts = Prompts(network.config, tokenizer)

    @classmethod
    def from_pretrained(
        cls, name: str = hub.EMBEDDED_MODEL, device: str = "auto", dtype: str = "auto", revision: str | None = None
    ) -> Osprey:
        """Load a model.

        Args:
            name: "nano" (embedded), a local folder, or a Hub repository id.
            device: "auto", "cpu", "cuda", "cuda:1", "mps".
            dtype: "auto", "float32", "bfloat16" or "float16"; auto is float32 on a CPU and bfloat16 (or float16 where
                the hardware lacks it) on a GPU.
            revision: branch, tag or commit on the Hub.

        Raises:
            InputError: the device or dtype is not one that can be used here.
            ModelNotFoundError, CheckpointError: as `hub` and `checkpoint` say.
        """
        torch_device = resolve_device(device)
        torch_dtype = resolve_dtype(dtype, torch_device)
        files = checkpoint.inspect_folder(hub.find_checkpoint(name, revision))
        vision_weights = _vision_weights(files) if checkpoint.needs_vision_weights(files) else None
        tokenizer = TextTokenizer.from_folder(files.folder)
        if tokenizer.vocab_size > files.config.language.vocab_size:
            raise CheckpointError(
                f"The tokenizer in {files.folder} has {tokenizer.vocab_size} pieces, but the model embeds only "
                f"{files.config.language.vocab_size}; they do not belong together."
            )
        network = checkpoint.load_network(files, torch_device, torch_dtype, vision_weights)
        return cls(name, network, tokenizer)

    @property
    def device(self) -> str:
        """Where the weights are, such as "cpu" or "cuda:0"."""
        return str(self._parameter.device)

    @property
    def dtype(self) -> str:
        """Precision of the weights, such as "bfloat16"."""
        return str(self._parameter.dtype).removeprefix("torch.")

    @property
    def is_embedded(self) -> bool:
        """Whether this is the small model that ships with the program."""
        return self.name == hub.EMBEDDED_MODEL

    @property
    def generation_defaults(self) -> GenerationDefaults:
        """The sampling that suits this model."""
        return self.network.config.generation

    @torch.inference_mode()
    def open(self, image: Image.Image | np.ndarray) -> View:
        """Encode a picture once, for any number of questions.

        Args:
            image: a picture, or uint8 (H, W, 3) RGB.

        Raises:
            InputError: it cannot be read as a picture.
        """
        picture = read_picture(image)
        pixels = image_to_tensor(picture, self.network.config.vision.image_size)
        parameter = self._parameter
        image_tokens, levels = self.network.encode_image(pixels[None].to(parameter.device, parameter.dtype))
        return View(self, (picture.height, picture.width), image_tokens, levels)

    def describe(
        self,
        image: Image.Image | np.ndarray,
        masks: Iterable[np.ndarray],
        style: str = "short",
        **sampling: Any,
    ) -> list[str]:
        """Describe regions one by one, with the published question of that style.

        Args:
            masks: bool or {0, 1} (H, W) each.
            style: "short", "detailed" or "category".
            sampling: as for `View.ask`.
        """
        if style not in ("short", "detailed", "category"):
            raise InputError(f"The style must be 'short', 'detailed' or 'category', not {style!r}.")
        view = self.open(image)
        return [view.ask(QUESTIONS[style], [mask], **sampling) for mask in masks]

    def save(self, folder: str | Path, dtype: str | None = None) -> None:
        """Write config.json, model.safetensors and tokenizer.json; `from_pretrained(folder)` reads them back.

        `dtype` is that of the stored tensors, by default the model's own.
        """
        checkpoint.save(Path(folder), self.network, self.prompts.tokenizer, None if dtype is None else DTYPES[dtype])

    @property
    def _parameter(self) -> torch.Tensor:
        return next(self.network.parameters())


class View:
    """A picture as a model sees it: an immutable value that any number of people may ask."""

    def __init__(
        self, model: Osprey, size_hw: tuple[int, int], image_tokens: torch.Tensor, levels: Mapping[str, torch.Tensor]
    ) -> None:
        self.model = model
        self.size_hw = size_hw
        self._image_tokens = image_tokens
        self._levels = levels

    def ask(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
        without: Collection[RegionToken] = (),
    ) -> str:
        """Answer a question about regions. The blocking form of `stream`, with the same arguments."""
        sampling = (max_new_tokens, temperature, top_p, seed)
        return "".join(self.stream(question, regions, history, *sampling, about=about, without=without))

    def stream(
        self,
        question: str,
        regions: Sequence[np.ndarray] = (),
        history: Iterable[Turn | tuple[str, str]] = (),
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        about: Sequence[int] | None = None,
        without: Collection[RegionToken] = (),
    ) -> AnswerStream:
        """Answer a question about regions, piece by piece.

        Args:
            question: may refer to regions as `<region1>`, `<region2>`; see `Prompts.conversation`.
            regions: bool or {0, 1} masks (H, W) of the picture's own size, in the order of their numbers.
            history: earlier turns, oldest first. Where all of it does not fit the context, the oldest turns are left
                out and the stream's `trimmed_turns` says how many.
            max_new_tokens: None for the model's default; never more than the context has room for.
            temperature, top_p, seed: see `Sampling`.
            about: numbers, from 1, of the regions that a question which mentions none is about; None for all.
            without: tokens to zero, "mask" or "pos", to see what an answer owes to them.

        Raises:
            InputError: a mask, the question or a setting cannot be used.
            ContextOverflowError: the question does not fit even without history.
        """
        masks = [as_mask(mask, self.size_hw) for mask in regions]
        turns = [turn if isinstance(turn, Turn) else Turn(*turn) for turn in history]
        if max_new_tokens is None:
            max_new_tokens = self.model.generation_defaults.max_new_tokens
        wanted = Sampling(max_new_tokens, temperature, top_p, seed)
        prompt, trimmed, room = self._fit(question, len(masks), turns, about, wanted.max_new_tokens)
        sampling = Sampling(min(wanted.max_new_tokens, room), temperature, top_p, seed)
        embeds = self._embed(prompt, masks, without)
        llm = self.model.network.llm
        return AnswerStream(
            lambda should_stop: decode(llm, embeds, sampling, should_stop),
            self.model.prompts.tokenizer,
            STOP_STRINGS,
            prompt_tokens=embeds.shape[1],
            trimmed_turns=trimmed,
        )

    def _fit(
        self,
        question: str,
        region_count: int,
        turns: Sequence[Turn],
        about: Sequence[int] | None,
        max_new_tokens: int,
    ) -> tuple[Prompt, int, int]:
        """The prompt with as much history as fits, how many turns were left out, and the room for an answer."""
        config = self.model.network.config
        context = config.language.max_position_embeddings
        needed = min(MIN_ANSWER_TOKENS, max_new_tokens)
        for left_out in range(len(turns) + 1):
            prompt = self.model.prompts.conversation(question, region_count, turns[left_out:], about)
            length = len(prompt.ids) - 1 + config.vision.image_token_count
            if length + needed <= context:
                return prompt, left_out, context - length
        raise ContextOverflowError(
            f"The question is too long for this model: with the picture it takes {length} of {context} tokens and "
            f"leaves no room for an answer. Shorten it or mention fewer regions."
        )

    @torch.inference_mode()
    def _embed(
        self, prompt: Prompt, masks: Sequence[np.ndarray], without: Collection[RegionToken] = ()
    ) -> torch.Tensor:
        """(1, T, D) of a prompt, with the tokens of every region that it shows."""
        network = self.model.network
        device = self._image_tokens.device
        # One region at a time: masks are as large as the picture, their tokens are not.
        stacks = [torch.from_numpy(mask)[None] for mask in masks] or [torch.zeros(0, *self.size_hw)]
        found = [network.mask_extractor(self._levels, [stack.to(device)]) for stack in stacks]
        mask_tokens = torch.cat([tokens for (tokens,), _ in found])
        spatial_tokens = torch.cat([tokens for _, (tokens,) in found])
        if "mask" in without:
            mask_tokens = torch.zeros_like(mask_tokens)
        if "pos" in without:
            spatial_tokens = torch.zeros_like(spatial_tokens)
        shown = torch.tensor(prompt.regions, dtype=torch.long, device=device)
        ids = torch.tensor([prompt.ids], device=device)
        return network.embed_prompt(ids, self._image_tokens, mask_tokens[shown], spatial_tokens[shown])


def resolve_device(device: str) -> torch.device:
    """The device for a name; "auto" takes a GPU where there is one. Raises InputError where it cannot be used."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError:
        raise InputError(f"There is no device {device!r}; use auto, cpu, cuda, cuda:N or mps.") from None
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (resolved.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not usable.get(resolved.type, False):
        raise InputError(f"The device {device!r} is not available on this machine; use auto or cpu.")
    return resolved


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The precision for a name; "auto" suits the device. Raises InputError for unknown names."""
    if dtype == "auto":
        if device.type == "cpu":
            return torch.float32
        return (
            torch.bfloat16
            if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            else torch.float16
        )
    if dtype not in DTYPES:
        raise InputError(f"There is no precision {dtype!r}; use auto, {', '.join(DTYPES)}.")
    return DTYPES[dtype]


def _vision_weights(files: checkpoint.CheckpointFiles) -> Path:
    """CLIP's own file, from beside the checkpoint or from the Hub."""
    beside = files.folder / hub.CLIP_FILE
    return beside if beside.is_file() else hub.fetch_file(hub.CLIP_REPO, hub.CLIP_FILE)
