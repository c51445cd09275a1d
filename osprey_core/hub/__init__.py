"""Models on the Hugging Face Hub: what a repository of one holds, its card, and its handler for Inference Endpoints."""
