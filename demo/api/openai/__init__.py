"""`/v1/chat/completions` and `/v1/models`: the form in which programs talk to OpenAI, about regions of a picture."""
