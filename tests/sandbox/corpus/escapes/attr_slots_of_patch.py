# category: attr-walk | expect: reject | success would mean: the slots name the hidden fields
# refused: policy 2 "The attribute '__slots__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr([image.__slots__])
