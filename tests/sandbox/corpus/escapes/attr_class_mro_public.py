# category: attr-walk | expect: deny | success would mean: ImagePatch.mro() yields object
# refused: check 2 "No object in a program has an attribute 'mro'. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch.mro())
