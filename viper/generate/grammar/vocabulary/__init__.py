"""The words of the grammar: their spelling, their parts of speech and their meaning."""
