"""The chart parser: from the tokens of a question to its logical form."""
