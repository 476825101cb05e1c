"""Text in, understanding out. Knows nothing of conversations or databases."""
