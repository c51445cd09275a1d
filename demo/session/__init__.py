"""One person's open pictures, regions and conversation as plain values, and the functions that change them."""
