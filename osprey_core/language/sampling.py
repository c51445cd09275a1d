"""Sampling settings of an answer: one value with one set of limits, for library, command line, page and record."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from osprey_core.errors import InputError

MIN_TEMPERATURE = 0.001
"""The smallest temperature besides 0: below it, logits divided by the temperature overflow."""
MAX_TEMPERATURE = 2.0
MAX_NEW_TOKENS = 1_000_000
"""More than any context can hold; an answer is always limited by its context as well."""
MAX_SEED = 2**63 - 1
"""The largest seed that torch accepts."""

_DRAWN_SEEDS = 2**32
"""Drawn seeds lie below this: a person can type them, and a browser shows them exactly."""


@dataclass(frozen=True)
class SamplingSettings:
    """How an answer's tokens are chosen. Raises InputError for a value outside the limits."""

    temperature: float = 0.0
    """0 always takes the likeliest token; otherwise from `MIN_TEMPERATURE` to `MAX_TEMPERATURE`."""
    top_p: float = 1.0
    """Tokens are drawn from the likeliest ones that together have this probability; above 0, at most 1."""
    max_new_tokens: int | None = None
    """The longest answer, 1 to `MAX_NEW_TOKENS`; None for the model's own default."""
    seed: int | None = None
    """Makes sampling reproducible, 0 to `MAX_SEED`; None for a new seed every time."""

    def __post_init__(self) -> None:
        temperature, top_p = self.temperature, self.top_p
        if not (_is_number(temperature) and (temperature == 0 or MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE)):
            limits = {"low": f"{MIN_TEMPERATURE:g}", "high": f"{MAX_TEMPERATURE:g}"}
            raise InputError("sampling.temperature_outside", **limits, value=str(temperature))
        if not (_is_number(top_p) and 0 < top_p <= 1):
            raise InputError("sampling.top_p_outside", value=str(top_p))
        if not (self.max_new_tokens is None or _is_whole(self.max_new_tokens, 1, MAX_NEW_TOKENS)):
            raise InputError("sampling.max_new_tokens_outside", high=MAX_NEW_TOKENS, value=str(self.max_new_tokens))
        if not (self.seed is None or _is_whole(self.seed, 0, MAX_SEED)):
            raise InputError("sampling.seed_outside", high=MAX_SEED, value=str(self.seed))
        # NumPy's numbers become Python's, which JSON can hold.
        object.__setattr__(self, "temperature", float(temperature))
        object.__setattr__(self, "top_p", float(top_p))
        for name in ("max_new_tokens", "seed"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, int(value))

    @classmethod
    def read(cls, temperature: Any, top_p: Any, max_new_tokens: Any, seed: Any) -> SamplingSettings:
        """Settings from the values of a form or of an API call: numbers or their texts.

        An empty seed means None. Raises InputError for anything else than numbers, and for numbers outside the limits.
        """
        try:
            return cls(float(temperature), float(top_p), int(max_new_tokens), _read_seed(seed))
        except InputError:
            raise
        except (TypeError, ValueError, OverflowError):
            raise InputError("sampling.not_numbers") from None

    def with_longest(self, default_max_new_tokens: int) -> SamplingSettings:
        """The same with `default_max_new_tokens` if `max_new_tokens` is None."""
        return self if self.max_new_tokens is not None else replace(self, max_new_tokens=default_max_new_tokens)

    def with_seed(self) -> SamplingSettings:
        """The same with a seed: a random one if the temperature is above 0 and none was given."""
        if self.seed is not None or self.temperature == 0:
            return self
        return replace(self, seed=secrets.randbelow(_DRAWN_SEEDS))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high


def _read_seed(seed: Any) -> int | None:
    if seed is None or seed == "":
        return None
    if isinstance(seed, str):
        seed = seed.strip()
        return int(seed) if seed.lstrip("+-").isdecimal() else int(float(seed))
    return int(seed)  # not by way of float, which has no room for large seeds
