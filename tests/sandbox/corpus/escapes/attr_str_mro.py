# category: attr-walk | expect: deny | success would mean: str.mro through a variable, so that no name gives it away
# refused: check 3 "There is no attribute 'mro' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    kinds = [str, int]
    return "ESCAPED:" + repr(kinds[0].mro())
