"""How an answer is decoded: temperature, nucleus, length, seed, as the page's controls and programs give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.i18n import words
from osprey_core.errors import InputError


@dataclass(frozen=True)
class Settings:
    """How an answer is decoded. Ranges are checked when it is made."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 1024
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 2:
            raise InputError(words.BAD_TEMPERATURE.format(value=self.temperature))
        if not 0 < self.top_p <= 1:
            raise InputError(words.BAD_TOP_P.format(value=self.top_p))
        if not 1 <= self.max_new_tokens <= 4096:
            raise InputError(words.BAD_MAX_NEW_TOKENS.format(value=self.max_new_tokens))
        if self.seed is not None and not 0 <= self.seed < 2**32:
            raise InputError(words.BAD_SEED.format(value=self.seed))

    @classmethod
    def read(cls, temperature: Any, top_p: Any, max_new_tokens: Any, seed: Any) -> Settings:
        """From whatever the controls (or an API caller) hold; an empty seed means another one every time."""
        try:
            return cls(
                float(temperature), float(top_p), int(max_new_tokens), None if seed in (None, "") else int(float(seed))
            )
        except InputError:
            raise
        except (TypeError, ValueError, OverflowError):
            raise InputError(words.BAD_SETTINGS) from None
