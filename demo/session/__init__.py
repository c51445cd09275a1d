"""One person's open pictures, regions and conversation as plain values, and their changes."""
