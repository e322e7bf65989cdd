# category: format | expect: deny | success would mean: a bound format given away as a key
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '0.__class__.__mro__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + repr(sorted([image], key="{0.__class__.__mro__}".format))
