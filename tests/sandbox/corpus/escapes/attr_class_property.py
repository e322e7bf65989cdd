# category: attr-walk | expect: deny | success would mean: a property object and its fget
# refused: runtime 2 "AttributeError: type 'ImagePatch' has no attribute 'left' here."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch.left)
