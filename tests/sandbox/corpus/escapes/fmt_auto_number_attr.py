# category: format | expect: deny | success would mean: automatic numbering followed by an attribute
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{.__class__}".format(image)
