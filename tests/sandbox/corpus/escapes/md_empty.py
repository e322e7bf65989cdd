# category: markdown | expect: reject | success would mean: no text at all
# refused: syntax 1 "There is no program: the text is empty."
@EMPTY@
