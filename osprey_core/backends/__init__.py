"""Further models that answer questions about regions, beside Osprey itself, and loading any of them by its name."""
