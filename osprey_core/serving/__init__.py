"""Osprey in parts: pictures here, the language model in another engine (vLLM) or in replicas of a Ray cluster."""
