"""Training of the learned segmenter: pictures and tasks, the pool of encoded pictures, the run."""
