"""Open vocabulary: a CLIP model compares regions of pictures with any words.

The image side is FC-CLIP's (Yu et al., 2023): mask pooling on the tower's last map, then CLIP's own head. The text side
is open_clip's, with several words a class and ViLD's sentences around them (Gu et al., 2022). No language model is
needed. Vectors of a vocabulary are computed once and kept on the disk by their content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from osprey_core.config import CLIP_MEAN, CLIP_STD, Triple
from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture
from osprey_core.language.core_shares import CORES
from osprey_core.model.clip import ClipNetwork, share_trunk
from osprey_core.model.mask_pooling import GridSampling, area_weights
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.regions.masks import checked_mask
from osprey_core.runtime.checkpoint import inspect_folder, read_clip_image_side
from osprey_core.runtime.clip_loading import CLIP, find_clip, load_clip
from osprey_core.runtime.devices import resolve_device, resolve_dtype
from osprey_core.runtime.hub import find_checkpoint
from osprey_core.vocabularies import Vocabulary

if TYPE_CHECKING:
    from osprey_core.engine import Osprey
    from osprey_core.view import View

DEFAULT_SIZE = 512
"""Side of the tower's input in pixels. 896 takes three times as long and names more: the papers give ADE20K, given the
masks, PQ 36.9 at 512 and 43.0 at 896."""

TEMPLATES = (
    "a photo of a {}.",
    "This is a photo of a {}",
    "There is a {} in the scene",
    "There is the {} in the scene",
    "a photo of a {} in the scene",
    "a photo of a small {}.",
    "a photo of a medium {}.",
    "a photo of a large {}.",
    "This is a photo of a small {}.",
    "This is a photo of a medium {}.",
    "This is a photo of a large {}.",
    "There is a small {} in the scene.",
    "There is a medium {} in the scene.",
    "There is a large {} in the scene.",
)
"""ViLD's sentences, as FC-CLIP and the published evaluation use them."""

BACKGROUND = ("background", "something else", "a part of the picture")
"""Words that take the probability of regions to which no label fits."""

