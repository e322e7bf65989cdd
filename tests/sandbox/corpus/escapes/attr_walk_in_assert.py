# category: attr-walk | expect: reject | success would mean: the message of an assert is an expression as well
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    assert False, image.__class__.__mro__
