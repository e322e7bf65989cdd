# category: attr-walk | expect: deny | success would mean: type.mro() (no underscore!) yields `object`
# refused: check 2 "There is no attribute 'mro' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    chain = int.mro()
    return "ESCAPED:" + repr(chain)
