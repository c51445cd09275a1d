"""Files and what is read from and written to them: pictures, masks, conversations, exports, the web."""
