"""The network: vision encoder, connector, mask extractor and language model."""

from osprey_core.model.osprey import OspreyNetwork, build_network

__all__ = ["OspreyNetwork", "build_network"]