TEXTS_A_STEP = 8
"""Texts, each in all sentences, that are embedded before somebody may look, stop, or have a turn at the model."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class EmbeddedVocabulary:
    """A vocabulary with the vectors of its texts."""

    vocabulary: Vocabulary
    vectors: torch.Tensor
    """float32 (T, D) of length 1, one for each of `vocabulary.texts`."""


EmbeddingSteps = Generator[tuple[int, int], None, EmbeddedVocabulary]


@dataclass(frozen=True)
class ClassScores:
    """How well each class fits each region."""

    names: tuple[str, ...]
    cosines: Probabilities
    """float32 (Q, C) in [-1, 1]: of a class, that of its best word."""
    probabilities: Probabilities
    """float32 (Q, C): the softmax over all classes and the background; a row adds up to 1 less the background."""

    def best(self, region: int, count: int = 1) -> list[tuple[str, float]]:
        """The likeliest classes of a region (by its place) with their probabilities."""
        order = np.argsort(-self.probabilities[region], kind="stable")[:count]
        return [(self.names[place], float(self.probabilities[region, place])) for place in order]


class OpenVocabulary:
    """A loaded CLIP. Its results depend on its inputs alone, so threads may share it."""

    def __init__(
        self,
        name: str,
        network: ClipNetwork,
        image_size: int = DEFAULT_SIZE,
        mean: Triple = CLIP_MEAN,
        std: Triple = CLIP_STD,
        cache_folder: Path | None = None,
    ) -> None:
        if not (isinstance(image_size, int) and 64 <= image_size <= 2048 and image_size % 32 == 0):
            raise InputError("open_vocabulary.image_size_invalid", value=str(image_size))
        from open_clip.tokenizer import SimpleTokenizer  # takes seconds to import

        self.name = name
        self.network = network
        self.image_size = image_size
        self._normalisation = mean, std
        self._cache_folder = cache_folder
        self.shared_with: Osprey | None = None
        """The model whose vision tower is this CLIP's trunk, see `beside`."""
        self._tokenizer = SimpleTokenizer(context_length=network.config.context_length)

    @classmethod
    def from_pretrained(
        cls,
        name: str = CLIP,
        device: str = "auto",
        dtype: str = "auto",
        image_size: int = DEFAULT_SIZE,
        cache_folder: Path | None = None,
    ) -> OpenVocabulary:
        """Load a CLIP with a ConvNeXt tower.

        Args:
            name: "clip" for the one whose tower the published Osprey has, a local folder, or a Hub repository, with
                open_clip's config and weights.
            device, dtype: as for `Osprey.from_pretrained`.
            image_size: side of the tower's input, a multiple of 32.
            cache_folder: where vectors of vocabularies are kept; None for `default_cache_folder()`.

        Raises:
            InputError: device, dtype or size cannot be used. ModelNotFoundError, CheckpointError: see `find_clip`.
        """
        torch_device = resolve_device(device)
        files = find_clip(name)
        network = load_clip(files, torch_device, resolve_dtype(dtype, torch_device))
        return cls(name, network, image_size, files.mean, files.std, cache_folder or default_cache_folder())

    @classmethod
    def beside(
        cls, model: Osprey, name: str = CLIP, revision: str | None = None, cache_folder: Path | None = None
    ) -> OpenVocabulary:
        """Load the CLIP whose image tower a model has, at the model's own input size.

        Trunk and head are those of the model's checkpoint where it holds both, the rest is the CLIP's file. Where the
        trunk's weights are the model's own, both share them, and `open_beside` uses the model's features.

        Args:
            model: an Osprey; one with another tower shares nothing.
            name, cache_folder: as for `from_pretrained`.
            revision: branch, tag or commit of the model on the Hub.

        Raises ModelNotFoundError, CheckpointError: see `find_clip`.
        """
        files = find_clip(name)
        checkpoint = inspect_folder(find_checkpoint(model.name, revision))
        parameter = next(model.network.parameters())
        network = load_clip(files, parameter.device, parameter.dtype, read_clip_image_side(checkpoint))
        vision = model.network.config.vision
        size, mean, std = vision.image_size, files.mean, files.std
        clip = cls(name, network, size, mean, std, cache_folder or default_cache_folder())
        if (vision.mean, vision.std) == (mean, std) and share_trunk(network, model.network.vision_tower):
            clip.shared_with = model
        return clip

    @property
    def device(self) -> str:
        """Device of the weights, such as "cpu" or "cuda:0"."""
        return str(self.network.logit_scale.device)

    @property
    def dtype(self) -> str:
        """Precision of the weights, such as "bfloat16"."""
        return str(self.network.logit_scale.dtype).removeprefix("torch.")

    @torch.inference_mode()
    def open(self, image: Image.Image | np.ndarray) -> ClipView:
        """Encode a picture once for any number of regions. Raises InputError if it cannot be read."""
        picture = read_picture(image)
        pixels = image_to_tensor(picture, self.image_size, *self._normalisation)[None]
        scale = self.network.logit_scale
        with CORES.computing():
            res5 = self.network.res5(pixels.to(scale.device, scale.dtype))
        return ClipView(self, (picture.height, picture.width), res5)

    def open_beside(self, view: View, image: Image.Image | np.ndarray) -> ClipView:
        """As `open`, with the features of a model's view of the same picture if this CLIP shares that model's tower."""
        if self.shared_with is None or view.model is not self.shared_with:
            return self.open(image)
        return ClipView(self, view.size_hw, view.encoding().levels["res5"])

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str], templates: Sequence[str] = TEMPLATES) -> torch.Tensor:
        """Vectors of texts: each template's vector has length 1, their mean as well.

        Args:
            templates: sentences with one `{}` for the text.

        Returns:
            float32 (T, D) on the CPU.
        """
        if not templates or not all(template.count("{}") == 1 for template in templates):
            raise InputError("open_vocabulary.templates_invalid", place="{}")
        sentences = [template.replace("{}", text) for text in texts for template in templates]
        if not sentences:
            return torch.zeros(0, self.network.config.embed_dim)
        ids = self._tokenizer(sentences)  # (T * templates, context)
        order = ids.argmax(-1).argsort()  # texts of like length together: little padding is computed
        vectors = torch.empty(len(ids), self.network.config.embed_dim)
        with CORES.computing():
            vectors[order] = self.network.embed_texts(ids[order].to(self.network.logit_scale.device)).float().cpu()
        return F.normalize(vectors.unflatten(0, (len(texts), len(templates))).mean(1), dim=-1)

    def embed(self, vocabulary: Vocabulary, templates: Sequence[str] = TEMPLATES) -> EmbeddedVocabulary:
        """The vectors of a vocabulary's texts, from the disk where they were computed before."""
        steps = self.embed_in_steps(vocabulary, templates)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                embedded: EmbeddedVocabulary = end.value
                return embedded

    def embed_in_steps(self, vocabulary: Vocabulary, templates: Sequence[str] = TEMPLATES) -> EmbeddingSteps:
        """As `embed`, some texts at a time: yields how many of how many are embedded, returns the vocabulary.

        Yields nothing where the vectors are on the disk. On a processor, a large vocabulary takes minutes.
        """
        texts = vocabulary.texts
        path = self._cache_path(texts, templates)
        vectors = None if path is None else _read_vectors(path, len(texts), self.network.config.embed_dim)
        if vectors is None:
            vectors = torch.empty(len(texts), self.network.config.embed_dim)
            order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # little padding is computed
            for start in range(0, len(order), TEXTS_A_STEP):
                step = order[start : start + TEXTS_A_STEP]
                vectors[step] = self.embed_texts([texts[place] for place in step], templates)
                yield start + len(step), len(texts)
            if path is not None:
                _write_vectors(path, vectors)
        return EmbeddedVocabulary(vocabulary, vectors)

    @cached_property
    def text_digest(self) -> str:
        """Digest of the text tower's weights."""
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(self.network.text.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _cache_path(self, texts: Sequence[str], templates: Sequence[str]) -> Path | None:
        if self._cache_folder is None:
            return None
        content = "\0".join([self.text_digest, *templates, "", *texts])
        name = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=16).hexdigest()
        return self._cache_folder / f"{name}.safetensors"


