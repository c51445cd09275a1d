"""The language side: conversations as prompts, prompts as token ids, token ids as streamed text."""
