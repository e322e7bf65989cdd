# category: attr-walk | expect: reject | success would mean: an attribute in the index of a store
# refused: policy 3 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    d = {}
    d[image.__class__] = 1
    return "ESCAPED:" + repr(d)
