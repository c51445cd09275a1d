"""The papers' benchmarks as published: readers, questions, cleaning and measures, one command for each."""
