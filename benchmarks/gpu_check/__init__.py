"""What a GPU makes of the model, in one run of at most three minutes: `python -m benchmarks.gpu_check`.

Each section is a process of its own with a time limit, so that one that fails or hangs costs the others nothing.
"""
