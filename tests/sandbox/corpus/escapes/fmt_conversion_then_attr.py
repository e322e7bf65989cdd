# category: format | expect: deny | success would mean: a conversion after an attribute
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '0.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{0.__class__!r:>10}".format(image)
