"""The words of the grammar: how they are spelled, what kind they are and what they mean."""
