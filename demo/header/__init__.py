"""The page's header: loading status, choice of language, help button."""
