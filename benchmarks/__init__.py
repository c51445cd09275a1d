"""How much faster the library is than answering every question from scratch: `python -m benchmarks`."""
