"""The page's words in every language."""
