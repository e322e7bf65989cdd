"""The engine: from a question to an answer."""
