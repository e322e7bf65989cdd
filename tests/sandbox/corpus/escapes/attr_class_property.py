# category: attr-walk | expect: deny | success would mean: a property object and its fget
# refused: check 2 "The class ImagePatch has no method 'left'."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch.left)
