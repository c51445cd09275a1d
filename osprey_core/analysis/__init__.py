"""What a model makes of a region beyond its answer: likelihood of labels, similarity of features."""
