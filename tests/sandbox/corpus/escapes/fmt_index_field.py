# category: format | expect: deny | success would mean: '{0[key]}' reads items of any argument in C
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '0[x]'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{0[x]}".format({"x": image})
