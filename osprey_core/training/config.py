"""Settings of a training run: the model's sizes, the stages and what is learned in each.

Values only. The recipe is the paper's (section 4.1) behind two stages of its own that stand in for the pretrained
parts the paper starts from: no CLIP and no Vicuna are needed to train the embedded model from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ..config import ExtractorConfig, GenerationDefaults, LanguageConfig, OspreyConfig, PromptConfig, VisionConfig
from ..errors import InputError

Part = Literal["vision_tower", "mm_projector", "mask_extractor", "llm"]
Objective = Literal["regions", "text", "dialogue"]

NANO = OspreyConfig(
    vision=VisionConfig("convnext_atto", 192, (40, 80, 160, 320)),
    extractor=ExtractorConfig(level_width=256, mask_size=48, spatial_width=256),
    language=LanguageConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=640,
    ),
    prompt=PromptConfig(system="A chat about a picture.", answer_end="eos"),
    generation=GenerationDefaults(temperature=0.0, max_new_tokens=128),
)
"""The embedded model: the published architecture with an encoder and a language model that two CPU cores can train."""


@dataclass(frozen=True)
class Stage:
    """One stage: which parts learn, from what, for how long.

    `objective`: "regions" names masked regions from pooled features alone (the encoder's pretraining), "text" is next
    token prediction on dialogues without picture, "dialogue" is Osprey's own: the answers, given picture and regions.
    `pictures`: scenes to talk about, or crowds of things with a question about each. `kinds` restricts what is asked
    about scenes; empty means all. `encoder_rate` is the encoder's share of the learning rate. Without
    `image_tokens` the prompt holds the regions' tokens alone, which is a third of its length.
    """

    name: str
    objective: Objective
    trains: tuple[Part, ...]
    steps: int
    learning_rate: float
    batch_size: int = 32
    kinds: tuple[str, ...] = ()
    pictures: Literal["scenes", "crowds"] = "scenes"
    encoder_rate: float = 1.0
    image_tokens: bool = True
    warmup_steps: int = 40
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.accumulate < 1:
            raise InputError(f"Stage {self.name!r}: steps, batch_size and accumulate must be at least 1.")
        if self.batch_size % self.accumulate:
            raise InputError(f"Stage {self.name!r}: batch_size must be a multiple of accumulate.")
        if not self.trains:
            raise InputError(f"Stage {self.name!r} trains no part of the model.")


ALL_PARTS: tuple[Part, ...] = ("vision_tower", "mm_projector", "mask_extractor", "llm")

NANO_KINDS = (
    "category", "what", "short", "detailed", "color", "position", "relation", "is_color", "is_category", "refusal",
)  # fmt: skip
"""Questions that the embedded model is taught: few, so that they are learned well in a short time."""

NANO_STAGES = (
    Stage("encoder", "regions", ("vision_tower", "mask_extractor"), steps=2500, learning_rate=2e-3, pictures="crowds"),
    Stage("language", "text", ("llm",), steps=300, learning_rate=2e-3),
    Stage("image-text", "dialogue", ("mm_projector",), steps=40, learning_rate=2e-3, kinds=("picture",)),
    # The language model learns along here: unlike Vicuna, it has never seen a word stand for a thing.
    Stage(
        "mask-text",
        "dialogue",
        ("mask_extractor", "llm"),
        steps=1000,
        learning_rate=1.5e-3,
        kinds=NANO_KINDS,
        image_tokens=False,
    ),
    Stage("end-to-end", "dialogue", ALL_PARTS, steps=1200, learning_rate=8e-4, kinds=NANO_KINDS, encoder_rate=0.3),
)
"""About two hours on two CPU cores; `TrainingConfig.scaled` makes it longer or shorter."""

NANO_STYLES = ("twemoji", "noto", "fluent-emoji-flat")
"""Art that the embedded model sees in training."""

NANO_THINGS = (
    "monkey", "gorilla", "dog", "wolf", "fox", "raccoon", "cat", "lion", "tiger", "leopard", "horse", "unicorn",
    "zebra", "deer", "cow", "pig", "sheep", "goat", "camel", "giraffe", "elephant", "rhino", "hippo", "mouse",
    "hamster", "rabbit", "squirrel", "hedgehog", "bat", "koala", "panda", "kangaroo", "frog", "crocodile", "turtle",
    "lizard", "snake", "dragon", "dinosaur", "whale", "dolphin", "fish", "shark", "octopus", "jellyfish", "crab",
    "lobster", "shrimp", "squid", "chicken", "rooster", "chick", "penguin", "eagle", "duck", "swan", "owl",
    "flamingo", "peacock", "parrot", "snail", "butterfly", "ant", "bee", "ladybug", "spider", "scorpion", "rose",
    "sunflower", "tulip", "potted plant", "pine tree", "tree", "palm tree", "cactus", "mushroom", "maple leaf",
    "clover", "grapes", "watermelon", "orange", "lemon", "banana", "pineapple", "apple", "pear", "peach",
    "cherries", "strawberry", "kiwi", "coconut", "tomato", "avocado", "eggplant", "carrot", "corn", "broccoli",
    "onion", "cucumber", "bread", "croissant", "pretzel", "pancakes", "cheese", "hamburger", "french fries",
    "pizza", "hot dog", "taco", "fried egg", "popcorn", "sushi", "ice cream", "doughnut", "cookie", "birthday cake",
    "cupcake", "lollipop", "candy", "milk", "coffee", "wine", "beer", "teapot", "bus", "ambulance", "fire truck",
    "police car", "taxi", "car", "truck", "tractor", "motorcycle", "bicycle", "sailboat", "ship", "airplane",
    "helicopter", "rocket", "flying saucer", "crescent moon", "sun", "star", "cloud", "rainbow", "lightning bolt",
    "snowflake", "snowman", "fire", "guitar", "trumpet", "violin", "drum", "saxophone", "bell", "umbrella", "crown",
    "key", "book", "alarm clock", "soccer ball", "basketball", "balloon", "gift", "heart", "scissors", "hammer",
    "light bulb", "ghost", "robot", "teddy bear",
)  # fmt: skip
"""Emoji that the embedded model is taught, besides the drawn objects and shapes: distinct, everyday things."""


@dataclass(frozen=True)
class TrainingConfig:
    """One run. `data_seed` offsets all scenes; the same settings give the same model on the same machine."""

    model: OspreyConfig = NANO
    stages: tuple[Stage, ...] = NANO_STAGES
    seed: int = 0
    data_seed: int = 1_000_000
    styles: tuple[str, ...] = NANO_STYLES
    things: tuple[str, ...] = NANO_THINGS
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    betas: tuple[float, float] = field(default=(0.9, 0.98))
    workers: int = 1
    dialogues_per_scene: int = 2
    max_tokens: int = 256
    """Longest prompt in ids, before the picture's id becomes image tokens; longer dialogues lose their last turns."""
    save_every: int = 100

    def scaled(self, factor: float) -> TrainingConfig:
        """The same run with every stage shortened or lengthened."""
        stages = tuple(replace(stage, steps=max(1, round(stage.steps * factor))) for stage in self.stages)
        return replace(self, stages=stages)
