# category: format | expect: deny | success would mean: a field inside the spec of another
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '1.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{0:{1.__class__}}".format(1, image)
