# category: attr-walk | expect: deny | success would mean: types.GenericAlias forwards mro() to list
# refused: check 3 "There is no attribute 'mro' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    alias = list[int]
    return "ESCAPED:" + repr(alias.mro())
