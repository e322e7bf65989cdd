# category: attr-walk | expect: reject | success would mean: attributes in the parts of a slice
# refused: policy 2 "The attribute '__hash__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr([1, 2, 3][image.__hash__():])
