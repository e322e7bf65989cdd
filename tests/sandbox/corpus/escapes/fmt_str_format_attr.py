# category: format | expect: deny | success would mean: '{0.__class__}'.format walks attributes in C (CVE-2023-41039)
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '0.__class__.__mro__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{0.__class__.__mro__}".format(image)
