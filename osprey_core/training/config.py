"""Settings of a training run: the model's sizes, the stages and what is learned in each.

Values only. The recipe is the paper's (section 4.1) behind two stages of its own that stand in for the pretrained
parts the paper starts from: no CLIP and no Vicuna are needed to train the embedded model from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from osprey_core.config import (
    ExtractorConfig,
    GenerationDefaults,
    LanguageConfig,
    OspreyConfig,
    PromptConfig,
    VisionConfig,
)
from osprey_core.errors import InputError

LOG_FILE = "log.jsonl"
"""In a run's folder: one JSON object a line."""

Part = Literal["vision_tower", "mm_projector", "mask_extractor", "llm"]
Objective = Literal["regions", "text", "dialogue"]
Precision = Literal["bfloat16", "float32"]

NANO = OspreyConfig(
    vision=VisionConfig("convnext_atto", 384, (40, 80, 160, 320)),
    extractor=ExtractorConfig(level_width=256, mask_size=48, spatial_width=256),
    language=LanguageConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
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
    `pictures`: scenes to talk about, crowds of things with a question about each, "busy" scenes with a question about
    each thing, "both" kinds of scenes in turns, or "varied": usual, busy, near and usual ones in turns, with a question
    about each thing in all but the first. `kinds` restricts what is asked
    about scenes; empty means all. `encoder_rate` is the encoder's share of the learning rate. Without
    `image_tokens` the prompt holds the regions' tokens alone, which is a third of its length. Without `surroundings`
    detailed descriptions tell of the thing itself only. Pictures are shown at `image_size` pixels a side, 0 being the
    model's own: a convolutional encoder learns most of what it has to know from smaller ones, in half the time.
    The first id of every answer counts `answer_start_weight` times in the loss of a dialogue: it is the yes or no, or
    the name, while most of a sentence follows from what has been asked. `naming` is how much it weighs beside the
    answers that every region is named from its mask token alone, `image_naming` that every image token inside a region
    is: both keep the encoder learning names while the language model learns to talk, and give image tokens a meaning
    that a question about the whole picture can use. Conversations about scenes have at most `turns` turns, 0 being as
    many as usual: the picture's tokens are paid for once for all of them; about each picture there are
    `dialogues_per_scene`, 0 being as many as the run has. With `even_relations` questions about two
    regions are about parts, overlaps, diagonals and straight directions equally often, as far as there are any. With
    `unsaid` whether something is in the picture is asked only of what the conversation has not named yet. Every second
    conversation about scenes is about the kinds `apart` alone, if any: what names it would give away elsewhere.
    """

    name: str
    objective: Objective
    trains: tuple[Part, ...]
    steps: int
    learning_rate: float
    batch_size: int = 32
    kinds: tuple[str, ...] = ()
    pictures: Literal["scenes", "crowds", "busy", "both", "varied"] = "scenes"
    encoder_rate: float = 1.0
    image_tokens: bool = True
    surroundings: bool = True
    image_size: int = 0
    warmup_steps: int = 40
    accumulate: int = 1
    answer_start_weight: float = 1.0
    naming: float = 0.0
    image_naming: float = 0.0
    turns: int = 0
    dialogues_per_scene: int = 0
    even_relations: bool = False
    unsaid: bool = False
    apart: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.accumulate < 1:
            raise InputError(f"Stage {self.name!r}: steps, batch_size and accumulate must be at least 1.")
        if self.batch_size % self.accumulate:
            raise InputError(f"Stage {self.name!r}: batch_size must be a multiple of accumulate.")
        if self.image_size < 0 or self.image_size % 32:
            raise InputError(f"Stage {self.name!r}: image_size must be a multiple of 32, or 0 for the model's own.")
        if self.answer_start_weight <= 0:
            raise InputError(f"Stage {self.name!r}: answer_start_weight must be above 0.")
        if self.naming < 0 or self.image_naming < 0:
            raise InputError(f"Stage {self.name!r}: naming and image_naming must not be negative.")
        if self.dialogues_per_scene < 0:
            raise InputError(f"Stage {self.name!r}: dialogues_per_scene must not be negative.")
        if not 0 <= self.turns <= 12:
            raise InputError(f"Stage {self.name!r}: turns must be 1 to 12, or 0 for as many as usual.")
        if not self.trains and not self.names_regions:
            raise InputError(f"Stage {self.name!r} trains no part of the model.")

    @property
    def names_regions(self) -> bool:
        """Whether regions are named by a classifier of its own, which learns along."""
        return self.objective == "regions" or self.naming > 0 or self.image_naming > 0


ALL_PARTS: tuple[Part, ...] = ("vision_tower", "mm_projector", "mask_extractor", "llm")

NANO_KINDS = (
    "category", "what", "short", "detailed", "color", "position", "relation", "is_color", "is_category", "is_position",
    "size", "part_of", "parts", "has_part", "same_kind", "refusal",
)  # fmt: skip
"""Questions that the embedded model is taught: few, so that they are learned well in a short time."""

_NINTH_KINDS = (
    *NANO_KINDS,
    "relation",
    *3 * ("is_category",),
    *2 * ("color",),
    "is_color",
    *2 * ("category",),
    "parts",
    *2 * ("size",),
)
_UNMARKED = (*3 * ("presence",), "count")  # about the picture, and no region of it

_together = partial(
    Stage,
    objective="dialogue",
    trains=ALL_PARTS,
    batch_size=16,
    dialogues_per_scene=1,
    surroundings=False,
    answer_start_weight=2.0,
    naming=1.0,
    image_naming=0.5,
    even_relations=True,
)
"""A stage that teaches names and answers together."""

NANO_STAGES = (
    Stage(
        "encoder",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=5000,
        learning_rate=2e-3,
        pictures="crowds",
        image_size=192,
    ),
    Stage("language", "text", ("llm",), steps=300, learning_rate=2e-3),
    Stage(
        "image-text", "dialogue", ("mm_projector",), steps=40, learning_rate=2e-3, kinds=("picture",), image_size=192
    ),
    # The language model learns along here: unlike Vicuna, it has never seen a word stand for a thing.
    Stage(
        "mask-text names",
        "dialogue",
        ("mask_extractor", "llm"),
        steps=1000,
        learning_rate=1.5e-3,
        pictures="crowds",
        image_tokens=False,
        image_size=192,
    ),
    Stage(
        "mask-text",
        "dialogue",
        ("mask_extractor", "llm"),
        steps=1600,
        learning_rate=1e-3,
        kinds=NANO_KINDS,
        image_tokens=False,
        image_size=192,
        surroundings=False,
    ),
    Stage(
        "end-to-end",
        "dialogue",
        ALL_PARTS,
        steps=1150,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, "presence"),
        encoder_rate=0.3,
        image_size=192,
        surroundings=False,
    ),
    # Once more around, on pictures as they will be asked about: small, half hidden and roughly selected things, parts.
    Stage(
        "encoder, busy scenes",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=2500,
        learning_rate=1.2e-3,
        pictures="busy",
        warmup_steps=150,
        image_size=256,
    ),
    Stage(
        "mask-text, busy scenes",
        "dialogue",
        ("mask_extractor", "llm"),
        steps=1050,
        learning_rate=1e-3,
        kinds=NANO_KINDS,
        pictures="busy",
        image_tokens=False,
        surroundings=False,
        image_size=256,
    ),
    Stage(
        "end-to-end, both",
        "dialogue",
        ALL_PARTS,
        steps=1000,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, "presence", "count"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
        image_size=256,
    ),
    # And a third time: what the encoder cannot tell apart, nothing after it can name.
    Stage(
        "encoder, busy scenes again",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=1700,
        learning_rate=1e-3,
        pictures="busy",
        warmup_steps=100,
        image_size=256,
    ),
    Stage(
        "mask-text, busy scenes again",
        "dialogue",
        ("mask_extractor", "llm"),
        steps=350,
        learning_rate=8e-4,
        kinds=NANO_KINDS,
        pictures="busy",
        image_tokens=False,
        surroundings=False,
        image_size=256,
    ),
    Stage(
        "end-to-end, both again",
        "dialogue",
        ALL_PARTS,
        steps=1250,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, "presence", "count"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
        image_size=256,
    ),
    # And a fourth: things drawn by another hand, and whether something is what it is asked to be.
    Stage(
        "encoder, ink too",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=850,
        learning_rate=1e-3,
        pictures="busy",
        warmup_steps=60,
        image_size=256,
    ),
    Stage(
        "mask-text, yes and no",
        "dialogue",
        ("vision_tower", "mask_extractor", "llm"),
        steps=800,
        learning_rate=1e-3,
        kinds=(*NANO_KINDS, *5 * ("is_category",), *3 * ("is_position",)),
        pictures="busy",
        encoder_rate=0.3,
        image_tokens=False,
        surroundings=False,
        warmup_steps=60,
        image_size=256,
    ),
    Stage(
        "end-to-end, at last",
        "dialogue",
        ALL_PARTS,
        steps=380,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, *2 * ("presence",), "count", *2 * ("is_category",), "is_position"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
        image_size=256,
    ),
    # Larger pictures: below forty pixels a side things were named wrong far more often than above.
    Stage(
        "encoder, larger pictures",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=900,
        learning_rate=8e-4,
        pictures="busy",
        warmup_steps=60,
    ),
    Stage(
        "mask-text, larger pictures",
        "dialogue",
        ("vision_tower", "mask_extractor", "llm"),
        steps=600,
        learning_rate=8e-4,
        kinds=(*NANO_KINDS, *2 * ("relation",), *3 * ("is_category",), "is_position"),
        pictures="busy",
        encoder_rate=0.3,
        image_tokens=False,
        surroundings=False,
        warmup_steps=60,
    ),
    Stage(
        "end-to-end, larger pictures",
        "dialogue",
        ALL_PARTS,
        steps=520,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, *2 * ("presence",), "count", "relation", *2 * ("is_category",), "is_position"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
    ),
    # A sixth time, longer, with more weight on how an answer begins: its name, its yes or its no.
    Stage(
        "encoder, larger pictures again",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=1750,
        learning_rate=1e-3,
        pictures="busy",
        warmup_steps=60,
    ),
    Stage(
        "mask-text, beginnings",
        "dialogue",
        ("vision_tower", "mask_extractor", "llm"),
        steps=850,
        learning_rate=1e-3,
        kinds=(*NANO_KINDS, "relation", *4 * ("is_category",), *2 * ("has_part",), "category"),
        pictures="busy",
        encoder_rate=0.3,
        image_tokens=False,
        surroundings=False,
        warmup_steps=60,
        answer_start_weight=4.0,
    ),
    Stage(
        "end-to-end, beginnings",
        "dialogue",
        ALL_PARTS,
        steps=650,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, *3 * ("presence",), *2 * ("count",), "relation", *2 * ("is_category",), "has_part"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
        answer_start_weight=3.0,
    ),
    # A seventh time: the encoder had not stopped getting better. Beginnings weigh more without image tokens alone.
    Stage(
        "encoder, longer",
        "regions",
        ("vision_tower", "mask_extractor"),
        steps=2000,
        learning_rate=1e-3,
        pictures="busy",
        warmup_steps=60,
    ),
    Stage(
        "mask-text, longer",
        "dialogue",
        ("vision_tower", "mask_extractor", "llm"),
        steps=850,
        learning_rate=1e-3,
        kinds=(*NANO_KINDS, *2 * ("relation",), *3 * ("is_category",), "has_part", "category", "color"),
        pictures="busy",
        encoder_rate=0.3,
        image_tokens=False,
        surroundings=False,
        warmup_steps=60,
        answer_start_weight=3.0,
    ),
    Stage(
        "end-to-end, longer",
        "dialogue",
        ALL_PARTS,
        steps=720,
        learning_rate=6e-4,
        kinds=(*NANO_KINDS, *3 * ("presence",), *2 * ("count",), *2 * ("relation",), "is_category", "color"),
        pictures="both",
        encoder_rate=0.3,
        surroundings=False,
    ),
    # An eighth time, names and answers learned together, on usual scenes too: large things had become the weak ones.
    Stage(
        "namer",
        "regions",
        (),
        steps=100,
        learning_rate=4e-3,
        batch_size=16,
        dialogues_per_scene=1,
        pictures="busy",
        warmup_steps=10,
    ),
    _together(
        "names and answers",
        steps=1350,
        learning_rate=1e-3,
        kinds=(*NANO_KINDS, "relation", *2 * ("is_category",), "has_part", "category"),
        pictures="both",
        image_tokens=False,
        warmup_steps=80,
        turns=8,
    ),
    _together(
        "end-to-end, named image tokens",
        steps=390,
        learning_rate=6e-4,
        kinds=(
            *NANO_KINDS,
            "relation",
            *5 * ("presence",),
            *2 * ("count",),
            *2 * ("is_category",),
            "has_part",
            "category",
            "part_of",
        ),
        pictures="both",
        encoder_rate=0.5,
        warmup_steps=30,
        turns=8,
    ),
    # A ninth time, with near pictures of large things, and with presence to be seen instead of read.
    _together(
        "names and answers, large things too",
        steps=800,
        learning_rate=8e-4,
        kinds=_NINTH_KINDS,
        pictures="varied",
        image_tokens=False,
        warmup_steps=50,
        turns=8,
    ),
    _together(
        "end to end, unsaid presence",
        steps=600,
        learning_rate=5e-4,
        kinds=(*_NINTH_KINDS, *_UNMARKED),
        apart=_UNMARKED,
        pictures="varied",
        encoder_rate=0.6,
        warmup_steps=30,
        turns=12,
        unsaid=True,
    ),
)
"""About fifteen hours on two CPU cores; `TrainingConfig.scaled` makes it longer or shorter."""

NANO_STYLES = ("twemoji", "noto", "noto-v1", "fluent-emoji", "fluent-emoji-flat", "emojione", "fxemoji")
"""Art that the embedded model sees in training."""

NANO_INKED = ("twemoji", "fluent-emoji-flat")
"""Of these the embedded model sees each thing once more, as flat colours between black lines."""

NANO_THINGS = (
    "monkey", "gorilla", "dog", "wolf", "fox", "raccoon", "cat", "lion", "tiger", "leopard", "moose", "horse",
    "unicorn", "zebra", "deer", "cow", "pig", "sheep", "goat", "camel", "llama", "giraffe", "elephant", "rhino",
    "hippo", "mouse", "hamster", "rabbit", "squirrel", "beaver", "hedgehog", "bat", "polar bear", "koala", "panda",
    "sloth", "kangaroo", "frog", "crocodile", "turtle", "lizard", "snake", "dragon", "dinosaur", "whale", "dolphin",
    "seal", "fish", "tropical fish", "pufferfish", "shark", "octopus", "jellyfish", "crab", "lobster", "shrimp",
    "squid", "paw prints", "turkey", "chicken", "rooster", "hatching chick", "chick", "penguin", "dove", "eagle",
    "duck", "swan", "owl", "flamingo", "peacock", "parrot", "snail", "butterfly", "caterpillar", "ant", "bee",
    "ladybug", "cricket", "spider", "scorpion", "worm", "bouquet", "cherry blossom", "rose", "sunflower", "tulip",
    "potted plant", "pine tree", "tree", "palm tree", "cactus", "wheat", "clover", "maple leaf", "fallen leaf",
    "mushroom", "christmas tree", "grapes", "melon", "watermelon", "orange", "lemon", "banana", "pineapple",
    "mango", "apple", "pear", "peach", "cherries", "strawberry", "blueberries", "kiwi", "coconut", "tomato",
    "avocado", "eggplant", "carrot", "corn", "chili pepper", "bell pepper", "cucumber", "broccoli", "garlic",
    "onion", "pea pod", "bread", "croissant", "baguette", "pretzel", "bagel", "pancakes", "waffle", "cheese",
    "chicken leg", "bacon", "hamburger", "french fries", "pizza", "hot dog", "sandwich", "taco", "burrito", "egg",
    "fried egg", "salad", "popcorn", "rice ball", "rice", "noodles", "spaghetti", "sushi", "fried shrimp",
    "dumpling", "ice cream", "doughnut", "cookie", "birthday cake", "cake", "cupcake", "pie", "candy", "lollipop",
    "pudding", "baby bottle", "milk", "coffee", "teapot", "tea", "wine", "cocktail", "beer", "cup with straw",
    "bubble tea", "juice box", "chopsticks", "spoon", "knife", "jar", "vase", "globe", "mountain", "volcano",
    "house", "castle", "church", "fountain", "tent", "circus tent", "ferris wheel", "carousel horse", "slide",
    "brick", "rock", "train", "bus", "ambulance", "fire truck", "police car", "taxi", "car", "pickup truck",
    "truck", "tractor", "racing car", "motorcycle", "scooter", "wheelchair", "bicycle", "skateboard", "sailboat",
    "canoe", "ship", "airplane", "parachute", "helicopter", "satellite", "rocket", "flying saucer", "gas pump",
    "wheel", "traffic light", "stop sign", "anchor", "warning sign", "no entry sign", "crescent moon", "full moon",
    "sun", "planet", "star", "shooting star", "cloud", "tornado", "rainbow", "lightning bolt", "snowflake",
    "snowman", "fire", "drop of water", "wave", "pumpkin", "fireworks", "balloon", "party popper", "bow", "gift",
    "pinata", "medal", "trophy", "soccer ball", "baseball", "basketball", "volleyball", "american football",
    "tennis ball", "frisbee", "hockey stick", "badminton racket", "boxing glove", "ice skate", "fishing rod",
    "skis", "sled", "target", "kite", "water gun", "billiard ball", "crystal ball", "game controller",
    "puzzle piece", "teddy bear", "disco ball", "chess pawn", "playing card", "framed picture", "paint palette",
    "glasses", "sunglasses", "tie", "shirt", "jeans", "scarf", "gloves", "coat", "socks", "dress", "swimsuit",
    "handbag", "backpack", "running shoe", "high heel", "crown", "sun hat", "top hat", "graduation cap", "cap",
    "gem", "umbrella", "saxophone", "trumpet", "accordion", "guitar", "piano keys", "violin", "banjo", "drum",
    "flute", "bell", "megaphone", "music note", "microphone", "headphones", "radio", "phone", "telephone", "laptop",
    "keyboard", "computer mouse", "floppy disk", "television", "camera", "magnifying glass", "candle", "light bulb",
    "flashlight", "lantern", "alarm clock", "hourglass", "watch", "compass", "book", "scroll", "envelope", "box",
    "mailbox", "pencil", "paintbrush", "calendar", "ruler", "scissors", "coin", "money bag", "credit card", "lock",
    "key", "hammer", "axe", "pickaxe", "dagger", "bomb", "shield", "saw", "wrench", "screwdriver", "gear", "scales",
    "chains", "magnet", "ladder", "flask", "dna", "microscope", "telescope", "syringe", "pill", "stethoscope",
    "thermometer", "door", "mirror", "window", "bed", "couch", "chair", "toilet", "plunger", "shower", "bathtub",
    "broom", "basket", "toilet paper", "bucket", "soap", "toothbrush", "sponge", "fire extinguisher",
    "shopping cart", "suitcase", "service bell", "feather", "shell", "bone", "tooth", "spider web", "smiling face",
    "ghost", "alien", "space monster", "robot", "skull", "clown", "eye", "ear", "nose", "mouth", "foot", "brain",
    "heart", "broken heart", "question mark", "pirate flag", "checkered flag",
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
    inked: tuple[str, ...] = NANO_INKED
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    betas: tuple[float, float] = field(default=(0.9, 0.98))
    workers: int = 1
    dialogues_per_scene: int = 2
    max_tokens: int = 256
    """Longest prompt in ids, before the picture's id becomes image tokens; longer dialogues lose their last turns."""
    save_every: int = 100
    score_every: int = 0
    """Steps between scores on the held-out set; 0: never. The best model so far is kept."""
    held_out: int = 64
    """Samples of the held-out set."""
    precision: Precision = "bfloat16"
    """What products are computed in; weights and optimiser are float32 on a CPU."""
    gradient_checkpointing: bool = False
    """Compute the language model's activations again on the way back instead of keeping them."""

    def scenes_per_batch(self, stage: Stage) -> int:
        """Pictures of a stage's batch, or of the part of one that is accumulated."""
        return max(1, stage.batch_size // stage.accumulate // (stage.dialogues_per_scene or self.dialogues_per_scene))

    def scaled(self, factor: float) -> TrainingConfig:
        """The same run with every stage shortened or lengthened."""
        stages = tuple(replace(stage, steps=max(1, round(stage.steps * factor))) for stage in self.stages)
        return replace(self, stages=stages)
