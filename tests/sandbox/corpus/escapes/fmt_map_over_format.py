# category: format | expect: deny | success would mean: map(template.format, …) calls the method without a call in sight
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '0.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "".join(map("{0.__class__}".format, [image]))
