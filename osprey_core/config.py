"""The configuration of an Osprey model as frozen values: sizes and names, checked on construction.

The defaults are the published Osprey-7b. `to_dict` / `from_dict` convert to and from the JSON beside the weights.
Independent of torch; builds no module and reads no file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from osprey_core.errors import CheckpointError
from osprey_core.i18n import Param

LEVEL_NAMES = ("res2", "res3", "res4", "res5")
"""ConvNeXt's four stages by the name of their stride: 4, 8, 16, 32 (Osprey, section 3.2)."""

IMAGE_PLACEHOLDER_ID = -200
"""The placeholder id of the picture in `input_ids`; it is replaced by all image tokens."""


LARGEST = {
    "image_size": 4096,
    "level_dims": 16_384,
    "mask_size": 1024,
    "vocab_size": 4_000_000,
    "hidden_size": 65_536,
    "intermediate_size": 262_144,
    "num_hidden_layers": 512,
    "num_attention_heads": 1024,
    "num_key_value_heads": 1024,
    "max_position_embeddings": 16_777_216,
    "max_new_tokens": 1_048_576,
}
"""Upper limits, larger than in any known model. A file beyond them is damaged or hostile, and is refused before
anything is allocated."""
_LARGEST_WIDTH = 65_536


def _require_counts(part: Any, *names: str) -> None:
    """Raise CheckpointError unless each of these values of the part is a whole number from 1 to its limit."""
    for name in names:
        _require_count(name, getattr(part, name))


def _require_count(name: str, value: Any) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    _require(whole and value > 0, "config.count_invalid", name=name, value=_shown(value))
    largest = LARGEST.get(name, _LARGEST_WIDTH)
    _require(value <= largest, "config.count_excessive", name=name, value=_shown(value), largest=largest)


def _require_number(name: str, value: Any, *, above: float | None = None, at_least: float = 0.0) -> None:
    """Raise CheckpointError unless `value` is a finite number, above `above` if given, else at least `at_least`."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    _require(
        number and (value >= at_least if above is None else value > above),
        "config.number_invalid",
        name=name,
        value=_shown(value),
    )


def _require_text(name: str, value: Any) -> None:
    _require(isinstance(value, str), "config.text_invalid", name=name, value=_shown(value))


def _shown(value: Any) -> str:
    """The value as shortened text for an error message: a damaged file may hold megabytes."""
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python converts
        text = type(value).__name__
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _section(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section of config.json by name; empty if it is missing. Raises CheckpointError if it is not an object."""
    section = values.get(name)
    if section is None:
        return {}
    _require(isinstance(section, dict), "config.section_invalid", name=name)
    return dict(section)


def _require(condition: bool, code: str, **params: Param) -> None:
    if not condition:
        raise CheckpointError(code, **params)


CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of RGB in [0, 1] that the published encoder was trained with."""

Triple = tuple[float, float, float]

PHOTO_TOWER_NAME = "tf_efficientnet_lite2"
"""The photo tower's name in timm."""

PHOTO_LEVEL_STRIDES = {"res2": 4, "res3": 8, "res4": 16, "res5": 32, "head": 32}

PHOTO_PREFIX = "photo_"
"""Begins the names of the photo tower's levels beside those of the encoder: "photo_res2" … "photo_head"."""

CLOSE_UP_PREFIX = "close_up_"
"""Begins the names of what the photo tower sees in close-ups of single regions: "close_up_res2" …"""


