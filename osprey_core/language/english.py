"""Whether a question is in English, for models that read nothing else. A guess by letters and frequent small words."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_ENGLISH = """
a an the is are was were be what which who where when how why does do did can could would should will this that these
those it its of to in on and or with there any there's what's it's me you your please tell describe
"""
_OTHERS = """
der das ist sind ein eine einen dem und oder nicht welche welcher welches wie wo wer warum mit auf auch
le la les un une est sont quel quelle quels quelles que qui où comment pourquoi avec dans des du ce cette et ou
el los las uno una es qué cuál cuáles cómo dónde quién por para del esto esta este y
il lo gli che cosa quale quali dove chi perché sono questo questa è di della nel
o os um uma são qual quais onde quem porque com isto isso não da na
het een zijn wat welke hoe waar waarom met op deze dit
"""
"""Small words of German, French, Spanish, Italian, Portuguese and Dutch that are not English words as well."""
_ENGLISH_WORDS, _OTHER_WORDS = frozenset(_ENGLISH.split()), frozenset(_OTHERS.split())


def is_english(text: str) -> bool:
    """Whether a text is probably English; also if nothing speaks against it, as in names and numbers.

    Against it speak letters of other scripts, if they are a third of all letters or more, and two or more small words
    of other languages, if they are more than the English ones.
    """
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return True
    foreign = sum(not _is_latin(letter) for letter in letters)
    if 3 * foreign >= len(letters):
        return False
    words = [word.lower() for word in _WORD.findall(text)]
    others = sum(word in _OTHER_WORDS for word in words)
    return others < 2 or others <= sum(word in _ENGLISH_WORDS for word in words)


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith(
        ("LATIN", "FULLWIDTH LATIN", "FEMININE", "MASCULINE")
    )
