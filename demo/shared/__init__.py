"""Small things that several rooms of the page use."""