@dataclass(frozen=True)
class PhotoTowerConfig:
    """The frozen tower beside the encoder that has seen photographs; its weights ship with the program.

    `level_dims` are the channels of its four stages and of its head convolution; `image_levels` are the levels that
    image tokens are made of, with those of the encoder.
    """

    name: str = PHOTO_TOWER_NAME
    image_size: int = 512
    level_dims: tuple[int, int, int, int, int] = (24, 48, 120, 352, 1280)
    mean: Triple = (0.5, 0.5, 0.5)
    std: Triple = (0.5, 0.5, 0.5)
    image_levels: tuple[str, ...] = ("res4", "res5")
    close_up_size: int = 0
    """Side in pixels of the square in which the tower sees every region once more, cut out of the picture; 0: never."""
    close_up_margin: float = 0.3
    """How much larger than the longer side of the region's box that cut-out is, as a share of it."""
    prototypes: int = 0
    """Names of photographed things that have a token of their own, which the tower's features choose among; 0: none."""

    def __post_init__(self) -> None:
        _require(self.name == PHOTO_TOWER_NAME, "config.photo_tower_unknown", name=_shown(self.name))
        _require_counts(self, "image_size")
        _require(self.image_size % 32 == 0, "config.image_size_uneven", value=self.image_size)
        if self.close_up_size != 0:
            _require_counts(self, "close_up_size")
            _require(self.close_up_size % 32 == 0, "config.image_size_uneven", value=self.close_up_size)
        _require_number("close_up_margin", self.close_up_margin, at_least=0.0)
        if self.prototypes != 0:
            _require_counts(self, "prototypes")
        _require_normalisation(self.mean, self.std)
        known = isinstance(self.image_levels, tuple) and set(self.image_levels) <= set(PHOTO_LEVEL_STRIDES)
        _require(known, "config.photo_levels_unknown", values=_shown(self.image_levels))
        five = isinstance(self.level_dims, tuple) and len(self.level_dims) == len(PHOTO_LEVEL_STRIDES)
        _require(five, "config.photo_widths_not_five", values=_shown(self.level_dims))
        for width in self.level_dims:
            _require_count("level_dims", width)

    @property
    def channels(self) -> dict[str, int]:
        """Channels by level, without the prefix."""
        return dict(zip(PHOTO_LEVEL_STRIDES, self.level_dims, strict=True))

    @property
    def level_sizes_hw(self) -> dict[str, tuple[int, int]]:
        """Height and width of the levels, without the prefix."""
        return {name: (self.image_size // s, self.image_size // s) for name, s in PHOTO_LEVEL_STRIDES.items()}


def _require_normalisation(mean: Any, std: Any) -> None:
    """Raise CheckpointError unless both are three numbers, and the deviations above 0."""
    for name, values in (("mean", mean), ("std", std)):
        three = isinstance(values, tuple) and len(values) == 3
        _require(three, "config.number_invalid", name=name, value=_shown(values))
        for value in values:
            _require_number(name, value, above=0.0 if name == "std" else None, at_least=-1e6)


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
        _require_text("name", self.name)
        _require(bool(self.name), "config.text_invalid", name="name", value=_shown(self.name))
        _require_counts(self, "image_size")
        _require(self.image_size % 32 == 0, "config.image_size_uneven", value=self.image_size)
        four = isinstance(self.level_dims, tuple) and len(self.level_dims) == 4
        _require(four, "config.levels_not_four", values=_shown(self.level_dims))
        for width in self.level_dims:
            _require_count("level_dims", width)
        _require_normalisation(self.mean, self.std)

    @property
    def pooled_dims(self) -> dict[str, int]:
        """Channels of every level that is pooled over regions, those of the photo tower and its close-ups included."""
        dims = dict(zip(LEVEL_NAMES, self.level_dims, strict=True))
        if self.photo is not None:
            dims |= {PHOTO_PREFIX + name: dim for name, dim in self.photo.channels.items()}
            if self.photo.close_up_size:
                dims |= {CLOSE_UP_PREFIX + name: dim for name, dim in self.photo.channels.items()}
        return dims

    @property
    def pooled_sizes_hw(self) -> dict[str, tuple[int, int]]:
        """Height and width of every level of the whole picture that is pooled over regions."""
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
class SamplerConfig:
    """Ferret's sampler in the place of mask pooling: what is there is read at points of the region.

    Every block keeps `anchors` of the points before it, far from each other, and joins `neighbours` points to each.
    """

    points: int = 512
    """Points drawn from a region's pixels."""
    anchors: tuple[int, ...] = (128, 32)
    """Points that are left after each block."""
    neighbours: int = 24
    pool: Literal["max", "mean"] = "max"
    """How neighbours are joined."""
    levels: tuple[str, ...] = ("res4",)
    """What is read at the points: one level as it is, or the sum of several levels' projections."""

    def __post_init__(self) -> None:
        _require_counts(self, "points", "neighbours")
        _require(isinstance(self.anchors, tuple) and bool(self.anchors), "config.anchors_invalid")
        left = self.points
        for anchors in self.anchors:
            _require_count("anchors", anchors)
            _require(max(anchors, self.neighbours) <= left, "config.anchors_invalid")
            left = anchors
        _require(self.pool in ("max", "mean"), "config.sampler_pool_unknown", value=_shown(self.pool))
        levels = self.levels if isinstance(self.levels, tuple) else ()
        texts = bool(levels) and all(isinstance(level, str) for level in levels)
        _require(texts and len(set(levels)) == len(levels), "config.sampler_levels_unknown", values=_shown(self.levels))


@dataclass(frozen=True)
class ExtractorConfig:
    """Mask extractor: width of the per-level linears, side of the flattened mask, width of its MLP.

    `sampler` reads regions at points instead of pooling features over their masks.
    """

    level_width: int = 1024
    mask_size: int = 112
    spatial_width: int = 1024
    sampler: SamplerConfig | None = None

    def __post_init__(self) -> None:
        _require_counts(self, "level_width", "mask_size", "spatial_width")

    @property
    def point_count(self) -> int:
        """Points that the extractor needs of every region; 0 without a sampler."""
        return self.sampler.points if self.sampler is not None else 0


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
        _require_number("rms_norm_eps", self.rms_norm_eps)
        _require_number("rope_theta", self.rope_theta, above=0.0)
        _require(
            self.hidden_size % self.num_attention_heads == 0,
            "config.hidden_size_uneven",
            hidden_size=self.hidden_size,
            heads=self.num_attention_heads,
        )
        _require(self.num_attention_heads % self.num_key_value_heads == 0, "config.heads_uneven")


@dataclass(frozen=True)
class PromptConfig:
    """The fixed texts of a conversation's prompt.

    `answer_end` is the end of an answer inside the prompt: the published models were trained with `</s>` as plain
    text pieces ("text"); models trained here use the tokenizer's end-of-sequence id ("eos").
    """

    system: str = (
        "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the human's questions."
    )
    image_intro: str = "<image>\n\nThis provides an overview of the picture.\n"
    answer_end: Literal["text", "eos"] = "text"

    def __post_init__(self) -> None:
        _require_text("system", self.system)
        _require_text("image_intro", self.image_intro)
        _require(self.image_intro.count("<image>") == 1, "config.image_intro_invalid")
        _require(self.answer_end in ("text", "eos"), "config.answer_end_unknown", value=_shown(self.answer_end))


@dataclass(frozen=True)
class GenerationDefaults:
    """The sampling settings of the model's authors, used where the caller gives none."""

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
        _require_number("slope", self.slope, above=0.0)
        _require_number("offset", self.offset, at_least=-1e6)
        _require_number("unsure_below", self.unsure_below)
        _require(self.unsure_below <= 1, "config.number_invalid", name="unsure_below", value=self.unsure_below)


@dataclass(frozen=True)
class CountingConfig:
    """How a model's segments and its own answer are weighed where things are counted, see `counting`."""

    most_segments: int = 40
    """That are looked at, the largest ones."""
    least_named: float = 0.3
    """Probability, 0..1, with which the model calls a segment so that counts."""
    found: float = 0.9
    """Share of the things that a segment is found for, above 0 and below 1."""
    further: float = 0.2
    """Probability of one more segment that shows none of them, and of each one after it; as `found`."""
    own_answer: float = 0.3
    """Weight of the logarithm of the probability of the model's own number."""
    named_weight: float = 0.41
    """Of the logarithm of the best segment's probability of the name, for whether there is one."""
    agreed_weight: float = 2.9
    """Of the probability of the model's yes to whether that segment is one."""
    own_weight: float = 1.28
    """Of the log odds of the model's own yes about the whole picture."""
    offset: float = 0.8

    def __post_init__(self) -> None:
        _require_counts(self, "most_segments")
        for name in ("least_named", "found", "further"):
            _require_number(name, getattr(self, name), above=0.0)
            _require(getattr(self, name) < 1, "config.number_invalid", name=name, value=getattr(self, name))
        for name in ("own_answer", "named_weight", "agreed_weight", "own_weight"):
            _require_number(name, getattr(self, name))
        _require_number("offset", self.offset, at_least=-1e6)


@dataclass(frozen=True)
class PhotographsConfig:
    """The second network of a model that has one: it shares the encoder and all sizes, sees through a photo tower as
    well, and answers about photographs; the first one answers about drawings."""

    photo: PhotoTowerConfig = field(default_factory=PhotoTowerConfig)
    confidence: ConfidenceConfig = field(default_factory=ConfidenceConfig)
    whole_picture: str = "tokens"
    """What tells what a whole picture shows: its image "tokens", or the names of its "segments", see `survey`."""
    counting: CountingConfig | None = None
    """As `OspreyConfig.counting`, for photographs."""

    def __post_init__(self) -> None:
        _require(
            self.whole_picture in ("tokens", "segments"),
            "config.whole_picture_unknown",
            value=_shown(self.whole_picture),
        )


@dataclass(frozen=True)
class OspreyConfig:
    """The configuration of one model. The two region ids follow directly after the vocabulary and have no embedding."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    extractor: ExtractorConfig = field(default_factory=ExtractorConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    generation: GenerationDefaults = field(default_factory=GenerationDefaults)
    confidence: ConfidenceConfig = field(default_factory=ConfidenceConfig)
    photographs: PhotographsConfig | None = None
    counting: CountingConfig | None = None
    """Where things are counted, and looked for, in the segments of a whole picture. None: the language model alone
    answers such questions. Of a model with two networks, for drawings."""
    relations: Literal["tokens", "masks"] = "tokens"
    """How it is told how two regions lie to each other: by what the language model answers, or by the likeliest of its
    answers that the two "masks" do not contradict, see `language.relations`."""
    picture_precision: Literal["weights", "bfloat16"] = "weights"
    """What pictures are read in on a CPU with products of bfloat16, see `runtime.picture_precision`; "weights": in the
    precision of the weights, as everywhere else."""

    def __post_init__(self) -> None:
        _require(self.relations in ("tokens", "masks"), "config.relations_unknown", value=_shown(self.relations))
        known = self.picture_precision in ("weights", "bfloat16")
        _require(known, "config.picture_precision_unknown", value=_shown(self.picture_precision))
        sampler = self.extractor.sampler
        if sampler is None:
            return
        known = set(sampler.levels) <= set(self.vision.pooled_sizes_hw)
        _require(known, "config.sampler_levels_unknown", values=_shown(sampler.levels))
        # Both work on features that are pooled over a mask.
        towers = [self.vision.photo, self.photographs.photo if self.photographs is not None else None]
        pooling = any(photo is not None and (photo.close_up_size or photo.prototypes) for photo in towers)
        _require(not pooling, "config.sampler_close_ups")

    @property
    def of_photographs(self) -> OspreyConfig:
        """The config of the network that answers about photographs. Raises ValueError for a model without one."""
        if self.photographs is None:
            raise ValueError("This model has one network only.")
        vision = dataclasses.replace(self.vision, photo=self.photographs.photo)
        return dataclasses.replace(
            self,
            vision=vision,
            confidence=self.photographs.confidence,
            counting=self.photographs.counting,
            photographs=None,
        )

    @property
    def mask_token_id(self) -> int:
        """Placeholder id of a region's mask token (32000 in the published models)."""
        return self.language.vocab_size

    @property
    def pos_token_id(self) -> int:
        """Placeholder id of a region's spatial token (32001 in the published models)."""
        return self.language.vocab_size + 1

    def to_dict(self) -> dict[str, Any]:
        """The config as JSON-ready values; `from_dict` restores an equal config."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> OspreyConfig:
        """Read our own config.json. Raises CheckpointError for unknown or missing entries."""
        if values.get("format") != FORMAT:
            raise CheckpointError("config.format_unknown", format=repr(FORMAT))
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
            entries = _section(values, name)
            if name == "vision" and entries.get("photo") is not None:
                entries["photo"] = _read_part(PhotoTowerConfig, "'photo'", _section(entries, "photo"))
            if name == "extractor" and entries.get("sampler") is not None:
                entries["sampler"] = _read_part(SamplerConfig, "'sampler'", _section(entries, "sampler"))
            built[name] = _read_part(part, repr(name), entries)
        if values.get("photographs") is not None:
            built["photographs"] = _read_photographs(_section(values, "photographs"))
        plain = {name: values[name] for name in ("relations", "picture_precision") if name in values}
        return cls(**built, counting=_read_counting(values), **plain)

    @classmethod
    def from_published(cls, values: dict[str, Any]) -> OspreyConfig:
        """Read the config.json of a published checkpoint (transformers' flat LLaMA entries).

        Vision encoder and extractor are not described there: they are ConvNeXt-L at 512 px with the paper's widths.
        Raises CheckpointError when it does not describe an Osprey.
        """
        model_type = str(values.get("model_type", ""))
        if "osprey" not in model_type:
            if not model_type:
                raise CheckpointError("config.model_nameless")
            raise CheckpointError("config.model_foreign", kind=_shown(model_type))
        projector = values.get("mm_projector_type", "mlp2x_gelu")
        _require(projector == "mlp2x_gelu", "config.connector_unsupported", name=_shown(projector))
        rope = _section(values, "rope_parameters")
        _require(values.get("rope_scaling") is None, "config.rope_scaling_unsupported")
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


def _read_part(part: Any, name: str, entries: dict[str, Any]) -> Any:
    """A part of the config out of its entries. Raises CheckpointError for unknown entries."""
    if unknown := sorted(set(entries) - {f.name for f in dataclasses.fields(part)}):
        raise CheckpointError("config.entries_unknown", part=name, entries=_cut(", ".join(unknown)))
    return part(**_with_tuples(entries))


def _read_photographs(entries: dict[str, Any]) -> PhotographsConfig:
    if unknown := sorted(set(entries) - {"photo", "confidence", "whole_picture", "counting"}):
        raise CheckpointError("config.entries_unknown", part="'photographs'", entries=_cut(", ".join(unknown)))
    photo = _read_part(PhotoTowerConfig, "'photo'", _section(entries, "photo"))
    confidence = _read_part(ConfidenceConfig, "'confidence'", _section(entries, "confidence"))
    return PhotographsConfig(photo, confidence, entries.get("whole_picture", "tokens"), _read_counting(entries))


def _read_counting(entries: dict[str, Any]) -> CountingConfig | None:
    if entries.get("counting") is None:
        return None
    return _read_part(CountingConfig, "'counting'", _section(entries, "counting"))


def _with_tuples(entries: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}


FORMAT = "osprey-core-1"
