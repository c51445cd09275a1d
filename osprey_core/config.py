"""What an Osprey model consists of, as frozen values: sizes and names, checked when they are made.

The defaults are the published Osprey-7b. `to_dict` / `from_dict` are the JSON beside the weights. Nothing here
builds a module, reads a file or knows torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from osprey_core.errors import CheckpointError

LEVEL_NAMES = ("res2", "res3", "res4", "res5")
"""ConvNeXt's four stages by the name of their stride: 4, 8, 16, 32 (Osprey, section 3.2)."""

IMAGE_PLACEHOLDER_ID = -200
"""The id that stands for the whole picture in `input_ids`; it is replaced by all image tokens."""


def _require_counts(part: Any, *names: str) -> None:
    """Raise CheckpointError unless each of the part's values is a whole number of at least 1."""
    for name in names:
        value = getattr(part, name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(whole and value > 0, f"{name} must be a whole number of at least 1, not {value!r}.")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise CheckpointError(message)


CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of RGB in [0, 1] that the published encoder was trained with."""

Triple = tuple[float, float, float]

PHOTO_PREFIX = "photo_"
"""Begins the names of the photo tower's levels beside those of the encoder: "photo_res2" … "photo_head"."""


@dataclass(frozen=True)
class PhotoTowerConfig:
    """The frozen tower beside the encoder that has seen photographs; its weights ship with the program.

    `level_dims` are the channels of its four stages and of its head convolution; `image_levels` are the levels that
    image tokens are made of, with those of the encoder.
    """

    name: str = "tf_efficientnet_lite2"
    image_size: int = 512
    level_dims: tuple[int, int, int, int, int] = (24, 48, 120, 352, 1280)
    mean: Triple = (0.5, 0.5, 0.5)
    std: Triple = (0.5, 0.5, 0.5)
    image_levels: tuple[str, ...] = ("res4", "res5")

    def __post_init__(self) -> None:
        _require(len(self.level_dims) == 5, f"The photo tower needs five widths, got {self.level_dims}.")
        _require_side("The photo tower's image_size", self.image_size)
        if unknown := sorted(set(self.image_levels) - set(PHOTO_LEVEL_STRIDES)):
            raise CheckpointError(f"The photo tower has no levels {unknown}; it has {list(PHOTO_LEVEL_STRIDES)}.")

    @property
    def channels(self) -> dict[str, int]:
        """Channels by level, without the prefix."""
        return dict(zip(PHOTO_LEVEL_STRIDES, self.level_dims, strict=True))

    @property
    def level_sizes_hw(self) -> dict[str, tuple[int, int]]:
        """Height and width of the levels, without the prefix."""
        return {name: (self.image_size // s, self.image_size // s) for name, s in PHOTO_LEVEL_STRIDES.items()}


PHOTO_LEVEL_STRIDES = {"res2": 4, "res3": 8, "res4": 16, "res5": 32, "head": 32}


def _require_side(what: str, side: int) -> None:
    _require(side % 32 == 0, f"{what} must be a multiple of 32, not {side}.")


@dataclass(frozen=True)
class VisionConfig:
    """The vision encoder: its name, the square that it sees, its four widths, and how pixels are normalised.

    `name` is a timm name (`convnext_large`, or any other network with four levels, or a ViT, which is given a simple
    pyramid) or an open_clip one of a ConvNeXt (`convnext_large_d_320`). `photo` is a second, frozen tower beside it,
    whose levels are pooled over regions and joined to the image tokens as well.
    """

    name: str = "convnext_large"
    image_size: int = 512
    level_dims: tuple[int, int, int, int] = (192, 384, 768, 1536)
    mean: Triple = CLIP_MEAN
    std: Triple = CLIP_STD
    photo: PhotoTowerConfig | None = None

    def __post_init__(self) -> None:
        _require(isinstance(self.name, str) and bool(self.name), f"The vision encoder has no name: {self.name!r}.")
        _require_counts(self, "image_size")
        _require(
            self.image_size % 32 == 0,
            f"The vision encoder's image_size must be a multiple of 32, not {self.image_size}.",
        )
        _require(len(self.level_dims) == 4, f"level_dims needs four widths, got {self.level_dims}.")
        for entry, values in (("mean", self.mean), ("std", self.std)):
            _require(len(values) == 3, f"{entry} needs three numbers, got {values}.")
        _require(min(self.std) > 0, f"std must be above 0, got {self.std}.")

    @property
    def pooled_dims(self) -> dict[str, int]:
        """Channels of every level that is pooled over regions, those of the photo tower included."""
        dims = dict(zip(LEVEL_NAMES, self.level_dims, strict=True))
        if self.photo is not None:
            dims |= {PHOTO_PREFIX + name: dim for name, dim in self.photo.channels.items()}
        return dims

    @property
    def pooled_sizes_hw(self) -> dict[str, tuple[int, int]]:
        """Height and width of every level that is pooled over regions."""
        sizes = {
            name: (self.image_size // s, self.image_size // s)
            for name, s in zip(LEVEL_NAMES, (4, 8, 16, 32), strict=True)
        }
        if self.photo is not None:
            sizes |= {PHOTO_PREFIX + name: hw for name, hw in self.photo.level_sizes_hw.items()}
        return sizes

    @property
    def image_token_dim(self) -> int:
        """Channels of the map that image tokens are made of."""
        further = sum(self.photo.channels[name] for name in self.photo.image_levels) if self.photo else 0
        return self.level_dims[2] + further

    @property
    def image_token_count(self) -> int:
        """Positions of res4 (stride 16), each of which becomes one image token."""
        return (self.image_size // 16) ** 2


@dataclass(frozen=True)
class ExtractorConfig:
    """Mask extractor: width of the per-level linears, side of the flattened mask, width of its MLP."""

    level_width: int = 1024
    mask_size: int = 112
    spatial_width: int = 1024

    def __post_init__(self) -> None:
        _require_counts(self, "level_width", "mask_size", "spatial_width")


@dataclass(frozen=True)
class LanguageConfig:
    """LLaMA's sizes, by the names that transformers uses."""

    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int = 32
    max_position_embeddings: int = 4096
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def __post_init__(self) -> None:
        _require_counts(self, *(f.name for f in dataclasses.fields(self) if f.type == "int"))
        _require(
            self.hidden_size % self.num_attention_heads == 0,
            f"hidden_size {self.hidden_size} must be a multiple of num_attention_heads {self.num_attention_heads}.",
        )
        _require(
            self.num_attention_heads % self.num_key_value_heads == 0,
            "num_attention_heads must be a multiple of num_key_value_heads.",
        )


@dataclass(frozen=True)
class PromptConfig:
    """The conversation's fixed words.

    `answer_end` says how an answer ends inside the prompt: the published models were trained with `</s>` as plain
    text pieces ("text"); models trained here use the tokenizer's end-of-sequence id ("eos").
    """

    system: str = (
        "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the human's questions."
    )
    image_intro: str = "<image>\n\nThis provides an overview of the picture.\n"
    answer_end: Literal["text", "eos"] = "text"

    def __post_init__(self) -> None:
        _require(self.image_intro.count("<image>") == 1, "image_intro must contain <image> exactly once.")
        _require(self.answer_end in ("text", "eos"), f"answer_end must be 'text' or 'eos', not {self.answer_end!r}.")


@dataclass(frozen=True)
class GenerationDefaults:
    """Sampling that the model's authors used, offered where the caller says nothing."""

    temperature: float = 0.2
    top_p: float = 1.0
    max_new_tokens: int = 1024


@dataclass(frozen=True)
class ConfidenceConfig:
    """How the probability of a name becomes a confidence: its log odds times `slope` plus `offset`, measured on things
    that were never trained on. Below `unsure_below` an answer is a question."""

    slope: float = 1.0
    offset: float = 0.0
    unsure_below: float = 0.5

    def __post_init__(self) -> None:
        _require(self.slope > 0, f"The confidence's slope must be above 0, not {self.slope}.")
        _require(0 <= self.unsure_below <= 1, f"unsure_below must lie from 0 to 1, not {self.unsure_below}.")


@dataclass(frozen=True)
class OspreyConfig:
    """All parts of one model. The two region ids lie directly behind the vocabulary and have no embedding."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    extractor: ExtractorConfig = field(default_factory=ExtractorConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    generation: GenerationDefaults = field(default_factory=GenerationDefaults)
    confidence: ConfidenceConfig = field(default_factory=ConfidenceConfig)

    @property
    def mask_token_id(self) -> int:
        """Id that stands for a region's mask token (32000 in the published models)."""
        return self.language.vocab_size

    @property
    def pos_token_id(self) -> int:
        """Id that stands for a region's spatial token (32001 in the published models)."""
        return self.language.vocab_size + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values; `from_dict` reads them back to an equal config."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> OspreyConfig:
        """Read our own config.json. Raises CheckpointError for unknown or missing entries."""
        if values.get("format") != FORMAT:
            raise CheckpointError(f"This config.json is not in the format {FORMAT!r}.")
        parts: dict[str, Any] = {
            "vision": VisionConfig,
            "extractor": ExtractorConfig,
            "language": LanguageConfig,
            "prompt": PromptConfig,
            "generation": GenerationDefaults,
            "confidence": ConfidenceConfig,
        }
        built = {}
        for name, part in parts.items():
            entries = dict(values.get(name, {}))
            known = {f.name for f in dataclasses.fields(part)}
            if unknown := sorted(set(entries) - known):
                raise CheckpointError(f"config.json has unknown entries in {name!r}: {', '.join(unknown)}.")
            photo = entries.get("photo")
            if name == "vision" and photo is not None:
                try:
                    entries["photo"] = PhotoTowerConfig(**_with_tuples(photo))
                except TypeError as error:
                    raise CheckpointError(f"config.json does not describe a photo tower: {error}.") from error
            built[name] = part(**_with_tuples(entries))
        return cls(**built)

    @classmethod
    def from_published(cls, values: dict[str, Any]) -> OspreyConfig:
        """Read the config.json of a published checkpoint (transformers' flat LLaMA entries).

        Vision encoder and extractor are not described there: they are ConvNeXt-L at 512 px with the paper's widths.
        Raises CheckpointError when it does not describe an Osprey.
        """
        model_type = str(values.get("model_type", ""))
        if "osprey" not in model_type:
            raise CheckpointError(
                f"config.json describes a {model_type or 'nameless'!r} model, not an Osprey; "
                "give the folder or Hub name of an Osprey checkpoint."
            )
        projector = values.get("mm_projector_type", "mlp2x_gelu")
        _require(projector == "mlp2x_gelu", f"The connector {projector!r} is not supported, only mlp2x_gelu is.")
        rope = values.get("rope_parameters") or {}
        _require(values.get("rope_scaling") is None, "Scaled rotary embeddings (rope_scaling) are not supported.")
        heads = values.get("num_attention_heads", 32)
        language = LanguageConfig(
            vocab_size=values.get("vocab_size", 32000),
            hidden_size=values.get("hidden_size", 4096),
            intermediate_size=values.get("intermediate_size", 11008),
            num_hidden_layers=values.get("num_hidden_layers", 32),
            num_attention_heads=heads,
            num_key_value_heads=values.get("num_key_value_heads") or heads,
            max_position_embeddings=values.get("max_position_embeddings", 4096),
            rms_norm_eps=values.get("rms_norm_eps", 1e-5),
            rope_theta=rope.get("rope_theta", values.get("rope_theta", 10000.0)),
        )
        return cls(language=language)


def _with_tuples(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}


FORMAT = "osprey-core-1"
