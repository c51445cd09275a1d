"""The command line: ask, describe, convert."""
