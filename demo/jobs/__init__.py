"""Model jobs of a person: answers, captions and analyses, how they run, and how they are stopped."""
