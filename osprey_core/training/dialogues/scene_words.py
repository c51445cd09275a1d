"""Phrases for what a scene shows: things with their colours, parts, backgrounds, names that tell two regions apart."""

from __future__ import annotations

from osprey_core.language.wording import listing, with_article
from osprey_core.training.dialogues.facts import main_colors, place_of, place_words, size_of
from osprey_core.training.dialogues.region_content import RegionContent
from osprey_core.training.scenes.scene import BackgroundRegion, Scene, SceneObject


class SceneWords:
    """Phrases about one scene; the same thing always has the same phrase."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def adjectives(self, item: SceneObject, size: bool = False) -> str:
        """ "small red", "blue and white", "" … with the texture for shapes."""
        words = []
        if size and (extent := size_of(item, self.scene.size_hw)) in ("small", "large"):
            words.append(str(extent))
        colors = color_words(item.color_shares)
        if colors:
            words.append(colors)
        if item.texture not in ("", "plain"):
            words.append(item.texture)
        return " ".join(words)

    def noun(self, item: SceneObject, size: bool = False) -> str:
        """Noun phrase without article: "small red car"."""
        return f"{self.adjectives(item, size)} {item.thing.noun}".strip()

    def a(self, item: SceneObject, size: bool = False) -> str:
        """ "a small red car"."""
        return with_article(self.noun(item, size))

    def the(self, item: SceneObject, beside: SceneObject | None = None) -> str:
        """A phrase that singles the object out where its words can: "the dog", "the red star", "another star"."""
        if beside is not None and beside.thing.noun == item.thing.noun:
            return f"another {item.thing.noun}"
        same = [o for o in self.scene.objects if o.thing.noun == item.thing.noun]
        if len(same) == 1:
            return f"the {item.thing.noun}"
        colors = color_words(item.color_shares)
        if colors and all(o is item or color_words(o.color_shares) != colors for o in same):
            return f"the {colors} {item.thing.noun}"
        return self.a(item)

    def phrase(self, content: RegionContent, size: bool = False) -> str:
        """What a region shows: "a small red car", "the wheels of a red car", "the blue sky"."""
        if content.background is not None:
            return background_phrase(content.background)
        assert content.object is not None
        if content.part:
            return f"the {content.part} of {self.a(content.object)}"
        return self.a(content.object, size=size)

    def place(self, content: RegionContent) -> str:
        """Where a region is, "at the top left"; empty for background and borderline cases."""
        if content.background is not None:
            return ""
        return place_words(*place_of(content.center_xy, self.scene.size_hw))

    def backdrop(self) -> str:
        """What the whole background is: "plain and blue", "a room", "a landscape with sky and grass"."""
        names = [region.name for region in self.scene.regions]
        if len(names) == 1 and names[0].endswith("background"):
            color = color_words(self.scene.regions[0].color_shares)
            kind = names[0].removesuffix(" background")
            return f"{kind} and {color}" if color and " and " not in color else kind
        if self.scene.background == "room":
            return "a room"
        if not names:
            return "hardly visible"
        return f"a {self.scene.background} with {listing(names)}"


def color_words(shares: dict[str, float]) -> str:
    """ "red", "red and blue", or "" where no such answer would be plain."""
    return " and ".join(main_colors(shares))


def background_phrase(region: BackgroundRegion) -> str:
    """ "a striped blue background", "the green grass"."""
    colors = color_words(region.color_shares)
    color = f"{colors} " if colors else ""
    if region.name.endswith(" background"):
        kind = region.name.removesuffix(" background")
        return with_article(f"{kind} {color}background")
    return f"the {color}{region.name}"


def definite(content: RegionContent, ordinal: str = "") -> str:
    """ "the dog", "the wheels of the car", "the sky", "the first star"."""
    if content.background is not None:
        name = content.background.name
        return "the background" if name.endswith("background") else f"the {name}"
    assert content.object is not None
    noun = content.object.thing.noun
    if content.part:
        return f"the {content.part} of the {noun}"
    return f"the {ordinal} {noun}" if ordinal else f"the {noun}"


def pair(first: RegionContent, second: RegionContent) -> tuple[str, str]:
    """Names of two regions that tell them apart."""
    one, two = definite(first), definite(second)
    if one != two:
        if first.object and second.object and first.object is not second.object:
            same = first.object.thing.noun == second.object.thing.noun
            if same and bool(first.part) != bool(second.part):  # a part of one airplane, and another airplane
                if first.part:
                    return one, f"another {two.removeprefix('the ')}"
                return f"another {one.removeprefix('the ')}", two
        return one, two
    if first.object is None or second.object is None or first.part or second.part:
        return f"the first {one.removeprefix('the ')}", f"the second {two.removeprefix('the ')}"
    return definite(first, "first"), definite(second, "second")


def name_of(content: RegionContent) -> tuple[str, tuple[str, ...]]:
    """Category word of a region ("dog", "wheels", "sky"), and others as right."""
    if content.background is not None:
        name = content.background.name
        return ("background", (name,)) if name.endswith("background") else (name, ("background",))
    assert content.object is not None
    if content.part:
        singular = content.part[:-1] if content.is_many and content.part != "leaves" else content.part
        return content.part, (singular,)
    return content.object.name, tuple(sorted(content.object.thing.words))


def pronoun(content: RegionContent) -> tuple[str, str]:
    """("They", "are") or ("It", "is")."""
    return ("They", "are") if content.is_many else ("It", "is")
