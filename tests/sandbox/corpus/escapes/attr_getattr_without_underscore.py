# category: attr-walk | expect: deny | success would mean: a method object whose public attributes lead on
# refused: check 3 "There is no attribute 'func' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    find = image.find
    return "ESCAPED:" + repr(find.func)
