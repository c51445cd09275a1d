"""The page's header: what is loaded, the choice of language, the button of the help sheet."""
