"""The model's default sampling settings."""

from __future__ import annotations

from demo.session.services import Services
from osprey_core.config import GenerationDefaults


def generation_defaults(services: Services, is_embedded: bool) -> GenerationDefaults:
    """The model's defaults; while it loads, the expected ones. is_embedded: whether it is the built-in model."""
    if services.model.state == "ready":
        defaults: GenerationDefaults = services.model.get().generation_defaults
        return defaults
    return GenerationDefaults(temperature=0.0) if is_embedded else GenerationDefaults()


def values_of(defaults: GenerationDefaults) -> list[float]:
    """Temperature, top-p and longest answer, in the order of the page's sampling controls."""
    return [defaults.temperature, defaults.top_p, defaults.max_new_tokens]