class ClipView:
    """A picture that a CLIP has encoded. Immutable, so threads may share it."""

    def __init__(self, model: OpenVocabulary, size_hw: tuple[int, int], res5: torch.Tensor) -> None:
        self.model = model
        self.size_hw = size_hw
        self._res5 = res5  # (1, C, S/32, S/32)
        self._sampling = GridSampling(size_hw, (res5.shape[-2], res5.shape[-1]))

    @torch.inference_mode()
    def embed(self, regions: Iterable[np.ndarray]) -> torch.Tensor:
        """Vectors of regions.

        Args:
            regions: bool or {0, 1} masks (H, W) of the picture's own size, none of them empty.

        Returns:
            float32 (Q, D) of length 1, on the CPU.

        Raises:
            InputError: a mask cannot be used.
        """
        device, (height, width) = self._res5.device, self._res5.shape[-2:]
        samples = [np.zeros((0, 2 * height, 2 * width), bool)]
        vanished: dict[int, torch.Tensor] = {}
        for place, region in enumerate(regions):  # one at a time: each is as large as the picture
            mask = checked_mask(region, self.size_hw)
            samples.append(self._sampling.sample(mask)[None])
            if not self._sampling.cover(torch.from_numpy(samples[-1])).any():
                vanished[place] = area_weights(torch.from_numpy(np.array(mask))[None], (height, width))[0]
        cells = self._sampling.cover(torch.from_numpy(np.concatenate(samples))).float()  # (Q, h, w)
        for place, weights in vanished.items():
            cells[place] = weights
        return self.model.network.embed_cells(self._res5, cells.to(device)).float().cpu()


def class_scores(
    regions: torch.Tensor,
    classes: EmbeddedVocabulary,
    scale: float,
    background: EmbeddedVocabulary | None = None,
) -> ClassScores:
    """Compare regions with the classes of a vocabulary, in one matrix product.

    Args:
        regions: (Q, D) of length 1, see `ClipView.embed`.
        scale: what cosines are multiplied by, see `ClipNetwork.scale`.
        background: further words, which take part in the softmax and are left out of the result.
    """
    vocabulary = classes.vocabulary
    cosines = _best_by_class(regions @ classes.vectors.T, vocabulary)  # (Q, C)
    logits = scale * cosines
    if background is not None:
        others = _best_by_class(regions @ background.vectors.T, background.vocabulary)
        logits = torch.cat([logits, scale * others], dim=1)
    probabilities = logits.softmax(dim=1)[:, : len(vocabulary.classes)]
    return ClassScores(vocabulary.names, _array(cosines), _array(probabilities))


def geometric_ensemble(one: Probabilities, other: Probabilities, weight: float) -> Probabilities:
    """Two models' probabilities (Q, C) as one: the first to the power 1 - weight times the second to the power weight,
    made to add up to 1 (FC-CLIP, equation 6, for one kind of classes)."""
    logs = (1 - weight) * np.log(np.maximum(one, 1e-12)) + weight * np.log(np.maximum(other, 1e-12))
    mixed = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True), dtype=np.float32)


def default_cache_folder() -> Path:
    """The folder in which vectors of vocabularies are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "osprey" / "vocabularies"


def _best_by_class(cosines: torch.Tensor, vocabulary: Vocabulary) -> torch.Tensor:
    """(Q, C): the largest of the cosines (Q, T) of each class's texts."""
    owners = torch.tensor(vocabulary.owners).expand(len(cosines), -1)
    best = cosines.new_full((len(cosines), len(vocabulary.classes)), -1.0)
    return best.scatter_reduce(1, owners, cosines, "amax")


def _array(values: torch.Tensor) -> Probabilities:
    return np.asarray(values.numpy(), dtype=np.float32)


def _read_vectors(path: Path, count: int, width: int) -> torch.Tensor | None:
    """The vectors in a file; None if there is none or it is damaged."""
    try:
        vectors = load_file(path)["vectors"]
    except (OSError, SafetensorError, KeyError):
        return None
    fits = vectors.shape == (count, width) and bool(torch.isfinite(vectors).all())
    return vectors if fits else None


def _write_vectors(path: Path, vectors: torch.Tensor) -> None:
    """Keep vectors; a folder that cannot be written only means that they are computed again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        save_file({"vectors": vectors.contiguous()}, partial)
        partial.replace(path)
    except (OSError, SafetensorError):
        return
