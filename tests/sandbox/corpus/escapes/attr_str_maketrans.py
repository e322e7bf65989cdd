# category: attr-walk | expect: deny | success would mean: static methods of str beyond the table
# refused: check 2 "There is no attribute 'maketrans' in programs. Use a method of str, list, dict or set, or of the ImagePatch AP"
def execute_command(image):
    return "ESCAPED:" + repr(str.maketrans("a", "b"))
