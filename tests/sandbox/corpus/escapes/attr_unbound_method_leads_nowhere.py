# category: attr-walk | expect: reject | success would mean: a method of the class has attributes
# refused: policy 2 "The attribute '__globals__' is hidden from programs."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch.find.__globals__)
