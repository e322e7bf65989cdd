# category: markdown | expect: reject | success would mean: a comment alone
# refused: syntax 1 "There is no program: the text is empty."
# I cannot help with that.
