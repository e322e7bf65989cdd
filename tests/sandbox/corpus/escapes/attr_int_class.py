# category: attr-walk | expect: reject | success would mean: the class of a number, the first step of every walk
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr((1).__class__)
