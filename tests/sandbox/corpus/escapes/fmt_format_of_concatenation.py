# category: format | expect: deny | success would mean: a template that is put together at run time
# refused: runtime 3 "ValueError: A field of format() must be a plain name or number, got '0.__class__'. Use an f-string."
def execute_command(image):
    t = "{0._" + "_class_" + "_}"
    return "ESCAPED:" + t.format(image)
