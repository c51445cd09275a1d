"""The errors a person can do something about.

Every message is one or two plain sentences: what is wrong, and what to do. The page shows it as it is, so it
names no internals. Programming mistakes are not reported through these classes.
"""


class OspreyError(Exception):
    """Base of every error whose message is meant for the person using the program."""


class InputError(OspreyError, ValueError):
    """A picture, mask, question or setting that cannot be used as given."""


class CheckpointError(OspreyError, RuntimeError):
    """A checkpoint whose files are there but do not hold what the model needs."""


class ModelNotFoundError(OspreyError, FileNotFoundError):
    """A model name, folder or file that is neither here nor reachable."""


class ContextOverflowError(InputError):
    """A question that does not fit into the language model's context, even without its history."""
