"""`python -m osprey_core ask`: ask one question about one picture and stream the answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from osprey_core.cli.loaders import Loaders, can_tell_confidence
from osprey_core.cli.marks import marked_regions
from osprey_core.cli.options import MAX_FILE_BYTES, AskOptions
from osprey_core.errors import InputError
from osprey_core.io.export import write_zip
from osprey_core.io.files import check_file_writable, read_file, write_file
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import AnswerMeasures, Record, RecordedPicture, RecordedTurn, TurnState
from osprey_core.regions import mentions

if TYPE_CHECKING:
    from osprey_core.region_model import NamedRegion


def ask(options: AskOptions, loaders: Loaders, out: TextIO, errors: TextIO) -> None:
    """Stream the answer to `out`, notes to `errors`. All that is given is checked before a model is loaded."""
    data = read_file(options.image, MAX_FILE_BYTES)
    image = read_picture(data)
    if options.save is not None:
        check_file_writable(options.save)
    regions = marked_regions(options.marks, options.models, options.image.name, image, loaders, errors)
    question = _question_for_model(options.question, len(regions))
    model = loaders.model(options.models)
    if options.confidence and not can_tell_confidence(model):
        raise InputError("cli.confidence_unknown", model=model.name)
    view = model.open(image)
    masks = [region.mask.mask() for region in regions]
    stream = view.stream(question, masks, **asdict(options.settings))
    pieces = []
    for piece in stream:
        pieces.append(piece)
        out.write(piece)
        out.flush()
    out.write("\n")
    named = view.name(masks[0]) if options.confidence and masks else None
    if named is not None:
        out.write(f"{named_in_words(named)}\n")
    out.flush()
    if options.save is not None:
        state: TurnState = "length" if stream.finish_reason == "length" else "complete"
        measures = AnswerMeasures(
            stream.prompt_tokens,
            stream.new_tokens,
            stream.seconds_to_first_token,
            stream.tokens_per_second,
            str(stream.finish_reason),
            stream.trimmed_turns,
            **(named.measures() if named is not None else {}),
        )
        turn = RecordedTurn(
            question, "".join(pieces), len(regions), state=state, settings=stream.settings, measures=measures
        )
        picture = RecordedPicture(data, options.image.name, image.width, image.height)
        segmenter = options.models.segmenter
        write_file(options.save, write_zip(Record(picture, regions, regions, (turn,), model.name, segmenter)))


def named_in_words(named: NamedRegion) -> str:
    """ "dog (83 %), perhaps beagle; cat (9 %)", or, where it is not sure, "Not sure: dog (41 %)?; cat (38 %), …"."""
    told = [f"{guess.name} ({guess.confidence:.0%})".replace("%", " %") for guess in named.guesses]
    if not told:
        return "Not sure: no name comes to mind."
    perhaps = f", perhaps {named.finer}" if named.finer and not named.is_unsure else ""
    first = f"Not sure: {told[0]}?" if named.is_unsure else f"{told[0]}{perhaps}"
    return f"{first}; {', '.join(told[1:])}" if told[1:] else first


def _question_for_model(typed: str, region_count: int) -> str:
    """The question with `@2` as `<region2>`. Raises InputError if it mentions a region that is not marked."""
    for number in mentions.mentioned(typed):
        if not 1 <= number <= region_count:
            raise InputError("cli.region_unknown", number=number, count=region_count)
    return mentions.replaced(typed, lambda number: f"<region{number}>")
