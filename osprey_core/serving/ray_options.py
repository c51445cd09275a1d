"""What a Ray Serve application consists of, as the words after `serve run` give it. Knows nothing of Ray."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from osprey_core.errors import InputError
from osprey_core.runtime.choices import DTypeName, Quantization
from osprey_core.runtime.hub import EMBEDDED_MODEL
from osprey_core.segment import DEFAULT_SEGMENTER

_COUNTS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
Replicas = Annotated[str, Field(pattern=f"^{_COUNTS.pattern}$")]
"""A number of replicas, or "1-4": as many between them as the queue needs."""
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ClusterOptions(BaseModel):
    """Models, devices, replicas. `serve run demo.ray_ingress:application model=nano language_replicas=1-4`."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    model: str = EMBEDDED_MODEL
    """As for `Osprey.from_pretrained`: "nano", a folder that every machine has, or a repository id."""
    segmenter: str = DEFAULT_SEGMENTER
    device: str = "auto"
    dtype: Literal["auto"] | DTypeName = "auto"
    quantize: Quantization = "none"
    engine: Literal["auto", "local", "vllm"] = "auto"
    """Who decodes: vLLM or our own loop; "auto" takes vLLM where it is installed, there is a CUDA card, and
    nothing is quantized: vLLM takes plain weights only."""
    cache_mb: Annotated[int, Field(ge=0)] = 2048
    """Of each replica, for what it keeps of pictures between questions."""
    pictures: Annotated[int, Field(ge=1)] = 64
    """Opened pictures that a vision replica keeps."""

    vision_replicas: Replicas = "1-4"
    language_replicas: Replicas = "1-4"
    ingress_replicas: Replicas = "1"
    vision_cpus: Share = 1.0
    language_cpus: Share = 1.0
    ingress_cpus: Share = 0.5
    vision_gpus: Share = 0.0
    language_gpus: Share = 0.0
    vision_queue: Annotated[float, Field(gt=0)] = 4.0
    """Requests under way per vision replica from which on another replica is started."""
    language_queue: Annotated[float, Field(gt=0)] = 16.0
    """The same of language replicas, which decode their answers together."""

    addresses: bool = False
    """Whether pictures may be opened by their public web address."""
    api_keys: str = ""
    """File of the sums of programs' keys; without one, no key is asked for, and unless the service is `public`, only
    this machine is answered."""
    allowed_hosts: str = ""
    """Further names of the service, parted by commas."""
    public: bool = False
    """Whether everybody who reaches the service may use it without a key; any IP address is then a known host."""
    queue_length: Annotated[int, Field(ge=1)] = 512
    answer_seconds: Annotated[int, Field(ge=0)] = 0
    """The longest time for one answer; 0 for as long as it takes."""

    @model_validator(mode="after")
    def _check_quantized(self) -> Self:
        """Raises InputError (a ValueError) for vLLM with quantized weights."""
        if self.engine == "vllm" and self.quantize != "none":
            raise InputError("serving.vllm_quantized", value=self.quantize)
        return self

    def takes_vllm(self, device: str, is_installed: bool) -> bool:
        """Whether vLLM decodes on this device, "cuda:0" for example."""
        if self.engine != "auto":
            return self.engine == "vllm"
        return is_installed and device.startswith("cuda") and self.quantize == "none"


def replica_counts(text: str) -> tuple[int, int]:
    """The least and the most replicas of "2" or "1-4"; the most are never fewer than the least."""
    match = _COUNTS.fullmatch(text)
    assert match is not None, "checked by ClusterOptions"
    least = int(match[1])
    return least, max(least, int(match[2] or least), 1)
