# category: attr-walk | expect: reject | success would mean: raise … from takes any expression
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    raise ValueError("x") from image.__class__("x")
