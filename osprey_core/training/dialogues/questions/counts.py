"""Questions about how many there are, and whether there is one at all."""

from __future__ import annotations

from osprey_core.language.wording import NUMBERS, plural, with_article
from osprey_core.training.dialogues.absent import is_kin
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.questions.names import called
from osprey_core.training.dialogues.questions.whole_picture import is_named_already
from osprey_core.training.scenes.names import Thing


def ask_count(talk: Conversation) -> DraftQuestion | None:
    """How many things there are, all or of one name."""
    objects = talk.scene.objects
    if talk.rng.random() < 0.15:
        number = len(objects)
        are, noun = ("is", "thing") if number == 1 else ("are", "things")
        answer = f"There {are} {NUMBERS[number]} {noun} in the picture."
        return DraftQuestion(WORDINGS["count_things"], answer, (NUMBERS[number], str(number)))
    if talk.rng.random() < 0.85:
        several = [o for o in objects if sum(p.name == o.name for p in objects) > 1]
        pool = several if several and talk.rng.random() < 0.6 else list(objects)
        thing = pool[int(talk.rng.integers(len(pool)))].thing
    else:
        missing = talk.pick_absent()
        if missing is None:
            return None
        thing = missing
    if any(o.name != thing.name and is_kin(o.thing, thing) for o in objects):
        return None
    number = sum(o.name == thing.name for o in objects)
    many = plural(thing.noun)
    are, noun = ("is", thing.noun) if number == 1 else ("are", many)
    answer = f"There {are} {NUMBERS[number]} {noun} in the picture."
    return DraftQuestion(WORDINGS["count"], answer, (NUMBERS[number], str(number)), slots={"x": many})


def ask_presence(talk: Conversation) -> DraftQuestion | None:
    """Whether there is a thing of that name."""

    def may_ask(thing: Thing) -> bool:
        return not (talk.options.unsaid and is_named_already(talk, thing))

    objects = [item for item in talk.scene.objects if may_ask(item.thing)]
    if not objects:
        return None
    if talk.rng.random() < 0.5:
        item = objects[int(talk.rng.integers(len(objects)))]
        number = sum(o.name == item.name for o in talk.scene.objects)
        own = item.thing.noun
        asked = called(talk, item.thing)
        one = f"Yes, there is {with_article(own)}."
        answer = one if number == 1 else f"Yes, there are {NUMBERS[number]} {plural(own)}."
    else:
        missing = talk.pick_absent()
        if missing is None or not may_ask(missing):
            return None
        asked = missing.noun
        answer = f"No, there is no {asked} in the picture."
    slots = {"x": with_article(asked)}
    return DraftQuestion(WORDINGS["presence"], answer, (answer.split(",")[0],), slots=slots)
