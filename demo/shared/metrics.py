"""Counters and histograms of this process, in Prometheus' form. They hold no words and nobody's name.

They count for the whole process. What a page holds at a moment is read on request, by `demo.api.metrics_page`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

from demo.shared.problems import error_to_tell

REGISTRY = CollectorRegistry()

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

REQUESTS = Counter("osprey_http_requests", "HTTP requests that were answered.", ["method", "status"], registry=REGISTRY)
EVENT_SECONDS = Histogram(
    "osprey_event_seconds",
    'Events of the page (endpoint "page") and calls of endpoints, from their beginning to their end.',
    ["endpoint"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
JOB_SECONDS = Histogram(
    "osprey_job_seconds",
    "Jobs of the model, from their place in the queue to their end.",
    ["kind", "ending"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
FIRST_TOKEN_SECONDS = Histogram(
    "osprey_first_token_seconds",
    "From the beginning of an answer to its first token.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
PROMPT_TOKENS = Counter("osprey_prompt_tokens", "Tokens of the prompts of answers.", registry=REGISTRY)
NEW_TOKENS = Counter("osprey_new_tokens", "Tokens that were written into answers.", registry=REGISTRY)
ERRORS = Counter("osprey_errors", "Errors that somebody was told, by their code.", ["code"], registry=REGISTRY)

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


def count_error(error: BaseException) -> None:
    """Count an error that ends in a sentence; those without one of their own count as "unexpected"."""
    told = error_to_tell(error)
    ERRORS.labels(told.code if told is not None else "unexpected").inc()


def count_answer(prompt_tokens: int, new_tokens: int, seconds_to_first_token: float) -> None:
    """Count an answer that has ended."""
    PROMPT_TOKENS.inc(prompt_tokens)
    NEW_TOKENS.inc(new_tokens)
    if new_tokens:
        FIRST_TOKEN_SECONDS.observe(seconds_to_first_token)
