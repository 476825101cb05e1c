"""One module a channel. They carry messages; they hold no business rules."""
