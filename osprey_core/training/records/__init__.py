"""Readers of published data sets: Osprey-724K, LLaVA, COCO, LVIS, RefCOCO."""
