"""Analyses of what the model makes of a region: label scores, ablation, samples, two models, similarity maps."""
