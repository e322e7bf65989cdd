# category: attr-walk | expect: deny | success would mean: a type nobody thought of, reached by arithmetic
# refused: check 3 "There is no attribute 'conjugate' in programs. Use a method of str, list, dict or set, or of the ImagePatch AP"
def execute_command(image):
    z = (-1) ** 0.5
    return "ESCAPED:" + repr(z.conjugate())
