"""What is remembered: models, the only code that writes them, and the content a community edits."""
