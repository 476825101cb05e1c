"""What the bot says and does: the conversation engine, and one module a flow."""
