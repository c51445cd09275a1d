"""The HTTP side of the Ray Serve application: OpenAI's routes and `/health` over replicas of the model.

    serve run demo.ray_ingress:application model=sunshine-lwt/Osprey-7b language_gpus=1 vision_gpus=0.2

It is the same door as the page's, with a model whose work is done in the cluster. There is no page here.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray import serve
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

from demo.api.access_log import AccessLog
from demo.api.api_keys import ApiKeys, RequireApiKey
from demo.api.health import HealthRoute
from demo.api.known_hosts import KnownHosts, RequireKnownHost, RequireLoopbackPeer
from demo.api.openai.door import OpenAIDoor
from demo.api.request_bodies import LimitBodies
from demo.jobs import decoding
from demo.serving_options import read_key_sums
from demo.session.services import Services
from demo.shared.lazy_resource import LazyResource
from osprey_core.io.web_fetch import fetch
from osprey_core.serving.ray_app import INGRESS, LANGUAGE, VISION, deployments
from osprey_core.serving.ray_model import RayModel, RaySegmenter
from osprey_core.serving.ray_options import ClusterOptions, replica_counts


def application(given: ClusterOptions | dict[str, Any]) -> Any:
    """The application for `serve.run`, or, with its words NAME=VALUE, for `serve run` and `serve build`.

    Raises ValidationError (a ValueError) for options that are none, InputError for a file of keys that is none.
    """
    options = given if isinstance(given, ClusterOptions) else ClusterOptions.model_validate(given)
    key_sums = read_key_sums(Path(options.api_keys) if options.api_keys else None)
    least, most = replica_counts(options.ingress_replicas)

    def build() -> Any:  # Serve takes plain functions only
        return door(options, key_sums)

    ingress = serve.deployment(serve.ingress(build)()).options(
        name=INGRESS,
        ray_actor_options={"num_cpus": options.ingress_cpus},
        max_ongoing_requests=1024,
        **(
            {"num_replicas": least}
            if most == least
            else {"autoscaling_config": {"min_replicas": least, "max_replicas": most}}
        ),
    )
    return ingress.bind(*deployments(options))


def door(options: ClusterOptions, key_sums: tuple[str, ...]) -> Any:
    """The ASGI application of one ingress replica."""
    vision, language = serve.get_deployment_handle(VISION), serve.get_deployment_handle(LANGUAGE)
    services = Services(
        model=LazyResource(options.model, lambda: RayModel.connect(vision, language)).start(),
        segmenter=LazyResource.of(RaySegmenter(options.segmenter, vision), options.segmenter),
        fetch=fetch if options.addresses else None,
        queue_length=options.queue_length,
        answer_seconds=options.answer_seconds or math.inf,
    )
    hosts = KnownHosts("0.0.0.0" if options.public else "127.0.0.1", options.allowed_hosts.split(","), os.environ)
    keys = ApiKeys(key_sums, for_page=True) if key_sums else None
    layers = [
        Middleware(AccessLog, is_logged=False),
        Middleware(HealthRoute, page=SimpleNamespace(services=services, is_ending=False)),
        Middleware(RequireKnownHost, hosts=hosts),
        *([] if keys is None else [Middleware(RequireApiKey, keys=keys)]),
        *([Middleware(RequireLoopbackPeer)] if keys is None and not options.public else []),
        Middleware(LimitBodies),
        Middleware(OpenAIDoor, services=services, decode=decoding.decode),
    ]
    app: Any = _not_here
    for layer in reversed(layers):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


async def _not_here(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
