# category: attr-walk | expect: deny | success would mean: ImagePatch.mro() yields object
# refused: check 2 "The class ImagePatch has no method 'mro'."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch.mro())
