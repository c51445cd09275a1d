"""Small pieces of English: articles, plurals, lists, sentences, numbers in words."""

from __future__ import annotations

from collections.abc import Sequence

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""Numbers in words; the place in the list is the number."""

_IRREGULAR = {
    "person": "people", "mouse": "mice", "fish": "fish", "tropical fish": "tropical fish", "sheep": "sheep",
    "goose": "geese", "deer": "deer", "wolf": "wolves", "knife": "knives", "leaf": "leaves", "tooth": "teeth",
    "foot": "feet", "loaf": "loaves", "shrimp": "shrimp", "squid": "squid", "bison": "bison", "moose": "moose",
    "ox": "oxen", "snowman": "snowmen", "pufferfish": "pufferfish", "jellyfish": "jellyfish", "dice": "dice",
    "bus": "buses", "scarf": "scarves", "man": "men", "woman": "women", "child": "children", "shelf": "shelves",
}  # fmt: skip
_HEAD_FIRST = (" of ", " with ", " and ")

_IRREGULAR_PLURALS = {several: one for one, several in _IRREGULAR.items()}
_SAME_IN_PLURAL = frozenset({
    "binoculars", "clothes", "goggles", "headphones", "jeans", "pants", "pliers", "scissors", "series", "shorts",
    "species", "sunglasses", "tongs", "trousers", "tweezers",
})  # fmt: skip
_ENDING_IN_S = frozenset({"atlas", "canvas", "gas", "lens", "news"})
_ENDING_IN_IE = frozenset({"brownie", "calorie", "cookie", "genie", "hoodie", "movie", "selfie", "smoothie", "zombie"})
_ENDING_IN_O = frozenset({"buffalo", "hero", "mango", "mosquito", "potato", "tomato", "volcano"})
_ENDING_IN_MEN = frozenset({"abdomen", "cyclamen", "omen", "ramen", "regimen", "specimen", "stamen"})
_ENDING_IN_MAN = frozenset({"caiman", "german", "human", "roman", "shaman", "talisman"})
_MASS_NOUNS = frozenset({
    "broccoli", "cardboard", "dirt", "food", "fruit", "grass", "gravel", "paper", "pavement", "sand", "sea", "skis",
    "sky", "snow", "water",
})  # fmt: skip


def article(noun: str) -> str:
    """ "a" or "an", by the sound a noun phrase begins with."""
    first = noun.split()[0].lower()
    if first.startswith(("uni", "ufo", "eu", "one", "use", "usb", "usu", "ute", "uti", "ukulele")):
        return "a"
    if first == "x-ray" or first.startswith(("hour", "honest", "heir")):
        return "an"
    return "an" if first[0] in "aeiou" else "a"


def with_article(noun: str) -> str:
    """ "a dog", "an apple", "a pair of socks"."""
    return f"{article(noun)} {noun}"


def plural(noun: str) -> str:
    """Several of a noun phrase: "dogs", "pairs of socks", "mice"."""
    for joint in _HEAD_FIRST:
        head, separator, rest = noun.partition(joint)
        if separator and noun not in ("bow and arrow", "fork and knife", "hammer and wrench"):
            return plural(head) + joint + rest
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    before, _, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last in _SAME_IN_PLURAL:
        pass
    elif last.endswith("man") and last not in _ENDING_IN_MAN:
        last = last[:-3] + "men"
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    elif last in _ENDING_IN_O:
        last += "es"
    else:
        last += "s"
    return f"{before} {last}".strip()


def singular(phrase: str) -> str:
    """The phrase with its head in the singular, by the common rules of English: "red cars", "pairs of socks"."""
    for joint in _HEAD_FIRST:
        head, separator, rest = phrase.partition(joint)
        if separator:
            return singular(head) + joint + rest
    *before, last = phrase.split(" ")
    return " ".join([*before, _singular_word(last)])


def _singular_word(word: str) -> str:
    lower = word.lower()
    if lower in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[lower]
    if lower.endswith("men") and len(word) > 3 and lower not in _ENDING_IN_MEN:
        return word[:-2] + "an"
    if lower.endswith("children"):
        return word[:-3]
    if len(word) < 4 or not lower.endswith("s") or lower.endswith(("ss", "us", "is")):
        return word
    if lower in _SAME_IN_PLURAL or lower in _ENDING_IN_S:
        return word
    if lower.endswith("ies") and len(word) > 4 and lower[:-1] not in _ENDING_IN_IE:
        return word[:-3] + "y"
    if lower.endswith(("ches", "shes", "xes", "sses", "zzes")) or lower[:-2] in _ENDING_IN_O:
        return word[:-2]
    return word[:-1]


def is_uncounted(noun: str) -> bool:
    """Whether a noun phrase has no article: stuff such as "sky", and what is in the plural ("trees", "scissors")."""
    return _head(noun) in _MASS_NOUNS or is_plural(noun)


def is_plural(noun: str) -> bool:
    """Whether a noun phrase is in the plural, or has no other form: "trees", "pairs of socks", "scissors"."""
    head = _head(noun)
    return head in _SAME_IN_PLURAL or singular(head) != head


def _head(noun: str) -> str:
    """The word that a noun phrase is about: "pair" of "a pair of socks", "car" of "red car"."""
    for joint in _HEAD_FIRST:
        noun = noun.partition(joint)[0]
    return noun.split()[-1]


def listing(phrases: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]


def sentence(text: str) -> str:
    """Capital letter and full stop."""
    return text[0].upper() + text[1:] + "."
