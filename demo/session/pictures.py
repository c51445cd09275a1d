"""Open a picture from a file, an example or a web address, each as a new Session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from demo.session.examples import Example
from demo.session.services import PIXELS_IN_FLIGHT, Services
from demo.session.session import Picture, Session
from demo.shared.memory import give_back
from osprey_core.errors import InputError
from osprey_core.io.pictures import pixels_of, read_picture

LARGE_PIXELS = 10_000_000
"""From this size on, memory that the work has freed is given back to the system at once."""
FEWEST_PIXELS = PIXELS_IN_FLIGHT // 4
"""What a small picture counts as, so that at most four are in work: they keep the cores busy that others need."""


@contextmanager
def picture_turn(services: Services, person: str, pixels: int) -> Iterator[None]:
    """A turn, for a `with` statement, at work that needs memory for so many pixels. It must not hold another one.

    Memory that does not suffice becomes an InputError that names what helps here: a smaller picture.
    """
    with services.picture_turns.queue(person, max(pixels, FEWEST_PIXELS)):
        try:
            yield
        except MemoryError:
            raise InputError("page.out_of_memory_picture") from None
        finally:
            if pixels >= LARGE_PIXELS:
                give_back()


def open_picture(data: bytes, name: str) -> Session:
    """A new session with this picture. Raises InputError if the data is not a picture."""
    image = read_picture(data)
    return Session(picture=Picture(data, name, image.width, image.height))


def open_example(services: Services, name: str) -> Session:
    """A new session with the example of this file name."""
    example = find_example(services, name)
    if example is None:
        raise InputError("page.unknown_example")
    return open_picture(example.path.read_bytes(), example.path.name)


def open_address(services: Services, address: str) -> Session:
    """A new session with the picture at this web address."""
    if services.fetch is None:
        raise InputError("page.no_addresses")
    data, name = services.fetch(address)
    with picture_turn(services, address, pixels_of(data)):
        return open_picture(data, name)


def find_example(services: Services, name: str) -> Example | None:
    """The example of this file name, if there is one."""
    return next((example for example in services.examples if example.path.name == name), None)


def required_picture(session: Session) -> Picture:
    """The session's picture. Raises InputError if there is none."""
    if session.picture is None:
        raise InputError("page.no_picture")
    return session.picture
