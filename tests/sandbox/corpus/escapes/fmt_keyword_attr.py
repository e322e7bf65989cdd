# category: format | expect: deny | success would mean: attributes of a keyword argument
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got 'p.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{p.__class__}".format(p=image)
