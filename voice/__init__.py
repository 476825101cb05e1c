"""Sound in, text out, and back. Knows nothing of conversations or databases."""
