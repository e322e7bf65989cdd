# category: frames | expect: deny | success would mean: with_traceback returns the exception and takes a traceback
# refused: check 2 "There is no attribute 'with_traceback' in programs. Use a method of str, list, dict or set, or of the ImagePat"
def execute_command(image):
    return "ESCAPED:" + repr(ValueError("x").with_traceback(None))
