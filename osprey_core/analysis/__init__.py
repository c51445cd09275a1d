"""Analyses of a model's view of a region: likelihood of labels, similarity of features."""
