"""Files, packaged data and SQLite databases."""
