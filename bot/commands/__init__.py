"""The commands of `anlin`, one module a group."""
