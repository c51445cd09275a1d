"""Questions about colours and patterns."""

from __future__ import annotations

from osprey_core.language.wording import sentence, with_article
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.facts import colors_said, main_colors, wrong_colors
from osprey_core.training.dialogues.phrasings import WORDINGS, Wording
from osprey_core.training.dialogues.questions.whole_picture import pick_unique
from osprey_core.training.dialogues.scene_words import color_words, definite, pronoun
from osprey_core.training.scenes.colors import possible_colors


def ask_color(talk: Conversation) -> DraftQuestion | None:
    """The one or two colours of a region."""
    index = talk.pick_region(lambda content: bool(main_colors(content.shares)))
    if index is None:
        return None
    content = talk.regions[index]
    colors = color_words(content.shares)
    they, are = pronoun(content)
    subject = they if talk.rng.random() < 0.5 else definite(content)
    accepted = (
        colors, *main_colors(content.shares), *colors_said(possible_colors(talk.scene.image, content.mask)),
    )  # fmt: skip
    answer = sentence(f"{subject} {are} {colors}")
    return DraftQuestion(WORDINGS["color"], answer, tuple(dict.fromkeys(accepted)), (index,))


def ask_is_color(talk: Conversation) -> DraftQuestion | None:
    """Whether a region of one colour has that colour."""
    index = talk.pick_region(lambda content: len(main_colors(content.shares)) == 1)
    if index is None:
        return None
    content = talk.regions[index]
    truth = main_colors(content.shares)[0]
    they, are = pronoun(content)
    if talk.rng.random() < 0.5:
        asked, yes = truth, "Yes"
    else:
        wrong = wrong_colors(truth, content.shares)
        if not wrong:
            return None
        asked, yes = talk.pick(wrong), "No"
    wording = WORDINGS["is_color"]
    if content.is_many:  # the bare texts ask about "it"
        wording = Wording(wording.templates)
    slots = {"x": asked, "Is": are.capitalize()}
    return DraftQuestion(wording, f"{yes}, {they.lower()} {are} {truth}.", (yes,), (index,), slots)


def ask_named_color(talk: Conversation) -> DraftQuestion | None:
    """The colour of a thing that is named, and not marked."""
    item = pick_unique(talk, lambda o: bool(main_colors(o.color_shares)))
    if item is None:
        return None
    colors = color_words(item.color_shares)
    noun = item.thing.noun
    accepted = (colors, *main_colors(item.color_shares))
    return DraftQuestion(WORDINGS["named_color"], f"The {noun} is {colors}.", accepted, slots={"x": f"the {noun}"})


def ask_texture(talk: Conversation) -> DraftQuestion | None:
    """The outline or the pattern of a shape."""
    index = talk.pick_region(lambda content: content.object is not None and bool(content.object.texture))
    if index is None:
        return None
    item = talk.regions[index].object
    assert item is not None
    if talk.rng.random() < 0.45:
        return DraftQuestion(WORDINGS["shape"], f"It is {with_article(item.thing.noun)}.", (item.name,), (index,))
    return DraftQuestion(WORDINGS["texture"], f"It is {item.texture}.", (item.texture,), (index,))
