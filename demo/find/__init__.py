"""The search field below the picture: words in, regions out."""
