"""Training data and training of the embedded model: made scenes, made dialogues, records on disk."""
