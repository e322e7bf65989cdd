# category: attr-walk | expect: deny | success would mean: the bases of an exception class lead to BaseException and object
# refused: check 2 "There is no attribute 'mro' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(ValueError.mro())
