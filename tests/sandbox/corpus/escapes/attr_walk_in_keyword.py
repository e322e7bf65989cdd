# category: attr-walk | expect: reject | success would mean: an attribute in a keyword argument
# refused: policy 2 "The attribute '__eq__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + str(sorted([image], key=image.__eq__))
