"""What is kept between questions about one picture: the language model's prefix, within a budget of bytes."""
