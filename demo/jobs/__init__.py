"""Running the model for a person: what is loading, what can be stopped, where it runs."""
